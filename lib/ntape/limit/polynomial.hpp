#pragma once

#include <ntape/limit/rule.hpp>

namespace ntape::limit {

/// c0 + c1 x + ...: K = sum_k b_k(p) b_k(q) c^k / k!, slope sum_k b_k(p) b_k(q) c^{k-1} / (k-1)!, with
/// b_k(p) = E[s^(k)(u)] (Price's theorem k times, at c = 0). Exact up to rounding; no rho, so that p = 0
/// needs no care.
[[nodiscard]] std::shared_ptr<const DualRule> polynomial_rule(std::vector<double> coefficients);

/// He_n(x) / sqrt(n!), n >= 1, without its powers of x, which cancel: bounds are some units of rounding, n
/// of them, of sqrt(K(p,p,p) K(q,q,q)).
[[nodiscard]] std::shared_ptr<const DualRule> hermite_rule(int n);

}  // namespace ntape::limit
