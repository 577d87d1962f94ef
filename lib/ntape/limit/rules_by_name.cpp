#include <ntape/base/errors.hpp>
#include <ntape/limit/piecewise.hpp>
#include <ntape/limit/polynomial.hpp>
#include <ntape/limit/rules_by_name.hpp>
#include <ntape/limit/transcendental.hpp>
#include <ntape/ops/activation_spelling.hpp>

namespace ntape::limit {
namespace {

using RulePtr = std::shared_ptr<const DualRule>;

// A spelling with what its parameters must be.
struct Request {
  const std::string& text;
  ActivationSpelling spelling;

  [[nodiscard]] UserError refusal(const std::string& need) const {
    return UserError("the dual of '" + text + "': " + need);
  }
  [[nodiscard]] bool is(std::string_view name) const { return spelling.name == name; }
  void no_numbers() const {
    if (!spelling.numbers.empty()) throw refusal(std::string(spelling.name) + " takes no parameters");
  }
  [[nodiscard]] double number(std::optional<double> otherwise = {}) const {
    if (spelling.numbers.empty() && otherwise) return *otherwise;
    if (spelling.numbers.size() != 1) throw refusal(std::string(spelling.name) + " takes one parameter");
    return spelling.numbers[0];
  }
  [[nodiscard]] int whole(int least, int most) const {
    const double value = number();
    if (!(value >= least && value <= most) || value != static_cast<int>(value))
      throw refusal("the parameter must be a whole number from " + std::to_string(least) + " to " +
                    std::to_string(most));
    return static_cast<int>(value);
  }
};

RulePtr without_parameters(const Request& r) {
  struct Entry {
    const char* name;
    RulePtr (*make)();
  };
  static const Entry entries[] = {
      {"identity", [] { return leaky_relu_rule(1); }},
      {"relu", [] { return leaky_relu_rule(0); }},
      {"abs", abs_rule},
      {"sign", sign_rule},
      {"erf", erf_rule},
      {"gelu", gelu_rule},
      {"sin", sin_rule},
      {"cos", cos_rule},
      {"gaussian", gaussian_rule},
      {"exp", exp_rule},
      {"square",
       [] {
         return polynomial_rule({0, 0, 1});
       }},
  };
  for (const Entry& e : entries)
    if (r.is(e.name)) {
      r.no_numbers();
      return e.make();
    }
  return nullptr;
}

RulePtr with_parameters(const Request& r) {
  if (r.is("leaky_relu")) return leaky_relu_rule(r.number());
  if (r.is("rectified_power")) return rectified_power_rule(r.whole(0, 32));
  if (r.is("hermite")) return polynomial_rule(hermite_coefficients(r.whole(1, 64)));
  if (r.is("monomial")) {
    std::vector<double> c(static_cast<std::size_t>(r.whole(1, 64)) + 1, 0.0);
    c.back() = 1;
    return polynomial_rule(c);
  }
  if (r.is("polynomial")) {
    if (r.spelling.numbers.size() < 2 || r.spelling.numbers.back() == 0)
      throw r.refusal("polynomial takes at least two coefficients, the last not zero");
    return polynomial_rule(r.spelling.numbers);
  }
  if (r.is("rbf")) {
    if (!(r.number() > 0)) throw r.refusal("the parameter must be positive");
    return rbf_rule(r.number());
  }
  return nullptr;
}

}  // namespace

RulePtr rule_by_name(const std::string& activation) {
  const Request request{activation, read_activation(activation)};
  if (auto rule = without_parameters(request)) return rule;
  if (auto rule = with_parameters(request)) return rule;
  throw UserError("the dual of '" + activation + "' is not known");
}

bool has_dual(const std::string& activation) {
  try {
    (void)rule_by_name(activation);
    return true;
  } catch (const UserError&) {
    return false;
  }
}

}  // namespace ntape::limit
