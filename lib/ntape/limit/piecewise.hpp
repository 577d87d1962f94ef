#pragma once

#include <ntape/limit/rule.hpp>

/// Duals of functions that are homogeneous on each side of 0. With r = sqrt(pq) and th = acos(rho), s =
/// sin(th).
namespace ntape::limit {

/// x for x > 0, a x otherwise: a c + (1-a)^2 (r s + (pi - th) c) / (2 pi); slope a + (1-a)^2 (pi - th) / (2
/// pi). a = 0 is relu, a = 1 the identity (Cho and Saul 2009).
[[nodiscard]] std::shared_ptr<const DualRule> leaky_relu_rule(double a);
/// |x|: (2/pi) (r s + asin(rho) c); slope (2/pi) asin(rho).
[[nodiscard]] std::shared_ptr<const DualRule> abs_rule();
/// sign x, sign 0 = 0: (2/pi) asin(rho); slope (2/pi) / (r s).
[[nodiscard]] std::shared_ptr<const DualRule> sign_rule();
/// max(x, 0)^n: r^n J_n(th) / (2 pi), slope n^2 times that of n - 1; J_0 = pi - th, J_1 = s + (pi - th) rho,
/// J_n = (2n - 1) rho J_{n-1} + (n - 1)^2 s^2 J_{n-2} (Cho and Saul 2009, arc-cosine kernels). n = 0 is a
/// step, 0 at 0, with slope 1 / (2 pi r s).
[[nodiscard]] std::shared_ptr<const DualRule> rectified_power_rule(int n);

/// sin x - x cos x for 0 <= x <= pi, without cancellation at small x.
[[nodiscard]] double lens(double x);

}  // namespace ntape::limit
