#pragma once

#include <cmath>
#include <numbers>
#include <type_traits>

namespace ntape {

/// A number and its derivative along one direction, value + slope e with e^2 = 0.
///
/// Every rule of ntape is written for a `Real`; with a Dual for it, the same code carries the derivative of
/// everything along one direction of its inputs. A reverse sweep over duals therefore gives Hessian-vector
/// products, and a kernel of duals its velocity: second order needs no rules of its own (forward over
/// reverse, Griewank and Walther 2008, section 5.4).
/// Comparisons look at values, so that branches go the way they would go without a slope.
template <class Real>
struct Dual {
  Real value = Real(0);
  Real slope = Real(0);

  Dual() = default;
  explicit(false) constexpr Dual(Real v) : value(v) {}
  template <class Other>
  requires std::is_arithmetic_v<Other>
  explicit constexpr Dual(Other v) : value(static_cast<Real>(v)) {}
  constexpr Dual(Real v, Real s) : value(v), slope(s) {}

  Dual& operator+=(Dual b) { return *this = *this + b; }
  Dual& operator-=(Dual b) { return *this = *this - b; }
  Dual& operator*=(Dual b) { return *this = *this * b; }
  Dual& operator/=(Dual b) { return *this = *this / b; }

  friend constexpr Dual operator-(Dual a) { return {-a.value, -a.slope}; }
  friend constexpr Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend constexpr Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    const Real quotient = a.value / b.value;
    return {quotient, (a.slope - quotient * b.slope) / b.value};
  }
  friend constexpr bool operator<(Dual a, Dual b) { return a.value < b.value; }
  friend constexpr bool operator>(Dual a, Dual b) { return a.value > b.value; }
  friend constexpr bool operator<=(Dual a, Dual b) { return a.value <= b.value; }
  friend constexpr bool operator>=(Dual a, Dual b) { return a.value >= b.value; }
  friend constexpr bool operator==(Dual a, Dual b) { return a.value == b.value; }

  friend Dual abs(Dual a) { return a.value < Real(0) ? -a : a; }
  friend Dual sqrt(Dual a) {
    const Real root = std::sqrt(a.value);
    return {root, a.slope / (2 * root)};
  }
  friend Dual exp(Dual a) {
    const Real e = std::exp(a.value);
    return {e, e * a.slope};
  }
  friend Dual expm1(Dual a) { return {std::expm1(a.value), std::exp(a.value) * a.slope}; }
  friend Dual log(Dual a) { return {std::log(a.value), a.slope / a.value}; }
  friend Dual log1p(Dual a) { return {std::log1p(a.value), a.slope / (1 + a.value)}; }
  friend Dual sin(Dual a) { return {std::sin(a.value), std::cos(a.value) * a.slope}; }
  friend Dual cos(Dual a) { return {std::cos(a.value), -std::sin(a.value) * a.slope}; }
  friend Dual tanh(Dual a) {
    const Real t = std::tanh(a.value);
    return {t, (1 - t) * (1 + t) * a.slope};
  }
  friend Dual erf(Dual a) {
    constexpr Real factor = 2 * std::numbers::inv_sqrtpi_v<Real>;
    return {std::erf(a.value), factor * std::exp(-a.value * a.value) * a.slope};
  }
  friend Dual erfc(Dual a) {
    constexpr Real factor = 2 * std::numbers::inv_sqrtpi_v<Real>;
    return {std::erfc(a.value), -factor * std::exp(-a.value * a.value) * a.slope};
  }
  /// A constant power. The zeroth is constant, at zero too, where 0 x^-1 would be NaN.
  friend Dual pow(Dual a, Real exponent) {
    if (exponent == Real(0)) return Real(1);
    return {std::pow(a.value, exponent), exponent * std::pow(a.value, exponent - 1) * a.slope};
  }
  friend bool isfinite(Dual a) { return std::isfinite(a.value) && std::isfinite(a.slope); }
  friend bool isnan(Dual a) { return std::isnan(a.value) || std::isnan(a.slope); }
};

/// The number without its slope.
template <class Real>
[[nodiscard]] constexpr Real value_of(Real x) {
  return x;
}
template <class Real>
[[nodiscard]] constexpr Real value_of(Dual<Real> x) {
  return x.value;
}

}  // namespace ntape
