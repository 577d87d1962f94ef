#pragma once

#include <ntape/tape/tape.hpp>

namespace ntape {

/// a b: a [N x i], b [i x o] batch-free, result [N x o], batched as a is. 2 N i o flops.
/// linear(x, w) is matmul(x, transpose(w)) with a block that stays an outer product; prefer it for weights.
/// Throws ShapeError when the inner dimensions differ, UserError for a batched b: its rows are not examples.
template <class Real>
Var matmul(Tape<Real>& tape, Var a, Var b);

/// The transpose of a batch-free value: x [r x c], result [c x r]. Throws UserError for a batched x, whose
/// examples would become columns.
template <class Real>
Var transpose(Tape<Real>& tape, Var x);

/// The ops themselves, for tests and for those who record with Tape::record.
template <class Real>
[[nodiscard]] OpPtr<Real> matmul_op();
template <class Real>
[[nodiscard]] OpPtr<Real> transpose_op();

}  // namespace ntape
