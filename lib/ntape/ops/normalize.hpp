#pragma once

#include <ntape/tape/tape.hpp>

namespace ntape {

/// (x - m) / sqrt(s^2 + epsilon) row by row, m and s^2 = mean (x - m)^2 over the row's columns (Ba, Kiros and
/// Hinton 2016, without gain and bias: row_gain and add_row give them): x [N x c], result [N x c], batched as
/// x is. Sums run in double. About 6 N c flops, and as many per direction in a derivative. Throws UserError
/// for an epsilon that is not positive and finite.
template <class Real>
Var layer_norm(Tape<Real>& tape, Var x, double epsilon = 1e-5);

/// exp(x_j) / sum_k exp(x_k) row by row, without overflow: x [N x c], result [N x c], batched as x is. A row
/// with an infinity of plus sign, or with none but minus infinities, gives NaN. N c calls of std::exp.
template <class Real>
Var softmax(Tape<Real>& tape, Var x);

/// x_j - log sum_k exp(x_k) row by row, as softmax.
template <class Real>
Var log_softmax(Tape<Real>& tape, Var x);

/// The ops themselves, for tests and for those who record with Tape::record.
template <class Real>
[[nodiscard]] OpPtr<Real> layer_norm_op(double epsilon);
template <class Real>
[[nodiscard]] OpPtr<Real> softmax_op();
template <class Real>
[[nodiscard]] OpPtr<Real> log_softmax_op();

}  // namespace ntape
