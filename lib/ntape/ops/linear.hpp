#pragma once

#include <ntape/tape/tape.hpp>

namespace ntape {

/// scale * x W^T: x [N x i], W [o x i] batch-free, result [N x o], batched as x is. 2 N i o flops.
/// Throws ShapeError, and UserError for a batched W: its rows are not examples.
template <class Real>
Var linear(Tape<Real>& tape, Var x, Var w, Real scale = Real(1));

/// x + scale * 1 b: x [N x o], b [1 x o] batch-free, result batched as x is. 2 N o flops. Throws as linear.
template <class Real>
Var add_row(Tape<Real>& tape, Var x, Var b, Real scale = Real(1));

/// weight_scale * x W^T + bias_scale * 1 b, a layer in one op: add_row(linear(x, W), b) with one matrix less
/// to keep, and with one cotangent for W and b, so that their kernels share its Gram. Throws as linear.
template <class Real>
Var affine(Tape<Real>& tape, Var x, Var w, Var b, Real weight_scale = Real(1), Real bias_scale = Real(1));

/// The ops themselves, for tests and for those who record with Tape::record.
template <class Real>
[[nodiscard]] OpPtr<Real> linear_op(Real scale);
template <class Real>
[[nodiscard]] OpPtr<Real> add_row_op(Real scale);
template <class Real>
[[nodiscard]] OpPtr<Real> affine_op(Real weight_scale, Real bias_scale);

}  // namespace ntape
