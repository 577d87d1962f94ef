#pragma once

#include <memory>
#include <ntape/tape/sweep.hpp>
#include <vector>

namespace ntape {

/// d f_c(x_n) / d theta for N examples and C outputs, as blocks per parameter and use; never N x P.
///
/// A parameter used several times has several uses; its Jacobian is their sum. Blocks point into the tape
/// and into the sweep kept here, so a Jacobian is good until its tape is replayed, extended or destroyed.
template <class Real>
struct Jacobian {
  struct Use {
    Index parameter;  ///< position in Tape::parameters()
    Block<Real> block;
  };

  Index examples = 0;
  Index outputs = 0;
  std::vector<Shape> parameters;
  std::vector<Use> uses;
  const Tape<Real>* tape = nullptr;
  std::uint64_t generation = 0;
  std::unique_ptr<ReverseSweep<Real>> sweep;

  /// Throws InternalError when the tape has moved on since this Jacobian was taken.
  void require_current() const;
};

/// One reverse sweep with C unit seeds gives all N C rows, the rows of every op being independent.
/// y is [N x C] batched. Throws UserError when an op below y mixes rows (naming it), or when a parameter is
/// used through batch-free ops. Cost: C reverse sweeps towards the activations.
template <class Real>
[[nodiscard]] Jacobian<Real> per_example_jacobian(const Tape<Real>& tape, Var y);

/// [N C x P], row n C + c, columns in the tape's parameter order, each parameter row-major. The oracle.
template <class Real>
[[nodiscard]] Matrix<Real> dense_jacobian(const Jacobian<Real>& j);

}  // namespace ntape
