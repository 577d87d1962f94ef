#pragma once

#include <ntape/tape/tape.hpp>

namespace ntape {

/// scale * x W^T: x [N x i] batched, W [o x i] batch-free, result [N x o]. Throws ShapeError. 2 N i o flops.
template <class Real>
Var linear(Tape<Real>& tape, Var x, Var w, Real scale = Real(1));

/// x + scale * 1 b: x [N x o] batched, b [1 x o] batch-free. Throws ShapeError. N o flops.
template <class Real>
Var add_row(Tape<Real>& tape, Var x, Var b, Real scale = Real(1));

/// The ops themselves, for tests and for those who record with Tape::record.
template <class Real>
[[nodiscard]] OpPtr<Real> linear_op(Real scale);
template <class Real>
[[nodiscard]] OpPtr<Real> add_row_op(Real scale);

}  // namespace ntape
