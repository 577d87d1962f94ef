#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/numerical.hpp>
#include <ntape/limit/rule.hpp>
#include <ntape/limit/rules_by_name.hpp>
#include <numbers>

namespace ntape::limit {
namespace {

// No preparation: a pair at a time.
class Unprepared final : public PreparedDual {
 public:
  Unprepared(const DualRule& rule, const std::vector<double>& variances)
      : rule_(rule), variances_(variances) {}
  void row(std::size_t i, std::size_t first, std::size_t count, const double* c, const double* gap,
           const DualRow& out) const override {
    for (std::size_t k = 0; k < count; ++k) {
      const Covariance s{variances_[i], c[k], variances_[first + k], gap[k]};
      const DualValue d = rule_.at(s);
      out.value[k] = d.value;
      out.slope[k] = d.slope;
      out.value_bound[k] = d.value_bound;
      out.slope_bound[k] = d.slope_bound;
      out.gap[k] = rule_.value_gap(s);
    }
  }
  double bytes() const override { return static_cast<double>(variances_.size() * sizeof(double)); }

 private:
  const DualRule& rule_;
  std::vector<double> variances_;
};

// Limits from either side, linearly extrapolated, beside the function's size a little farther off.
bool jumps(const Function& s, double at) {
  const double unit = std::fmax(std::abs(at), 1.0), d = std::ldexp(unit, -40);
  const double right = 2 * s.f(at + d) - s.f(at + 2 * d), left = 2 * s.f(at - d) - s.f(at - 2 * d);
  const double size = std::fmax(std::abs(s.f(at + unit)), std::abs(s.f(at - unit)));
  return std::abs(right - left) > 1e-6 * std::fmax(size, std::fmax(std::abs(right), std::abs(left)));
}

}  // namespace

std::unique_ptr<PreparedDual> DualRule::prepare(const std::vector<double>& variances, double) const {
  return std::make_unique<Unprepared>(*this, variances);
}

bool DualRule::slope_vanishes(std::size_t k) const {
  switch (parity()) {
    case Parity::none:
      return false;
    case Parity::odd:
    case Parity::odd_and_constant:
      return k % 2 == 1;
    case Parity::even:
      return k % 2 == 0;
    case Parity::even_and_line:
      return k % 2 == 0 && k > 0;
  }
  throw InternalError("a parity without a name");
}

double DualRule::cusp(double variance) const {
  const double jump = sensitivity(variance).jump;
  return jump * jump / (2 * std::numbers::pi);
}

Dual::Dual(const std::string& activation) : rule_(rule_by_name(activation)) {}
Dual::Dual(Function function) {
  if (!function.f || !function.df)
    throw UserError("a dual needs a function and its derivative; one is empty");
  for (const double k : function.kinks) {
    if (!std::isfinite(k)) throw UserError("a kink is at " + std::to_string(k) + "; it must be finite");
    if (jumps(function, k))
      throw UserError("the function jumps at " + std::to_string(k) +
                      ", and so the slope of its dual is not that of its derivative; it must be continuous");
  }
  rule_ = numerical_rule(std::move(function));
}
Dual Dual::numerical(const std::string& activation) {
  return Dual(numerical_rule_by_name(activation));
}

DualValue Dual::at(const Covariance& covariance) const {
  return rule_->at(covariance);
}
double Dual::mean(double variance) const {
  if (!(std::isfinite(variance) && variance >= 0))
    throw UserError("the variance is " + std::to_string(variance) + "; it must be finite and not negative");
  return rule_->mean(variance);
}
std::optional<double> Dual::degree() const {
  return rule_->degree();
}

}  // namespace ntape::limit
