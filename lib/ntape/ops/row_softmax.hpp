#pragma once

#include <cmath>
#include <ntape/ops/detail.hpp>

namespace ntape::detail {

/// log sum_k exp(x_k) = top + log_sum; kept apart, because x_j - top has no rounding where it matters.
template <class Real>
struct LogTotal {
  Wide<Real> top, log_sum;
};

/// p_j = exp(x_j - m) / sum_k exp(x_k - m) with m = max_k x_k, so that nothing overflows. The shift m is a
/// constant: the result does not depend on it. x, p: one row of `cols` entries; they may be the same.
template <class Real>
LogTotal<Real> row_softmax(const Real* x, Index cols, Real* p) {
  using std::exp;
  using std::log;
  Real top = cols > 0 ? Real(value_of(x[0])) : Real(0);
  for (Index j = 1; j < cols; ++j)
    if (x[j] > top) top = Real(value_of(x[j]));
  Wide<Real> sum(0);
  for (Index j = 0; j < cols; ++j) {
    p[j] = exp(x[j] - top);
    sum += widen(p[j]);
  }
  const Real total = narrow<Real>(sum);
  for (Index j = 0; j < cols; ++j) p[j] /= total;
  return {widen(top), log(sum)};
}

}  // namespace ntape::detail
