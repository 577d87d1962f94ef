#include <algorithm>
#include <cmath>
#include <ntape/limit/dual.hpp>
#include <numbers>

namespace ntape::limit {

using std::numbers::pi;

DualValue relu_dual(double p, double c, double q) {
  // c^2 <= pq up to rounding. atan2, not acos: acos loses half the digits where c^2 is near pq.
  const double s = std::sqrt(std::max(p * q - c * c, 0.0));
  const double th = (s == 0 && c == 0) ? (p == 0 && q == 0 ? 0.0 : pi / 2) : std::atan2(s, c);
  return {(s + (pi - th) * c) / (2 * pi), (pi - th) / (2 * pi)};
}

DualValue erf_dual(double p, double c, double q) {
  // (1+2p)(1+2q) - 4c^2, without subtracting what is nearly equal at large p and q; atan2, because asin loses
  // half the digits where its argument is near 1.
  const double root = std::sqrt(1 + 2 * (p + q) + 4 * std::max(p * q - c * c, 0.0));
  return {2 / pi * std::atan2(2 * c, root), 4 / pi / root};
}

DualValue identity_dual(double, double c, double) {
  return {c, 1.0};
}

DualFunction closed_form_dual(const std::string& activation) {
  if (activation == "relu") return relu_dual;
  if (activation == "erf") return erf_dual;
  if (activation == "identity") return identity_dual;
  return nullptr;
}

}  // namespace ntape::limit
