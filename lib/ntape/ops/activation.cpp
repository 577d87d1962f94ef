#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/ops/activation.hpp>
#include <numbers>

namespace ntape {
namespace {

// A rule is two functions: f(x), and df(x, y) with y = f(x). Ternaries, not fmax: they vectorize and let NaN
// through.
struct Relu {
  static constexpr std::string_view name = "relu";
  template <class Real>
  static Real f(Real x) {
    return x < Real(0) ? Real(0) : x;
  }
  template <class Real>
  static Real df(Real x, Real) {
    return x > Real(0) ? Real(1) : Real(0);
  }
};

struct Erf {
  static constexpr std::string_view name = "erf";
  template <class Real>
  static Real f(Real x) {
    using std::erf;
    return erf(x);
  }
  template <class Real>
  static Real df(Real x, Real) {
    using std::exp;
    return static_cast<Real>(2 * std::numbers::inv_sqrtpi) * exp(-x * x);
  }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  template <class Real>
  static Real f(Real x) {
    using std::tanh;
    return tanh(x);
  }
  template <class Real>
  static Real df(Real, Real y) {
    return (Real(1) - y) * (Real(1) + y);
  }
};

struct Identity {
  static constexpr std::string_view name = "identity";
  template <class Real>
  static Real f(Real x) {
    return x;
  }
  template <class Real>
  static Real df(Real, Real) {
    return Real(1);
  }
};

template <class Real, class Rule>
class Elementwise final : public Op<Real> {
 public:
  std::string_view name() const override { return Rule::name; }
  Shape shape(Shapes in) const override {
    if (in.size() != 1)
      throw ShapeError(std::string(Rule::name) + ": needs 1 argument, given " + std::to_string(in.size()));
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Real* x = in[0]->data();
    Real* y = out.data();
    const Index size = out.size();
    for (Index k = 0; k < size; ++k) y[k] = Rule::f(x[k]);
  }
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    multiply_by_slope(site, t, out);
  }
  // A diagonal Jacobian is its own transpose.
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    multiply_by_slope(site, u, out);
  }

 private:
  static void multiply_by_slope(const Site<Real>& site, const Stack<Real>& from, Stack<Real>& to) {
    const Real* x = site.in[0]->data();
    const Real* y = site.out.data();
    const Index size = site.out.size();
    for (Index v = 0; v < from.shape(0); ++v) {
      const Real* f = slice(from, v);
      Real* t = slice(to, v);
      for (Index k = 0; k < size; ++k) t[k] += Rule::df(x[k], y[k]) * f[k];
    }
  }
};

template <class Real, class... Rules>
OpPtr<Real> find(std::string_view name) {
  OpPtr<Real> found;
  ((Rules::name == name ? void(found = std::make_shared<Elementwise<Real, Rules>>()) : void()), ...);
  return found;
}

}  // namespace

const std::vector<std::string>& known_activations() {
  static const std::vector<std::string> names = {"relu", "erf", "tanh", "identity"};
  return names;
}

template <class Real>
OpPtr<Real> activation_op(const std::string& name) {
  if (auto op = find<Real, Relu, Erf, Tanh, Identity>(name)) return op;
  std::string known;
  for (const std::string& k : known_activations()) known += (known.empty() ? "" : ", ") + k;
  throw UserError("unknown activation '" + name + "'; the known ones are " + known);
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
