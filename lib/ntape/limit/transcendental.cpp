#include <cmath>
#include <ntape/limit/closed_rule.hpp>
#include <ntape/limit/hermite_series.hpp>
#include <ntape/limit/moments.hpp>
#include <ntape/limit/piecewise.hpp>
#include <ntape/limit/transcendental.hpp>
#include <ntape/ops/activation_rules.hpp>
#include <numbers>

namespace ntape::limit {
namespace {

using std::numbers::pi;

double determinant(const Covariance& s) {
  const double root = s.root_determinant();
  return root * root;
}

template <class Rule>
Sensitivity sharpened(const Suprema& suprema, Rule rule, double variance) {
  const Function s{[=](double x) { return rule.f(x); }, [=](double x) { return rule.df(x, rule.f(x)); }};
  return limit::sharpened(suprema.at(variance), s, variance);
}

// sqrt((1+2p)(1+2q) - 4c^2), without subtracting what is nearly equal, and without the square of the
// determinant, which overflows.
double erf_root(const Covariance& s) {
  return std::hypot(std::sqrt(1 + 2 * (s.p + s.q)), 2 * s.root_determinant());
}

// (1 - x^2)^{-1/2} in powers of x: (2m)! / (4^m m!^2) of even ones.
std::vector<double> inverse_root_series(std::size_t count) {
  std::vector<double> value(count, 0.0);
  double term = 1;
  for (std::size_t k = 0; k < count; k += 2) {
    value[k] = term;
    term *= static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  return value;
}

// factor v^k / k!, for `parity` 0 or 1 only the k of that parity. The exponent is rounded; `moved` is the
// derivative of log_factor by the logarithm of v, at most.
SlopeSeries poisson_series(double log_factor, double moved, double v, double v_error, int parity,
                           std::size_t count) {
  SlopeSeries series;
  const double logarithm = std::log(v);
  for (std::size_t k = 0; k < count; ++k) {
    const double n = static_cast<double>(k);
    const bool shown = (parity < 0 || k % 2 == static_cast<std::size_t>(parity)) && (v > 0 || k == 0);
    const double power = k == 0 ? 0 : n * logarithm, fall = std::lgamma(n + 1);
    const double value = shown ? std::exp(log_factor + power - fall) : 0;
    series.value.push_back(value);
    const double units = 8 + 4 * (std::abs(log_factor) + std::abs(power) + fall);
    const double relative = units * kEpsilon + (moved + n) * v_error;
    series.error.push_back(shown ? relative / 2 * std::sqrt(value) : 0);
  }
  return series;
}

struct Erf {
  static Parity parity() { return Parity::odd; }
  // (4/pi) / sqrt((1+2v)^2 - 4 v^2 rho^2)
  SlopeSeries slope_series(double v, double v_error, std::size_t count) const {
    std::vector<double> value = inverse_root_series(count);
    const double x = 2 * v / (1 + 2 * v), factor = 4 / pi / (1 + 2 * v);
    for (std::size_t k = 0; k < count; ++k) value[k] *= factor * std::pow(x, static_cast<double>(k));
    return rounded_series(std::move(value), {16, 4, 2, 1}, v_error);
  }
  DualValue at(const Covariance& s) const {
    // atan2, because asin loses half the digits where its argument is near 1
    const double root = erf_root(s);
    const double value = 2 / pi * std::atan2(2 * s.c, root), slope = 4 / pi / root;
    return {value, slope, rounding(value), rounding(slope)};
  }
  double mean(double) const { return 0; }
  // 2/sqrt(pi) times the suprema of e^-x^2, x e^-x^2, 2x e^-x^2, 2x^2 e^-x^2, rounded up
  Sensitivity sensitivity(double variance) const {
    return sharpened({1.1284, 0.4840, 0.9680, 0.8303}, detail::Erf{}, variance);
  }
  std::optional<double> degree() const { return {}; }
};

// x - sin x cos x for 0 <= x <= pi, without cancellation at small x: half of y^3/6 - y^5/120 + ..., y = 2x
double segment(double x) {
  if (x > 0.5) return x - std::sin(x) * std::cos(x);
  const double y = 2 * x;
  double term = y * y * y / 12, sum = term;
  for (int k = 2; k < 11; ++k) {
    term *= -y * y / ((2 * k) * (2 * k + 1));
    sum += term;
  }
  return sum;
}

// x Phi(x) = x P(a < x), a a standard normal of its own. So K = E[u v; g > 0] with g = (u - a, v - b), whose
// covariance is G = S + 1, S = [[p, c], [c, q]]. Given g, (u, v) has mean A g, A = S G^-1, and covariance
// S - S G^-1 S = A. With M = E[g g^T; g > 0] and P = P(g > 0), both orthant moments in closed form,
//   K = (A M A^T)_12 + A_12 P,  det G = 1 + p + q + D,  A = [[p + D, c], [c, q + D]] / det G.
// K' = E[s'(u) s'(v)], s' = Phi + x phi(x), by completing squares:
//   K' = P + c / (2 pi sqrt(det G)) (1/(1+p) + 1/(1+q) + 1/det G).
struct Gelu {
  static Parity parity() { return Parity::even_and_line; }
  SlopeSeries slope_series(double v, double v_error, std::size_t count) const {
    return hermite_slopes({[](double x) { return detail::Gelu{}.f(x); },
                           [](double x) { return detail::Gelu{}.df(x, detail::Gelu{}.f(x)); }},
                          v, v_error, count);
  }
  DualValue at(const Covariance& s) const {
    const double d = determinant(s), det = 1 + s.p + s.q + d, root = std::sqrt(det);
    const double a11 = (s.p + d) / det, a22 = (s.q + d) / det, a12 = s.c / det;
    const double v1 = 1 + s.p, v2 = 1 + s.q, scale = std::sqrt(v1) * std::sqrt(v2);
    // pi - th = pi - acos(c / scale), and the moments at it: int of cos-type integrands over the wedge
    const double rest = std::atan2(root, -s.c);
    const double sine = root / scale;
    const double m12 = scale * (s.c < 0 ? lens(rest) : sine + rest * (s.c / scale));
    const double diagonal = s.c < 0 ? segment(rest) : rest + sine * (s.c / scale);
    const double m11 = v1 * diagonal, m22 = v2 * diagonal;
    const double straight = a11 * a22 * m12, crossed = a12 * a12 * m12, tilted = a11 * m11 + a22 * m22 + rest;
    const double value = (straight + crossed + a12 * tilted) / (2 * pi);
    const double magnitude = (straight + crossed + std::abs(a12) * tilted) / (2 * pi);
    const double density = s.c / (2 * pi * root) * (1 / v1 + 1 / v2 + 1 / det), orthant = rest / (2 * pi);
    return {value, orthant + density, rounding(magnitude, 16), rounding(orthant + std::abs(density), 16)};
  }
  double mean(double variance) const { return variance / std::sqrt(2 * pi * (1 + variance)); }
  Sensitivity sensitivity(double variance) const {
    return sharpened({1.13, kInfinity, 0.798, 0.45}, detail::Gelu{}, variance);
  }
  std::optional<double> degree() const { return {}; }
};

// e^{-(p+q)/2 + |c|}: the exponent as -(sqrt p - sqrt q)^2 / 2 - r gap
struct Exponential {
  double value, relative;
};
Exponential falling(const Covariance& s, double factor = 1) {
  const double sum = std::sqrt(s.p) + std::sqrt(s.q), difference = sum > 0 ? (s.p - s.q) / sum : 0;
  const double exponent = factor * (difference * difference / 2 + s.root() * s.gap);
  return {std::exp(-exponent), 8 + 8 * exponent};
}

struct Wave {
  bool odd;
  [[nodiscard]] Parity parity() const { return odd ? Parity::odd : Parity::even; }

  // e^{-v} cosh(v rho), e^{-v} sinh(v rho)
  SlopeSeries slope_series(double v, double v_error, std::size_t count) const {
    return poisson_series(-v, v, v, v_error, odd ? 0 : 1, count);
  }

  DualValue at(const Covariance& s) const {
    const auto [size, units] = falling(s);
    const double sinh = std::copysign(-0.5 * size * std::expm1(-2 * std::abs(s.c)), s.c);
    const double cosh = 0.5 * size * (1 + std::exp(-2 * std::abs(s.c)));
    const double value = odd ? sinh : cosh, slope = odd ? cosh : sinh;
    return {value, slope, rounding(value, units), rounding(slope, units)};
  }
  double mean(double variance) const { return odd ? 0 : std::exp(-variance / 2); }
  Sensitivity sensitivity(double variance) const {
    const Suprema suprema{1, kInfinity, 1, kInfinity};
    return odd ? sharpened(suprema, detail::Sin{}, variance) : sharpened(suprema, detail::Cos{}, variance);
  }
  std::optional<double> degree() const { return {}; }
};

struct Gaussian {
  static Parity parity() { return Parity::even; }
  // K = (1+2v)^{-1} (1 - x^2 rho^2)^{-1/2}, K' = (dK / drho) / v, x = 2v / (1+2v)
  SlopeSeries slope_series(double v, double v_error, std::size_t count) const {
    std::vector<double> value = inverse_root_series(count + 1);
    const double x = 2 * v / (1 + 2 * v), factor = 2 / ((1 + 2 * v) * (1 + 2 * v));
    for (std::size_t k = 1; k <= count; ++k)
      value[k - 1] = factor * static_cast<double>(k) * value[k] * std::pow(x, static_cast<double>(k - 1));
    value.pop_back();
    return rounded_series(std::move(value), {16, 4, 2, 1}, v_error);
  }
  DualValue at(const Covariance& s) const {
    const double root = erf_root(s), slope = 4 * (s.c / root) / root / root;
    return {1 / root, slope, rounding(1 / root), rounding(slope, 32)};
  }
  double mean(double variance) const { return 1 / std::sqrt(1 + 2 * variance); }
  Sensitivity sensitivity(double variance) const {
    return sharpened({0.8578, 0.7358, 2, 1.2}, detail::Gaussian{}, variance);
  }
  std::optional<double> degree() const { return {}; }
};

struct Exp {
  // e^{v + v rho}
  SlopeSeries slope_series(double v, double v_error, std::size_t count) const {
    return poisson_series(v, v, v, v_error, -1, count);
  }
  DualValue at(const Covariance& s) const {
    const double exponent = (s.p + s.q) / 2 + s.c, value = std::exp(exponent);
    const double bound = rounding(value, 4 + 2 * (s.p + s.q));
    return {value, value, bound, bound};
  }
  double mean(double variance) const { return std::exp(variance / 2); }
  Sensitivity sensitivity(double variance) const {
    // E[u^2 e^{2u}] = (p + 4 p^2) e^{2p}
    const double size = std::exp(variance), stretch = size * std::sqrt(variance * (1 + 4 * variance));
    return {size, stretch, size, stretch, 0};
  }
  std::optional<double> degree() const { return {}; }
};

struct Rbf {
  double g;

  // 2 g e^{-2 g v (1 - rho)}
  SlopeSeries slope_series(double v, double v_error, std::size_t count) const {
    return poisson_series(std::log(2 * g) - 2 * g * v, 2 * g * v, 2 * g * v, v_error, -1, count);
  }

  DualValue at(const Covariance& s) const {
    // p + q - 2c = (sqrt p - sqrt q)^2 + 2 r (1 - rho)
    const double turn = s.c < 0 ? 4 * g * std::abs(s.c) : 0;
    const auto [size, units] = falling(s, 2 * g);
    const double value = size * std::exp(-turn), all = units + 4 * turn;
    return {value, 2 * g * value, rounding(value, all), rounding(2 * g * value, all)};
  }
  double mean(double variance) const { return std::exp(-g * variance); }
  Sensitivity sensitivity(double variance) const {
    return Suprema{2 * std::sqrt(g), kInfinity, 2 * std::numbers::sqrt2 * g, kInfinity}.at(variance);
  }
  std::optional<double> degree() const { return {}; }
};

template <class Form>
std::shared_ptr<const DualRule> rule(Form form) {
  return std::make_shared<ClosedRule<Form>>(form);
}

}  // namespace

std::shared_ptr<const DualRule> erf_rule() {
  return rule(Erf{});
}
std::shared_ptr<const DualRule> gelu_rule() {
  return rule(Gelu{});
}
std::shared_ptr<const DualRule> sin_rule() {
  return rule(Wave{true});
}
std::shared_ptr<const DualRule> cos_rule() {
  return rule(Wave{false});
}
std::shared_ptr<const DualRule> gaussian_rule() {
  return rule(Gaussian{});
}
std::shared_ptr<const DualRule> exp_rule() {
  return rule(Exp{});
}
std::shared_ptr<const DualRule> rbf_rule(double g) {
  return rule(Rbf{g});
}

}  // namespace ntape::limit
