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

}  // namespace

std::shared_ptr<const DualRule> polynomial_rule(std::vector<double> coefficients) {
  return std::make_shared<Polynomial>(std::move(coefficients));
}

std::vector<double> hermite_coefficients(int n) {
  // sqrt(k+1) h_{k+1} = x h_k - sqrt(k) h_{k-1}
  Coefficients before, now = {1};
  for (int k = 0; k < n; ++k) {
    Coefficients next = times_x(now);
    for (std::size_t j = 0; j < before.size(); ++j) next[j] -= std::sqrt(k) * before[j];
    for (double& v : next) v /= std::sqrt(k + 1);
    before = std::move(now);
    now = std::move(next);
  }
  return now;
}

}  // namespace ntape::limit
