#pragma once

#include <ntape/limit/rule.hpp>

/// Duals of entire functions, with D = pq - c^2.
namespace ntape::limit {

/// (2/pi) asin(2c / sqrt((1+2p)(1+2q))); slope (4/pi) / R, R = sqrt(1 + 2(p+q) + 4D) (Williams 1998).
[[nodiscard]] std::shared_ptr<const DualRule> erf_rule();
/// x Phi(x): see transcendental.cpp.
[[nodiscard]] std::shared_ptr<const DualRule> gelu_rule();
/// e^{-(p+q)/2} sinh c; slope e^{-(p+q)/2} cosh c; and the other way round for cos.
[[nodiscard]] std::shared_ptr<const DualRule> sin_rule();
[[nodiscard]] std::shared_ptr<const DualRule> cos_rule();
/// e^{-x^2}: 1/R; slope 4c / R^3.
[[nodiscard]] std::shared_ptr<const DualRule> gaussian_rule();
/// e^x: e^{(p+q)/2 + c}, value and slope.
[[nodiscard]] std::shared_ptr<const DualRule> exp_rule();
/// sqrt(2) sin(sqrt(2g) x + pi/4): e^{-g (p + q - 2c)}; slope 2g times that (Rahimi and Recht 2007).
[[nodiscard]] std::shared_ptr<const DualRule> rbf_rule(double g);

}  // namespace ntape::limit
