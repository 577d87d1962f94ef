#include <algorithm>
#include <cmath>
#include <ntape/limit/closed_rule.hpp>
#include <ntape/limit/polynomial.hpp>

namespace ntape::limit {
namespace {

using Coefficients = std::vector<double>;

Coefficients derivative(const Coefficients& c) {
  Coefficients d;
  for (std::size_t k = 1; k < c.size(); ++k) d.push_back(static_cast<double>(k) * c[k]);
  return d;
}
Coefficients times_x(Coefficients c) {
  c.insert(c.begin(), 0);
  return c;
}

// E[poly(u)] and the sum of the terms' sizes: E[u^2m] = (2m-1)!! p^m.
struct Moment {
  double value, size;
};
Moment moment(const Coefficients& c, double variance) {
  Moment sum{0, 0};
  double even = 1;
  for (std::size_t k = 0; k < c.size(); k += 2) {
    sum.value += c[k] * even;
    sum.size += std::abs(c[k]) * even;
    even *= static_cast<double>(k + 1) * variance;
  }
  return sum;
}

double root_mean_square(const Coefficients& c, double variance) {
  Coefficients square(c.empty() ? 1 : 2 * c.size() - 1, 0.0);
  for (std::size_t i = 0; i < c.size(); ++i)
    for (std::size_t j = 0; j < c.size(); ++j) square[i + j] += c[i] * c[j];
  return std::sqrt(moment(square, variance).size);
}

class Polynomial final : public DualRule {
 public:
  explicit Polynomial(Coefficients c) {
    for (; !c.empty(); c = derivative(c)) derivatives_.push_back(c);
  }
  DualValue at(const Covariance& s) const override {
    DualValue sum{0, 0, 0, 0};
    double power = 1, before = 0;  // c^k / k! and c^{k-1} / (k-1)!
    for (std::size_t k = 0; k < derivatives_.size(); ++k) {
      const Moment a = moment(derivatives_[k], s.p), b = moment(derivatives_[k], s.q);
      sum.value += a.value * b.value * power;
      sum.slope += a.value * b.value * before;
      sum.value_bound += a.size * b.size * std::abs(power);
      sum.slope_bound += a.size * b.size * std::abs(before);
      before = power;
      power *= s.c / static_cast<double>(k + 1);
    }
    const double units = 4 + 2 * static_cast<double>(derivatives_.size());
    sum.value_bound = rounding(sum.value_bound, units);
    sum.slope_bound = rounding(sum.slope_bound, units);
    return sum;
  }
  // d_k = E[s^{(k+1)}] sqrt(v^k / k!)
  SlopeSeries slope_series(double variance, double variance_error, std::size_t) const override {
    SlopeSeries series{{}, {}, true};
    const double degree = static_cast<double>(derivatives_.size());
    double power = 1;
    for (std::size_t k = 0; k + 1 < derivatives_.size(); ++k) {
      const Moment d = moment(derivatives_[k + 1], variance);
      series.value.push_back(d.value * d.value * power);
      // a moment is a sum of powers of the variance up to half the degree
      const double relative =
          (8 + 4 * degree) * kEpsilon + (degree + static_cast<double>(k)) / 2 * variance_error;
      series.error.push_back(relative * d.size * std::sqrt(power));
      power *= variance / static_cast<double>(k + 1);
    }
    return series;
  }
  Parity parity() const override {
    bool odd = true, even = true, odd_from_1 = true, even_but_1 = true;
    const Coefficients& c = derivatives_.front();
    for (std::size_t k = 0; k < c.size(); ++k) {
      if (c[k] == 0) continue;
      (k % 2 == 0 ? odd : even) = false;
      if (k % 2 == 0 && k != 0) odd_from_1 = false;
      if (k % 2 == 1 && k != 1) even_but_1 = false;
    }
    return odd          ? Parity::odd
           : even       ? Parity::even
           : odd_from_1 ? Parity::odd_and_constant
           : even_but_1 ? Parity::even_and_line
                        : Parity::none;
  }
  double mean(double variance) const override { return moment(derivatives_.front(), variance).value; }
  Sensitivity sensitivity(double variance) const override {
    const auto rms = [&](const Coefficients& c) { return root_mean_square(c, variance); };
    const Coefficients first = derivative(derivatives_.front()), second = derivative(first);
    return {rms(first), rms(times_x(first)), rms(second), rms(times_x(second)), 0};
  }
  // One power alone.
  std::optional<double> degree() const override {
    const Coefficients& c = derivatives_.front();
    if (std::count(c.begin(), c.end(), 0.0) != static_cast<std::ptrdiff_t>(c.size()) - 1) return {};
    return static_cast<double>(c.size() - 1);
  }

 private:
  std::vector<Coefficients> derivatives_;  // s, s', s'', ...
};

// h_n = He_n / sqrt(n!). h_n' = sqrt(n) h_{n-1}, and E[He_m(u)] = (m-1)!! (p-1)^{m/2} for even m, 0 for odd
// m, so that the series of polynomial_rule is, with x = (p-1)(q-1),
//   K = sum_j a_j x^j c^{n-2j},  K' = sum_j (n-2j) a_j x^j c^{n-2j-1},  a_j = binom(n,2j) binom(2j,j) / 4^j.
// The sizes of the terms add up to at most sqrt(K(p,p,p) K(q,q,q)), by Cauchy and Schwarz; of the powers of
// He_n they add up to 1e20 times as much at n = 64.
class Hermite final : public DualRule {
 public:
  explicit Hermite(int n) : n_(n) {
    // a_{j+1} / a_j = (n-2j) (n-2j-1) / (2j+2)^2
    long double a = 1;
    for (int m = 0; m <= n; m += 2) {
      a_.push_back(static_cast<double>(a));
      a *= static_cast<long double>(n - m) * static_cast<long double>(n - m - 1) /
           (static_cast<long double>(m + 2) * static_cast<long double>(m + 2));
    }
  }
  DualValue at(const Covariance& s) const override {
    const double x = (s.p - 1) * (s.q - 1);
    std::vector<double> powers = {1};  // of c
    for (int k = 0; k < n_; ++k) powers.push_back(powers.back() * s.c);
    DualValue sum{0, 0, 0, 0};
    double power = 1;  // of x
    for (std::size_t j = 0; j < a_.size(); ++j, power *= x) {
      const std::size_t k = static_cast<std::size_t>(n_) - 2 * j;
      const double value = a_[j] * power * powers[k];
      const double slope = k == 0 ? 0 : static_cast<double>(k) * a_[j] * power * powers[k - 1];
      sum.value += value;
      sum.slope += slope;
      sum.value_bound += std::abs(value);
      sum.slope_bound += std::abs(slope);
    }
    // a power of c loses half a unit each factor, one of x four halves
    sum.value_bound = rounding(sum.value_bound, units());
    sum.slope_bound = rounding(sum.slope_bound, units());
    return sum;
  }
  // d_k^2 = (k+1) a_j (v-1)^{2j} v^k, k = n - 1 - 2j. At v = 1 they vanish by chance, so that the error is
  // never 0.
  SlopeSeries slope_series(double variance, double variance_error, std::size_t) const override {
    const auto count = static_cast<std::size_t>(n_);
    SlopeSeries series{std::vector<double>(count, 0.0), std::vector<double>(count, 0.0), true};
    const double away = std::abs(variance - 1), off = (variance_error + kEpsilon) * variance;
    for (std::size_t j = 0; 2 * j < count; ++j) {
      const std::size_t k = count - 1 - 2 * j;
      const double n = static_cast<double>(k), m = static_cast<double>(j);
      const double factor = std::sqrt((n + 1) * a_[j]) * std::pow(variance, n / 2);
      const double d = factor * std::pow(away, m);
      const double moved = j == 0 ? 0 : m * off * std::pow(away + off, m - 1);
      series.value[k] = d * d;
      series.error[k] = d * (units() * kEpsilon + n / 2 * variance_error) +
                        factor * moved * (1 + n * variance_error) + kTiny;
    }
    return series;
  }
  Parity parity() const override { return n_ % 2 == 1 ? Parity::odd : Parity::even; }
  double mean(double variance) const override {
    if (n_ % 2 == 1) return 0;
    // E[h_n]^2 is the term of K without c.
    return std::sqrt(a_.back()) * std::pow(variance - 1, n_ / 2);
  }
  // x h_m = sqrt(m+1) h_{m+1} + sqrt(m) h_{m-1}
  Sensitivity sensitivity(double variance) const override {
    const auto rms = [&](int m) {
      return m < 0 ? 0 : std::sqrt(Hermite(m).at({variance, variance, variance, 0}).value) * (1 + 1e-12);
    };
    const auto stretched = [&](int m) {
      return m < 0 ? 0 : std::sqrt(m + 1) * rms(m + 1) + std::sqrt(m) * rms(m - 1);
    };
    const double first = std::sqrt(n_), second = std::sqrt(n_ * (n_ - 1));
    return {first * rms(n_ - 1), first * stretched(n_ - 1), second * rms(n_ - 2), second * stretched(n_ - 2)};
  }

 private:
  // Squares of numbers above it do not vanish.
  static constexpr double kTiny = 1e-160;
  [[nodiscard]] double units() const { return 8 + 2 * n_; }

  int n_;
  std::vector<double> a_;
};

}  // namespace

std::shared_ptr<const DualRule> polynomial_rule(std::vector<double> coefficients) {
  return std::make_shared<Polynomial>(std::move(coefficients));
}

std::shared_ptr<const DualRule> hermite_rule(int n) {
  if (n == 1) return polynomial_rule({0, 1});  // a line, which is homogeneous
  return std::make_shared<Hermite>(n);
}

}  // namespace ntape::limit
