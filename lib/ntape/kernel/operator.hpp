#pragma once

#include <functional>
#include <memory>
#include <ntape/model/network.hpp>
#include <ntape/tape/sweep.hpp>

namespace ntape {

/// Theta(x, x) of a network as a linear map, never formed: Theta u = J (J^T u), in the full form, entry n C +
/// c.
///
/// Examples pass in blocks of fixed size, each evaluated where it is needed and forgotten, so that memory is
/// that of the parameters and of one block, whatever the number of examples. The last block of a size is
/// evaluated anew only when its examples or the parameters are others, bit by bit: both may change in place.
template <class Real>
class KernelOperator {
 public:
  /// Records f(tape, theta, x): see Network.
  using Record = std::function<Var(Tape<Real>&, const Parameters<Real>&, Var)>;
  static constexpr Index kBlock = 512;

  /// theta and x [N x n_0] must outlive it. `selected` as in KernelOptions. Throws UserError when there are
  /// no examples, or an op mixes them.
  KernelOperator(Record f, const Parameters<Real>& theta, const Matrix<Real>& x,
                 std::vector<char> selected = {});
  ~KernelOperator();

  [[nodiscard]] Index examples() const;
  [[nodiscard]] Index outputs() const;
  [[nodiscard]] Index size() const { return examples() * outputs(); }  ///< N C

  /// Theta u. Throws ShapeError unless u has size() entries. Cost: two evaluations, a reverse and a forward
  /// sweep of all examples; one evaluation when they are one block.
  [[nodiscard]] std::vector<Real> apply(std::span<const Real> u);
  /// J^T u, shaped as theta.
  [[nodiscard]] Parameters<Real> pull(std::span<const Real> u);
  /// J(z) t at other inputs z [M x n_0], [M C] entries: with t = pull(u), Theta(z, x) u.
  [[nodiscard]] std::vector<Real> push(const Parameters<Real>& t, const Matrix<Real>& z);

 private:
  struct Place;
  void notice_theta();
  Place& place(const Matrix<Real>& z, Index first);

  Record f_;
  const Parameters<Real>& theta_;
  const Matrix<Real>& x_;
  std::vector<char> selected_;
  std::uint64_t seen_ = 0;                      // what theta was when the places were evaluated
  std::vector<std::unique_ptr<Place>> places_;  // one a size of block
};

}  // namespace ntape
