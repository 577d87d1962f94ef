#pragma once

#include <cmath>
#include <limits>
#include <ntape/tensor/elementwise_functions.hpp>

/// What the functions of tensor/elementwise.hpp should give: x87's 64 digits, eleven more than double's, and
/// definitions in which nothing cancels.
namespace ntape::test {

using Long = long double;
constexpr Long kRootPi = 1.772453850905516027298167483341145183L;

// e^(-c x^2), c = 1 or 1/2: a rounding of x^2 would cost x^2 roundings of the result.
inline Long exp_minus_square(Long x, Long c) {
  if (!(std::abs(x) < 200)) return std::isnan(x) ? x : 0;
  const Long h = static_cast<float>(x);
  return std::exp(-c * (h * h)) * std::exp(-c * ((x - h) * (x + h)));
}
// In the tail erfc(y) is e^(-y^2) by a factor of little slope, so that the rounding of y = -x / sqrt(2) can
// be made up for.
inline Long normal_below(Long x) {
  const Long y = -x / std::sqrt(Long(2));
  if (!(y > 3 && y < 200)) return std::erfc(y) / 2;
  const Long h = static_cast<float>(x), k = static_cast<float>(y);  // whose squares are exact
  const Long lost = (h * h / 2 - k * k) + ((x - h) * (x + h) / 2 - (y - k) * (y + k));
  return std::erfc(y) / 2 * std::exp(-lost);
}
inline Long normal_density(Long x) {
  return exp_minus_square(x, 0.5L) / (std::sqrt(Long(2)) * kRootPi);
}
inline Long logistic(Long x) {
  return x > 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
inline Long logistic_slope(Long x) {
  const Long e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}
// e (1 + e - z) / (1 + e)^2 at -z, and one less that at z; beside its root z0 from the distance to it, since
// 1 + e^-z - z = d + e^-z0 (e^d - 1), d = z0 - z.
inline Long silu_slope(Long x) {
  const Long z = std::abs(x), d = (Long(0x1.474973c84120bp+0) - z) + Long(0x1.f8d74bc9ac154p-54);
  const Long factor =
      std::abs(d) < 0.5L ? d + 0.278464542761073795109358739022980155L * std::expm1(d) : 1 - z + std::exp(-z);
  const Long low = z > 11000 ? 0 : factor * logistic_slope(z);
  return x > 0 ? 1 - low : low;
}
// Beside the root r its Taylor series: with p the density and He_n Hermite's polynomials, f'' = p (He_0 -
// He_2), and (p He_n)' = -p He_n+1.
inline Long gelu_slope(Long x) {
  const Long r = -Long(0x1.80ead197f00b4p-1), d = (x - r) - Long(0x1.13e74c58cada8p-56);
  if (std::abs(d) > 0.02L) return std::abs(x) > 200 ? Long(x > 0) : normal_below(x) + x * normal_density(x);
  Long he[20] = {1, r}, sum = 0, power = d;
  for (int n = 1; n < 19; ++n) he[n + 1] = r * he[n] - static_cast<Long>(n) * he[n - 1];
  for (int n = 0; n < 14; ++n) {
    sum += (n % 2 == 0 ? 1 : -1) * (he[n] - he[n + 2]) * power;
    power *= d / static_cast<Long>(n + 2);
  }
  return normal_density(r) * sum;
}

struct Reference {
  Long (*f)(Long), (*df)(Long);
  double f_low, f_high, df_low, df_high;  // at minus and plus infinity
  bool odd_at_zero;                       // f(-0) is -0, f(0) is 0
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

inline Reference reference(elementwise::Tanh) {
  return {std::tanh, [](Long x) { return 4 * logistic_slope(2 * x); }, -1, 1, 0, 0, true};
}
inline Reference reference(elementwise::Erf) {
  return {std::erf, [](Long x) { return 2 / kRootPi * exp_minus_square(x, 1); }, -1, 1, 0, 0, true};
}
inline Reference reference(elementwise::Sigmoid) {
  return {logistic, logistic_slope, 0, 1, 0, 0, false};
}
inline Reference reference(elementwise::Softplus) {
  return {[](Long x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); },
          logistic,
          0,
          kInfinity,
          0,
          1,
          false};
}
inline Reference reference(elementwise::Silu) {
  return {[](Long x) { return x * logistic(x); }, silu_slope, 0, kInfinity, 0, 1, true};
}
inline Reference reference(elementwise::Gelu) {
  return {[](Long x) { return x * normal_below(x); }, gelu_slope, 0, kInfinity, 0, 1, true};
}
inline Reference reference(elementwise::Gaussian) {
  return {[](Long x) { return exp_minus_square(x, 1); },
          [](Long x) { return -2 * x * exp_minus_square(x, 1); },
          0,
          0,
          0,
          0,
          false};
}
inline Reference reference(elementwise::Elu) {
  return {[](Long x) { return x > 0 ? x : std::expm1(x); },
          [](Long x) { return x > 0 ? Long(1) : std::exp(x); },
          -1,
          kInfinity,
          0,
          1,
          true};
}
inline Reference reference(elementwise::Sin) {
  return {std::sin, std::cos, kNaN, kNaN, kNaN, kNaN, true};
}
inline Reference reference(elementwise::Cos) {
  return {std::cos, [](Long x) { return -std::sin(x); }, kNaN, kNaN, kNaN, kNaN, false};
}

}  // namespace ntape::test
