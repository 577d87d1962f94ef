#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/numerical.hpp>
#include <ntape/limit/piecewise.hpp>
#include <ntape/limit/polynomial.hpp>
#include <ntape/limit/rules_by_name.hpp>
#include <ntape/limit/transcendental.hpp>
#include <ntape/ops/activation_rules.hpp>
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
  if (r.is("hermite")) return hermite_rule(r.whole(1, 64));
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

template <class Rule>
Function function_of(Rule rule, bool kinked) {
  return {[rule](double x) { return rule.f(x); }, [rule](double x) { return rule.df(x, rule.f(x)); },
          kinked ? std::vector<double>{0} : std::vector<double>{}};
}

// Of those without a closed form; suprema of |s'|, |x s'|, |s''|, |x s''|, rounded up.
RulePtr without_closed_form(const Request& r) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  const auto rule = [](Function s, Parity parity, Suprema suprema) {
    return numerical_rule(
        std::move(s), {}, [=](double variance) { return suprema.at(variance); }, parity);
  };
  if (r.is("elu")) {
    const double a = r.number(1.0), size = std::abs(a);
    return numerical_rule(
        function_of(detail::Elu{a}, true), [a](double m, double t) { return elu_blur(a, m, t); },
        [=](double variance) {
          return Suprema{std::fmax(1.0, size), kNone, size, 0.368 * size, std::abs(1 - a)}.at(variance);
        });
  }
  const bool tanh = r.is("tanh"), sigmoid = r.is("sigmoid"), softplus = r.is("softplus"), silu = r.is("silu");
  if (tanh || sigmoid || softplus || silu) r.no_numbers();
  if (tanh) return rule(function_of(detail::Tanh{}, false), Parity::odd, {1, 0.448, 0.770, 0.65});
  if (sigmoid)
    return rule(function_of(detail::Sigmoid{}, false), Parity::odd_and_constant,
                {0.25, 0.224, 0.0963, 0.163});
  if (softplus)
    return rule(function_of(detail::Softplus{}, false), Parity::even_and_line, {1, kNone, 0.25, 0.224});
  if (silu) return rule(function_of(detail::Silu{}, false), Parity::even_and_line, {1.1, kNone, 0.5, 0.33});
  return nullptr;
}

}  // namespace

RulePtr rule_by_name(const std::string& activation) {
  const Request request{activation, read_activation(activation)};
  if (auto rule = without_parameters(request)) return rule;
  if (auto rule = with_parameters(request)) return rule;
  if (auto rule = without_closed_form(request)) return rule;
  throw UserError("the dual of '" + activation + "' is not known");
}

RulePtr numerical_rule_by_name(const std::string& activation) {
  using namespace detail;
  const Request r{activation, read_activation(activation)};
  if (auto rule = without_closed_form(r)) return rule;
  (void)rule_by_name(activation);  // whose complaints about parameters are ours
  if (r.is("identity")) return numerical_rule(function_of(Identity{}, false));
  if (r.is("relu")) return numerical_rule(function_of(Relu{}, true));
  if (r.is("leaky_relu")) return numerical_rule(function_of(detail::LeakyRelu{r.number()}, true));
  if (r.is("abs")) return numerical_rule(function_of(detail::Abs{}, true));
  if (r.is("erf")) return numerical_rule(function_of(Erf{}, false));
  if (r.is("gelu")) return numerical_rule(function_of(Gelu{}, false));
  if (r.is("sin")) return numerical_rule(function_of(Sin{}, false));
  if (r.is("cos")) return numerical_rule(function_of(Cos{}, false));
  if (r.is("gaussian")) return numerical_rule(function_of(Gaussian{}, false));
  if (r.is("square")) return numerical_rule(function_of(Square{}, false));
  if (r.is("polynomial")) {
    detail::Polynomial rule{{}, r.spelling.numbers.size()};
    if (rule.count > rule.c.size()) throw r.refusal("at most 16 coefficients can be done numerically");
    std::copy(r.spelling.numbers.begin(), r.spelling.numbers.end(), rule.c.begin());
    return numerical_rule(function_of(rule, false));
  }
  throw r.refusal("only activations of the tape's table can be done numerically");
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
