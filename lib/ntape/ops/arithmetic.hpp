#pragma once

#include <ntape/tape/tape.hpp>

namespace ntape {

/// a + b, entry by entry: a, b [N x c], result [N x c]. Shapes must be equal; when one is batched and the
/// other is not, row i of the batch-free one belongs to example i. N c flops. Throws ShapeError.
template <class Real>
Var add(Tape<Real>& tape, Var a, Var b);

/// a - b, as add.
template <class Real>
Var subtract(Tape<Real>& tape, Var a, Var b);

/// a o b, entry by entry, as add.
template <class Real>
Var multiply(Tape<Real>& tape, Var a, Var b);

/// a / b, entry by entry, as add. A zero in b gives an infinity or NaN, as in C++.
template <class Real>
Var divide(Tape<Real>& tape, Var a, Var b);

/// factor * x: x [N x c], result [N x c], batched as x is. N c flops.
template <class Real>
Var scale(Tape<Real>& tape, Var x, Real factor);

/// x^exponent, entry by entry, for a constant exponent: x [N x c], result [N x c], batched as x is. Negative
/// entries give NaN unless the exponent is an integer. N c calls of std::pow. Throws UserError for an
/// exponent that is zero (a constant would swallow NaN) or not finite.
template <class Real>
Var power(Tape<Real>& tape, Var x, double exponent);

/// x o 1 g, a factor a column: x [N x c], g [1 x c] batch-free, result [N x c], batched as x is. N c flops.
/// Throws ShapeError, and UserError for a batched g.
template <class Real>
Var row_gain(Tape<Real>& tape, Var x, Var g);

/// The ops themselves, for tests and for those who record with Tape::record.
template <class Real>
[[nodiscard]] OpPtr<Real> add_op();
template <class Real>
[[nodiscard]] OpPtr<Real> subtract_op();
template <class Real>
[[nodiscard]] OpPtr<Real> multiply_op();
template <class Real>
[[nodiscard]] OpPtr<Real> divide_op();
template <class Real>
[[nodiscard]] OpPtr<Real> scale_op(Real factor);
template <class Real>
[[nodiscard]] OpPtr<Real> power_op(double exponent);
template <class Real>
[[nodiscard]] OpPtr<Real> row_gain_op();

}  // namespace ntape
