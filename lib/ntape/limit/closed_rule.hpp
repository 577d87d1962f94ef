#pragma once

#include <ntape/limit/rule.hpp>
#include <utility>

namespace ntape::limit {

/// A value with its bound: `units` units of rounding of what was added up to it.
[[nodiscard]] inline double rounding(double magnitude, double units = 8) {
  return units * kEpsilon * std::abs(magnitude);
}

/// Coefficients of a slope series with their relative errors, `units` of rounding at k = 0 and `more` each k,
/// and what the variance's error does to a coefficient that goes like its power `powers` + k `powers_each`.
struct SeriesErrors {
  double units, more, powers, powers_each;
};
[[nodiscard]] inline SlopeSeries rounded_series(std::vector<double> value, const SeriesErrors& errors,
                                                double variance_error) {
  SlopeSeries series{std::move(value), {}, false};
  for (std::size_t k = 0; k < series.value.size(); ++k) {
    const double n = static_cast<double>(k);
    const double relative = (errors.units + errors.more * n) * kEpsilon +
                            (errors.powers + errors.powers_each * n) * variance_error;
    series.error.push_back(relative / 2 * std::sqrt(series.value[k]));
  }
  return series;
}

/// A rule from a form: a struct with at(Covariance), mean(variance), sensitivity(variance), degree(),
/// slope_series(variance, variance_error, count) and, if it can, parity(), slope_vanishes(k),
/// value_gap(Covariance) and prepare(variances).
template <class Form>
class ClosedRule final : public DualRule {
 public:
  explicit ClosedRule(Form form) : form_(std::move(form)) {}
  DualValue at(const Covariance& s) const override { return form_.at(s); }
  double mean(double variance) const override { return form_.mean(variance); }
  Sensitivity sensitivity(double variance) const override { return form_.sensitivity(variance); }
  std::optional<double> degree() const override { return form_.degree(); }
  Parity parity() const override {
    if constexpr (requires { form_.parity(); }) return form_.parity();
    return Parity::none;
  }
  bool slope_vanishes(std::size_t k) const override {
    if constexpr (requires { form_.slope_vanishes(k); }) return form_.slope_vanishes(k);
    return DualRule::slope_vanishes(k);
  }
  double value_gap(const Covariance& s) const override {
    if constexpr (requires { form_.value_gap(s); }) return form_.value_gap(s);
    return -1;
  }
  SlopeSeries slope_series(double variance, double variance_error, std::size_t count) const override {
    return form_.slope_series(variance, variance_error, count);
  }
  std::unique_ptr<PreparedDual> prepare(const std::vector<double>& variances,
                                        double tolerance) const override {
    if constexpr (requires { form_.prepare(variances); })
      if (auto rows = form_.prepare(variances)) return rows;
    return DualRule::prepare(variances, tolerance);
  }

 private:
  Form form_;
};

}  // namespace ntape::limit
