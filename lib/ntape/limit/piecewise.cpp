#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/closed_rule.hpp>
#include <ntape/limit/leaky_row.hpp>
#include <ntape/limit/piecewise.hpp>
#include <numbers>

namespace ntape::limit {

using std::numbers::pi;

double lens(double x) {
  // x^3/3 - x^5/30 + ...: term k is (-1)^{k+1} 2k x^{2k+1} / (2k+1)!
  if (x > 0.7) return std::sin(x) - x * std::cos(x);
  const double square = x * x;
  double term = x * square / 3, sum = term;
  for (int k = 1; k < 10; ++k) {
    term *= -square / (2 * k * (2 * k + 3));
    sum += term;
  }
  return sum;
}

namespace {

// rho = -|rho| too: what is left of a half turn, pi - acos(rho).
double rest_of_turn(const Covariance& s) {
  return s.c < 0 ? s.angle() : pi - s.angle();
}

// 2 pi times the dual of relu; every branch adds positive terms only.
double relu_times_turn(const Covariance& s) {
  if (s.c < 0) return s.root() * lens(s.angle());
  return s.root_determinant() + (pi - s.angle()) * s.c;
}

// Coefficients of functions with a kink fall slowly and cost nothing: so many are given at least.
constexpr std::size_t kSlowSeries = 8192;

// asin(rho) in powers of rho, times `factor`, plus `constant`: coefficients (2m)! / (4^m m!^2 (2m + 1)) of
// odd powers. A coefficient takes three roundings from the one before.
SlopeSeries arcsine_series(double constant, double factor, std::size_t count) {
  if (factor == 0) return {{constant}, {rounding(std::sqrt(constant))}, true};
  count = std::max(count, kSlowSeries);
  std::vector<double> value(count, 0.0);
  double ratio = 1;
  for (std::size_t k = 1; k < count; k += 2) {
    value[k] = factor * ratio / static_cast<double>(k);
    ratio *= static_cast<double>(k) / static_cast<double>(k + 1);
  }
  value[0] = constant;
  return rounded_series(std::move(value), {8, 2, 0, 0}, 0);
}

struct LeakyRelu {
  double a;

  [[nodiscard]] Parity parity() const {
    return a == 1 ? Parity::odd : a == -1 ? Parity::even : Parity::even_and_line;
  }
  SlopeSeries slope_series(double, double, std::size_t count) const {
    // a + (1-a)^2 / 4 = (1+a)^2 / 4
    return arcsine_series((1 + a) * (1 + a) / 4, (1 - a) * (1 - a) / (2 * pi), count);
  }

  DualValue at(const Covariance& s) const {
    // a x + (1-a) relu(x), or (1+a)/2 x + (1-a)/2 |x|: whichever adds terms of one sign at c > 0.
    const double kink = (1 - a) * (1 - a) / (2 * pi);
    if (a >= 0) {
      const double line = a * s.c, fold = kink * relu_times_turn(s);
      const double slope = a + kink * rest_of_turn(s);
      return {line + fold, slope, rounding(std::abs(line) + fold), rounding(slope)};
    }
    const double even = (1 + a) * (1 + a) / 4, asine = std::copysign(s.complement(), s.c);
    const double line = even * s.c, fold = kink * (s.root_determinant() + asine * s.c);
    return {line + fold, even + kink * asine, rounding(std::abs(line) + fold),
            rounding(even + kink * std::abs(asine))};
  }
  // K / r at p = q = r is (1 + a^2) / 2. With k the normalized dual of relu, 1 - k = gap - (sin th - th cos
  // th) / pi for c >= 0; for c < 0, k = (sin th' - th' cos th') / pi, th' = pi - th.
  double value_gap(const Covariance& s) const {
    const double fold = (1 - a) * (1 - a), part = lens(s.angle()) / pi;
    const double sum = s.c >= 0 ? 2 * a * s.gap + fold * (s.gap - part) : fold * (1 + part) + 2 * a * s.gap;
    const double near = sum / (1 + a * a);  // 1 - K / .. for c >= 0, 1 + K / .. for c < 0
    return near > 1 ? 2 - near : near;
  }
  double mean(double variance) const { return (1 - a) * std::sqrt(variance / (2 * pi)); }
  Sensitivity sensitivity(double variance) const {
    // u s'(u) = s(u)
    const double size = std::sqrt((1 + a * a) / 2);
    return {size, size * std::sqrt(variance), 0, 0, std::abs(1 - a)};
  }
  std::unique_ptr<PreparedDual> prepare(const std::vector<double>& variances) const {
    return a >= 0 ? leaky_relu_rows(a, variances) : nullptr;
  }
  std::optional<double> degree() const { return 1.0; }
};

struct Abs {
  static Parity parity() { return Parity::even; }
  SlopeSeries slope_series(double, double, std::size_t count) const {
    return arcsine_series(0, 2 / pi, count);
  }
  DualValue at(const Covariance& s) const {
    const double asine = s.complement();
    const double value = 2 / pi * (s.root_determinant() + asine * std::abs(s.c));
    const double slope = 2 / pi * std::copysign(asine, s.c);
    return {value, slope, rounding(value), rounding(slope)};
  }
  double value_gap(const Covariance& s) const { return s.gap - 2 / pi * lens(s.angle()); }
  double mean(double variance) const { return std::sqrt(2 * variance / pi); }
  Sensitivity sensitivity(double variance) const { return {1, std::sqrt(variance), 0, 0, 2}; }
  std::optional<double> degree() const { return 1.0; }
};

[[noreturn]] void refuse_series(const char* name) {
  throw UserError(std::string("the NTK of ") + name +
                  " is infinite at equal inputs, and so it has no power series in the cosine");
}

struct Sign {
  SlopeSeries slope_series(double, double, std::size_t) const { refuse_series("sign"); }
  DualValue at(const Covariance& s) const {
    if (s.p == 0 || s.q == 0) return {0, 0, 0, 0};
    const double value = 2 / pi * std::copysign(s.complement(), s.c);
    const double slope = 2 / pi / s.root_determinant();
    return {value, slope, rounding(value), rounding(slope)};
  }
  double mean(double) const { return 0; }
  Sensitivity sensitivity(double) const { return {kInfinity, kInfinity, kInfinity, kInfinity, kInfinity}; }
  std::optional<double> degree() const { return 0.0; }
};

// J_n. For rho >= 0 the recurrence adds positive terms. For rho < 0 it cancels down to th'^{2n+1}, th' = pi -
// th; there integrating J_n' = n^2 J_{n-1} from -1, with J_0 = 2 asin(sqrt(x)) and x = (1 + rho)/2 = gap/2,
// gives
//   J_n = (n!)^2 2^{n+1} x^{n+1/2} sum_m (1/2)_m^2 / ((3/2)_m m!) x^m / (m + 3/2)_n,
// positive terms falling like 2^-m.
double arc_cosine(int n, const Covariance& s) {
  if (s.c >= 0) {
    const double rho = 1 - s.gap, sine = s.sine();
    // 1 - gap has no digits of its own where rho is small; c has.
    const double cosine = s.gap < 0.5 || s.root() == 0 ? rho : s.c / s.root();
    double before = pi - s.angle(), now = sine + before * cosine;
    if (n == 0) return before;
    for (int k = 2; k <= n; ++k) {
      const double next = (2 * k - 1) * cosine * now + (k - 1) * (k - 1) * (sine * sine) * before;
      before = now;
      now = next;
    }
    return now;
  }
  const double x = s.gap / 2;
  double factor = 2 * std::sqrt(x);
  for (int k = 1; k <= n; ++k) factor *= 2 * x * k * k / (k + 0.5);
  double term = factor, sum = term;
  for (int m = 0; m < 200 && term > kEpsilon / 16 * sum; ++m) {
    // ratio of (1/2)_m^2 / ((3/2)_m m! (m + 3/2)_n) at m + 1 and m
    term *= x * (m + 0.5) * (m + 0.5) / ((m + 1.0) * (m + n + 1.5));
    sum += term;
  }
  return sum;
}

struct RectifiedPower {
  int n;

  // Half of x^n + |x| x^{n-1}: beyond a polynomial, s' is of the parity of n - 2.
  [[nodiscard]] bool slope_vanishes(std::size_t k) const {
    const auto power = static_cast<std::size_t>(std::max(n - 1, 0));
    return n > 0 && k > power && (k - power) % 2 == 0;
  }
  // s' = n x_+^{n-1}. With e_{m,k} = E[z_+^m h_k(z)], integrating by parts, e_{m,k} = m e_{m-1,k-1} /
  // sqrt(k); e_{0,k} = phi(0) h_{k-1}(0) / sqrt(k), where h_j(0) = -sqrt((j-1)/j) h_{j-2}(0).
  SlopeSeries slope_series(double variance, double variance_error, std::size_t count) const {
    if (n == 0) refuse_series("rectified_power(0)");
    count = std::max(count, kSlowSeries);
    std::vector<double> e(count, 0.0);
    double at_zero = 1;
    for (std::size_t k = 1; k < count; k += 2) {
      const double odd = static_cast<double>(k);
      e[k] = at_zero / std::sqrt(2 * pi * odd);
      at_zero *= -std::sqrt(odd / (odd + 1));
    }
    e[0] = 0.5;
    for (int m = 1; m < n; ++m) {
      for (std::size_t k = count; k-- > 1;) e[k] = m * e[k - 1] / std::sqrt(static_cast<double>(k));
      e[0] = RectifiedPower{m}.mean(1);
    }
    for (double& d : e) d *= n * std::pow(variance, (n - 1) / 2.0);
    for (double& d : e) d *= d;
    return rounded_series(std::move(e), {32.0 + 8 * n, 4, n - 1.0, 0}, variance_error);
  }

  DualValue at(const Covariance& s) const {
    const double root = s.root();
    const double value = std::pow(root, n) * arc_cosine(n, s) / (2 * pi);
    const double slope = n == 0 ? 1 / (2 * pi * s.root_determinant())
                                : n * n * std::pow(root, n - 1) * arc_cosine(n - 1, s) / (2 * pi);
    if (n == 0 && root == 0) return {0, 0, 0, 0};
    return {value, slope, rounding(value, 8 + 4 * n), rounding(slope, 8 + 4 * n)};
  }
  // Half the absolute moment: E|z|^n = 2^{n/2} Gamma((n+1)/2) / sqrt(pi).
  double mean(double variance) const {
    return std::pow(2 * variance, n / 2.0) * std::tgamma((n + 1) / 2.0) / (2 * std::sqrt(pi));
  }
  Sensitivity sensitivity(double variance) const {
    if (n == 0) return {kInfinity, kInfinity, kInfinity, kInfinity, kInfinity};
    const auto rms = [&](double factor, int power) {
      return factor * std::sqrt(RectifiedPower{2 * power}.mean(variance));
    };
    return {rms(n, n - 1), rms(n, n), n < 2 ? 0 : rms(n * (n - 1), n - 2), rms(n * (n - 1), n - 1),
            n == 1 ? 1.0 : 0.0};
  }
  std::optional<double> degree() const { return n; }
};

}  // namespace

std::shared_ptr<const DualRule> leaky_relu_rule(double a) {
  return std::make_shared<ClosedRule<LeakyRelu>>(LeakyRelu{a});
}
std::shared_ptr<const DualRule> abs_rule() {
  return std::make_shared<ClosedRule<Abs>>(Abs{});
}
std::shared_ptr<const DualRule> sign_rule() {
  return std::make_shared<ClosedRule<Sign>>(Sign{});
}
std::shared_ptr<const DualRule> rectified_power_rule(int n) {
  return std::make_shared<ClosedRule<RectifiedPower>>(RectifiedPower{n});
}

}  // namespace ntape::limit
