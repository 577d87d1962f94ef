#include <ntape/ops/activation.hpp>
#include <ntape/ops/activation_loops.hpp>
#include <ntape/ops/activation_rules.hpp>
#include <ntape/ops/activation_spelling.hpp>
#include <ntape/ops/detail.hpp>
#include <optional>

namespace ntape {
namespace {

template <class Real, class Rule>
class Elementwise final : public Op<Real> {
 public:
  Elementwise(std::string name, Rule rule) : name_(std::move(name)), rule_(rule) {}
  std::string_view name() const override { return name_; }
  Shape shape(Shapes in) const override {
    detail::require_count(name_, in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Real* x = in[0]->data();
    Real* y = out.data();
    if constexpr (std::is_floating_point_v<Real>)
      detail::with_fast(rule_, [&](const auto& fast) { elementwise::apply(fast, x, y, out.size()); });
    else
      for (Index k = 0; k < out.size(); ++k) y[k] = rule_.f(x[k]);
  }
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    multiply_by_slope(site, t, out);
  }
  // A diagonal Jacobian is its own transpose.
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    multiply_by_slope(site, u, out);
  }
  void write_vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    if constexpr (std::is_floating_point_v<Real>)
      detail::with_fast(rule_, [&](const auto& fast) {
        elementwise::slope_times(fast, site.in[0]->data(), site.out.data(), u.data(), out.data(), u.shape(0),
                                 site.out.size());
      });
    else
      Op<Real>::write_vjp(site, arg, u, out);
  }

 private:
  void multiply_by_slope(const Site<Real>& site, const Stack<Real>& from, Stack<Real>& to) const {
    const Real* x = site.in[0]->data();
    const Real* y = site.out.data();
    const Index size = site.out.size();
    if constexpr (std::is_floating_point_v<Real>) {
      detail::with_fast(rule_, [&](const auto& fast) {
        elementwise::add_slope_times(fast, x, y, from.data(), to.data(), from.shape(0), size);
      });
    } else {
      for (Index v = 0; v < from.shape(0); ++v) {
        const Real* f = slice(from, v);
        Real* t = slice(to, v);
        for (Index k = 0; k < size; ++k) t[k] += rule_.df(x[k], y[k]) * f[k];
      }
    }
  }
  std::string name_;
  Rule rule_;
};

UserError bad(const std::string& text, const std::string& need) {
  return UserError("activation '" + text + "': " + need);
}

// The rule that a spelling means; empty when the name is another one's.
template <class Rule>
std::optional<Rule> rule_of(const ActivationSpelling& given, const std::string& text) {
  if (given.name != Rule::name) return {};
  if (!given.numbers.empty()) throw bad(text, std::string(Rule::name) + " takes no parameters");
  return Rule{};
}
template <>
std::optional<detail::LeakyRelu> rule_of(const ActivationSpelling& given, const std::string& text) {
  if (given.name != detail::LeakyRelu::name) return {};
  if (given.numbers.size() != 1) throw bad(text, "leaky_relu takes one parameter, as in leaky_relu(0.1)");
  return detail::LeakyRelu{given.numbers[0]};
}
template <>
std::optional<detail::Elu> rule_of(const ActivationSpelling& given, const std::string& text) {
  if (given.name != detail::Elu::name) return {};
  if (given.numbers.size() > 1) throw bad(text, "elu takes at most one parameter, as in elu(1)");
  return detail::Elu{given.numbers.empty() ? 1.0 : given.numbers[0]};
}
template <>
std::optional<detail::Polynomial> rule_of(const ActivationSpelling& given, const std::string& text) {
  if (given.name != detail::Polynomial::name) return {};
  detail::Polynomial rule{{}, given.numbers.size()};
  if (rule.count < 2 || rule.count > rule.c.size() || given.numbers.back() == 0)
    throw bad(text, "polynomial takes 2 to " + std::to_string(rule.c.size()) +
                        " coefficients, the last not zero, as in polynomial(1,0,0.5)");
  std::copy(given.numbers.begin(), given.numbers.end(), rule.c.begin());
  return rule;
}

template <class Real, class... Rules>
OpPtr<Real> find(const ActivationSpelling& given, const std::string& text) {
  OpPtr<Real> found;
  const auto look = [&]<class Rule>(std::optional<Rule> rule) {
    if (rule) found = std::make_shared<Elementwise<Real, Rule>>(text, *rule);
  };
  (look(rule_of<Rules>(given, text)), ...);
  return found;
}

}  // namespace

const std::vector<std::string>& known_activations() {
  static const std::vector<std::string> names = {"identity",
                                                 "relu",
                                                 "leaky_relu(0.1)",
                                                 "abs",
                                                 "elu(1)",
                                                 "gelu",
                                                 "erf",
                                                 "tanh",
                                                 "sigmoid",
                                                 "softplus",
                                                 "silu",
                                                 "sin",
                                                 "cos",
                                                 "gaussian",
                                                 "square",
                                                 "polynomial(1,0,0.5)"};
  return names;
}

template <class Real>
OpPtr<Real> activation_op(const std::string& name) {
  using namespace detail;
  if (auto op = find<Real, Identity, Relu, LeakyRelu, Abs, Elu, Gelu, Erf, Tanh, Sigmoid, Softplus, Silu, Sin,
                     Cos, Gaussian, Square, Polynomial>(read_activation(name), name))
    return op;
  std::string known;
  for (const std::string& k : known_activations()) known += (known.empty() ? "" : ", ") + k;
  throw UserError("unknown activation '" + name + "'; the known ones are " + known +
                  " (numbers in parentheses are parameters)");
}

template <class Real>
Var activation(Tape<Real>& tape, const std::string& name, Var x) {
  return tape.record(activation_op<Real>(name), {x});
}

#define NTAPE_INSTANTIATE(Real)                           \
  template OpPtr<Real> activation_op(const std::string&); \
  template Var activation(Tape<Real>&, const std::string&, Var);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
