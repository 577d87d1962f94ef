#pragma once

#include <initializer_list>
#include <ntape/tape/tape.hpp>

namespace ntape {

/// The arguments side by side: [N x c1], [N x c2], ..., result [N x (c1 + c2 + ...)], batched when one of
/// them is; row i of a batch-free one beside a batched one then belongs to example i. N c copies. Throws
/// ShapeError for fewer than two arguments or for different numbers of rows.
template <class Real>
Var concatenate(Tape<Real>& tape, std::initializer_list<Var> parts);

/// Columns first .. first + count - 1: x [N x c], result [N x count], batched as x is. N count copies.
/// Throws ShapeError when x has fewer columns.
template <class Real>
Var slice_columns(Tape<Real>& tape, Var x, Index first, Index count);

/// Row sums: x [N x c], result [N x 1], batched as x is; summed in double. N c flops.
template <class Real>
Var sum_columns(Tape<Real>& tape, Var x);

/// Row means: x [N x c], result [N x 1], as sum_columns. Throws ShapeError when there is no column.
template <class Real>
Var mean_columns(Tape<Real>& tape, Var x);

/// The mean over examples, in every row: x [N x c] batched, result [N x c] with N equal rows, so that
/// subtract(x, mean_examples(x)) centres a batch. Summed in double. 2 N c flops.
/// The op mixes examples: per_example_jacobian of what depends on it is refused.
/// Throws UserError for a batch-free x: its rows are not examples.
template <class Real>
Var mean_examples(Tape<Real>& tape, Var x);

/// The ops themselves, for tests and for those who record with Tape::record.
template <class Real>
[[nodiscard]] OpPtr<Real> concatenate_op();
template <class Real>
[[nodiscard]] OpPtr<Real> slice_columns_op(Index first, Index count);
template <class Real>
[[nodiscard]] OpPtr<Real> sum_columns_op();
template <class Real>
[[nodiscard]] OpPtr<Real> mean_columns_op();
template <class Real>
[[nodiscard]] OpPtr<Real> mean_examples_op();

}  // namespace ntape
