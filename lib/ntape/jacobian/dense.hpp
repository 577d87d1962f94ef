#pragma once

#include <ntape/jacobian/jacobian.hpp>

namespace ntape {

/// A block as [V x N x p], p running over the entries of a parameter of that shape, row-major. V N p entries.
template <class Real>
[[nodiscard]] Stack<Real> dense_block(const Block<Real>& block, Shape parameter);

/// One parameter's rows [N C x p], row n C + c: the sum over its uses.
template <class Real>
[[nodiscard]] Matrix<Real> dense_rows(const Jacobian<Real>& j, Index parameter);

/// [N C x P], row n C + c, columns in the tape's parameter order, each parameter row-major. The oracle.
template <class Real>
[[nodiscard]] Matrix<Real> dense_jacobian(const Jacobian<Real>& j);
/// The same into memory that is used again when it has the shape: touching fresh memory costs more than the
/// work.
template <class Real>
void dense_jacobian(const Jacobian<Real>& j, Matrix<Real>& into);

}  // namespace ntape
