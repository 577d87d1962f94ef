#pragma once

#include <string>

namespace ntape::limit {

/// The dual of an activation s at a covariance [[p, c], [c, q]]:
///   value = K(p,c,q) = E[s(u) s(v)],  slope = K'(p,c,q) = dK/dc = E[s'(u) s'(v)] (Price's theorem).
struct DualValue {
  double value;
  double slope;
};
using DualFunction = DualValue (*)(double p, double c, double q);

/// (sqrt(pq - c^2) + (pi - th) c) / (2 pi) and (pi - th) / (2 pi), th = atan2(sqrt(pq - c^2), c)
/// (Cho and Saul 2009). At p = 0 or q = 0 the slope is the limit along c = 0, 1/4, unless both vanish (1/2).
[[nodiscard]] DualValue relu_dual(double p, double c, double q);
/// (2/pi) asin(2c / sqrt((1+2p)(1+2q))) and (4/pi) / sqrt((1+2p)(1+2q) - 4c^2) (Williams 1998).
[[nodiscard]] DualValue erf_dual(double p, double c, double q);
/// c and 1.
[[nodiscard]] DualValue identity_dual(double p, double c, double q);

/// The closed form for an activation, or null when there is none (tanh).
[[nodiscard]] DualFunction closed_form_dual(const std::string& activation);

}  // namespace ntape::limit
