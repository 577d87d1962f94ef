#pragma once

#include <ntape/limit/rule.hpp>
#include <utility>

namespace ntape::limit {

/// A value with its bound: `units` units of rounding of what was added up to it.
[[nodiscard]] inline double rounding(double magnitude, double units = 8) {
  return units * kEpsilon * std::abs(magnitude);
}

/// A rule from a form: a struct with at(Covariance), mean(variance), sensitivity(variance), degree()
/// and, if it can, value_gap(Covariance) and prepare(variances).
template <class Form>
class ClosedRule final : public DualRule {
 public:
  explicit ClosedRule(Form form) : form_(std::move(form)) {}
  DualValue at(const Covariance& s) const override { return form_.at(s); }
  double mean(double variance) const override { return form_.mean(variance); }
  Sensitivity sensitivity(double variance) const override { return form_.sensitivity(variance); }
  std::optional<double> degree() const override { return form_.degree(); }
  double value_gap(const Covariance& s) const override {
    if constexpr (requires { form_.value_gap(s); }) return form_.value_gap(s);
    return -1;
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
