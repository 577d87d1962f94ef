#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/covariance.hpp>
#include <numbers>
#include <sstream>

namespace ntape::limit {
namespace {

// pq - c^2 to about an ulp: fma gives the rounding error of c^2 exactly (Kahan's difference of products).
double determinant(double p, double c, double q) {
  const double square = c * c;
  return std::fma(p, q, -square) - std::fma(c, c, -square);
}

}  // namespace

Covariance Covariance::of(double p, double c, double q) {
  const auto refuse = [&](const char* need) {
    std::ostringstream text;
    text.precision(17);
    text << "the covariance [[" << p << ", " << c << "], [" << c << ", " << q << "]] is not one: " << need;
    throw UserError(text.str());
  };
  if (!(std::isfinite(p) && std::isfinite(c) && std::isfinite(q))) refuse("its entries must be finite");
  if (p < 0 || q < 0) refuse("variances must not be negative");
  if (p == 0 && q == 0 && c == 0) return {0, 0, 0, 0};
  // Powers of two bring the variances near 1, so that products neither overflow nor underflow.
  int i = 0, j = 0;
  (void)std::frexp(p, &i);
  (void)std::frexp(q, &j);
  i += i & 1;
  j += j & 1;
  const double ps = std::ldexp(p, -i), qs = std::ldexp(q, -j), cs = std::ldexp(c, -(i + j) / 2);
  const double r = std::sqrt(ps * qs), size = std::abs(cs);
  if (!(size <= r * (1 + 1e-12))) refuse("|c| must be at most sqrt(pq)");
  if (p == 0 || q == 0) return {p, 0, q, 1};
  const double gap = determinant(ps, cs, qs) / (r * (r + size));
  return {p, c, q, std::clamp(gap, 0.0, 1.0)};
}

double Covariance::root() const {
  return std::sqrt(p) * std::sqrt(q);
}
double Covariance::sine() const {
  return std::sqrt(gap * (2 - gap));
}
double Covariance::angle() const {
  // From the gap where c has no digits left, from c where the gap is near 1.
  return gap < 0.5 ? 2 * std::asin(std::sqrt(gap / 2)) : std::numbers::pi / 2 - complement();
}
double Covariance::complement() const {
  if (p == 0 || q == 0) return gap == 0 ? std::numbers::pi / 2 : 0;
  return gap < 0.5 ? std::numbers::pi / 2 - angle() : std::asin(std::min(std::abs(c) / root(), 1.0));
}

}  // namespace ntape::limit
