#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/limit/series.hpp>

namespace ntape::limit {
namespace {

using Numbers = OneSidedSeries::Numbers;

// Half an ulp, and a little for its higher powers.
constexpr double kUnit = 0.51 * std::numeric_limits<double>::epsilon();

// c_k = sum_i a_i b_{k-i} for k <= degree.
void multiply(const Numbers& a, const Numbers& b, std::size_t degree, Numbers& c) {
  c.assign(degree + 1, 0.0);
  for (std::size_t i = 0; i <= degree && i < a.size(); ++i) {
    if (a[i] == 0) continue;
    const double factor = a[i];
    const std::size_t end = std::min(degree + 1 - i, b.size());
    for (std::size_t k = 0; k < end; ++k) c[i + k] += factor * b[k];
  }
}

// Upper bounds of what coefficients from n on add to degree k.
double far_terms(double rest, double center, std::size_t n, std::size_t k) {
  if (rest == 0 || (center == 0 && n > k)) return 0;
  constexpr int kPoints = 64;
  double least = 0;  // a logarithm; x = 1 gives rest itself
  for (int j = 1; j < kPoints; ++j) {
    const double x = static_cast<double>(j) / kPoints;
    const double here =
        static_cast<double>(n) * std::log(center + (1 - center) * x) - static_cast<double>(k) * std::log(x);
    least = std::min(least, here);
  }
  // the logarithm is right to 1e-12, being below 1e4
  return rest * std::exp(least) * (1 + 1e-11);
}

}  // namespace

double OneSidedSeries::moved(double value, double units) const {
  return value * (upper_ ? 1 + units * kUnit : std::max(1 - units * kUnit, 0.0));
}

Numbers OneSidedSeries::affine(double factor, const Numbers& a, double constant) const {
  Numbers out(degree_ + 1, 0.0);
  for (std::size_t k = 0; k <= degree_ && k < a.size(); ++k) out[k] = factor * a[k];
  out[0] += constant;
  for (double& v : out) v = moved(v, 2);
  return out;
}

Numbers OneSidedSeries::sum(const Numbers& a, const Numbers& b) const {
  Numbers out(degree_ + 1, 0.0);
  for (std::size_t k = 0; k <= degree_; ++k) out[k] = moved(a[k] + b[k], 1);
  return out;
}

Numbers OneSidedSeries::product(const Numbers& a, const Numbers& b) const {
  Numbers out;
  multiply(a, b, degree_, out);
  for (std::size_t k = 0; k <= degree_; ++k) out[k] = moved(out[k], static_cast<double>(k) + 2);
  return out;
}

// G(center + scale x), by Horner's scheme: no term is negative.
Numbers OneSidedSeries::recentred(const Numbers& g, double center, double scale) const {
  Numbers out(degree_ + 1, 0.0);
  for (std::size_t j = g.size(); j-- > 0;) {
    for (std::size_t m = std::min(g.size() - 1 - j, degree_); m > 0; --m)
      out[m] = out[m] * center + out[m - 1] * scale;
    out[0] = out[0] * center + g[j];
  }
  for (double& v : out) v = moved(v, 2 * static_cast<double>(g.size()));
  return out;
}

Numbers OneSidedSeries::composed(const Numbers& g, double rest, const Numbers& rho) const {
  const double center = std::min(rho[0], 1.0);
  Numbers outer(degree_ + 1, 0.0), inner = rho;
  inner[0] = 0;
  if (center == 0) {
    std::copy_n(g.begin(), std::min(g.size(), degree_ + 1), outer.begin());
  } else {
    // In units of 1 - center, so that neither the powers of rho - center nor their coefficients leave the
    // range.
    const double scale = std::max(1 - center, kUnit);
    for (double& v : inner) v = moved(v / scale, 1);
    outer = recentred(g, center, scale);
  }
  Numbers out(1, outer[degree_]), next;
  for (std::size_t m = degree_; m-- > 0;) {
    multiply(out, inner, degree_ - m, next);
    next[0] += outer[m];
    std::swap(out, next);
  }
  for (std::size_t k = 0; k <= degree_; ++k) {
    // Degree k passes k products at most, of k, k - 1, .. terms.
    const double n = static_cast<double>(k);
    out[k] = moved(out[k], (n + 1) * (n + 6) / 2);
    if (upper_) out[k] += far_terms(rest, center, g.size(), k);
  }
  return out;
}

Numbers OneSidedSeries::integral(double constant, double factor, const Numbers& composed,
                                 const Numbers& rho) const {
  // d/dt of it is factor G(rho(t)) rho'(t).
  Numbers derivative(degree_, 0.0), out;
  for (std::size_t k = 1; k <= degree_; ++k) derivative[k - 1] = static_cast<double>(k) * rho[k];
  if (degree_ > 0) multiply(composed, derivative, degree_ - 1, out);
  out.insert(out.begin(), constant);
  for (std::size_t k = 1; k <= degree_; ++k)
    out[k] = moved(out[k] * factor / static_cast<double>(k), static_cast<double>(k) + 5);
  return out;
}

}  // namespace ntape::limit
