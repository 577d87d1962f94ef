#pragma once

#include <ntape/train/descent.hpp>

/// How gradient_descent moves theta; no part of the library's interface.
namespace ntape::detail {

/// Steps theta <- theta - eta J^T u on a recorded output, u [1 x N x C] the cotangent of its cost; with
/// momentum m, v <- m v - eta J^T u from v = 0, theta <- theta + v.
///
/// Of a structured network with one output the sweep starts from unit seeds, whatever is observed: its
/// cotangents are the per-example Jacobian, and their rows times u_n those of the cost. So tracking a kernel
/// shares the sweep and leaves the bits of training as they are.
template <class Real>
class Update {
 public:
  /// All must outlive it. Throws as entries_of.
  Update(const Tape<Real>& tape, Var output, Parameters<Real>& theta, const DescentOptions& options);

  Update(const Update&) = delete;  // on_use_ holds its address
  Update& operator=(const Update&) = delete;

  /// At the tape's present values.
  const Jacobian<Real>& jacobian();
  /// The tape then has to be replayed. No heap allocation after the first.
  void step(const Stack<Real>& cotangent);

 private:
  void step_by_blocks(const Stack<Real>& cotangent);
  void step_by_gradient(const Stack<Real>& cotangent);
  /// What -eta J^T u is added to: theta, or the velocity.
  [[nodiscard]] Matrix<Real>& target(Index parameter);
  [[nodiscard]] Real rate_of(Index parameter) const;

  const Tape<Real>& tape_;
  Var output_;
  Parameters<Real>& theta_;
  const DescentOptions& options_;
  std::vector<Index> entries_;  // of theta, for every parameter of the tape
  Parameters<Real> velocity_;   // empty without momentum
  bool shared_;                 // a step's sweep gives the Jacobian
  Jacobian<Real> jacobian_;
  // Otherwise a sweep from the cost's cotangent, which leaves outer products where they are met.
  struct Use {
    Index parameter;
    OuterBlock<Real> block;
  };
  ReverseSweep<Real> sweep_;
  typename ReverseSweep<Real>::BatchFreeUse on_use_;
  std::vector<Index> position_;  // of a leaf's node among the tape's parameters
  std::vector<Use> uses_;
};

}  // namespace ntape::detail
