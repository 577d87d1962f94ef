#include <cmath>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/detail.hpp>

namespace ntape {
namespace {

using detail::require_count;

// A rule is the function and its derivative towards each argument, with y the output.
struct Add {
  static constexpr std::string_view name = "add";
  template <class Real>
  static Real f(Real a, Real b) {
    return a + b;
  }
  template <class Real>
  static Real df(Arg, Real, Real, Real) {
    return Real(1);
  }
};

struct Subtract {
  static constexpr std::string_view name = "subtract";
  template <class Real>
  static Real f(Real a, Real b) {
    return a - b;
  }
  template <class Real>
  static Real df(Arg arg, Real, Real, Real) {
    return arg == 0 ? Real(1) : Real(-1);
  }
};

struct Multiply {
  static constexpr std::string_view name = "multiply";
  template <class Real>
  static Real f(Real a, Real b) {
    return a * b;
  }
  template <class Real>
  static Real df(Arg arg, Real a, Real b, Real) {
    return arg == 0 ? b : a;
  }
};

struct Divide {
  static constexpr std::string_view name = "divide";
  template <class Real>
  static Real f(Real a, Real b) {
    return a / b;
  }
  template <class Real>
  static Real df(Arg arg, Real, Real b, Real y) {
    return arg == 0 ? Real(1) / b : -y / b;
  }
};

template <class Real, class Rule>
class Binary final : public Op<Real> {
 public:
  std::string_view name() const override { return Rule::name; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 2);
    if (in[0] != in[1])
      throw ShapeError(std::string(name()) + ": the arguments are " + to_string(in[0]) + " and " +
                       to_string(in[1]) + "; they must have one shape");
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Real* a = in[0]->data();
    const Real* b = in[1]->data();
    Real* y = out.data();
    for (Index k = 0; k < out.size(); ++k) y[k] = Rule::f(a[k], b[k]);
  }
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    multiply_by_slope(site, arg, t, out);
  }
  // A diagonal Jacobian is its own transpose.
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    multiply_by_slope(site, arg, u, out);
  }

 private:
  static void multiply_by_slope(const Site<Real>& site, Arg arg, const Stack<Real>& from, Stack<Real>& to) {
    const Real* a = site.in[0]->data();
    const Real* b = site.in[1]->data();
    const Real* y = site.out.data();
    const Index size = site.out.size();
    for (Index v = 0; v < from.shape(0); ++v) {
      const Real* f = slice(from, v);
      Real* t = slice(to, v);
      for (Index k = 0; k < size; ++k) t[k] += Rule::df(arg, a[k], b[k], y[k]) * f[k];
    }
  }
};

template <class Real>
class Scale final : public Op<Real> {
 public:
  explicit Scale(Real factor) : factor_(factor) {}
  std::string_view name() const override { return "scale"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Real* x = in[0]->data();
    Real* y = out.data();
    const Real factor = factor_;
    for (Index k = 0; k < out.size(); ++k) y[k] = factor * x[k];
  }
  void jvp(const Site<Real>&, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    detail::add_scaled(factor_, t, out);
  }
  void vjp(const Site<Real>&, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    detail::add_scaled(factor_, u, out);
  }

 private:
  Real factor_;
};

template <class Real>
class Power final : public Op<Real> {
 public:
  explicit Power(double exponent) : exponent_(static_cast<detail::Scalar<Real>>(exponent)) {
    if (!std::isfinite(exponent) || exponent == 0)
      throw UserError("power: the exponent is " + detail::to_text(exponent) +
                      "; it must be finite and not zero");
  }
  std::string_view name() const override { return "power"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    using std::pow;
    for (Index k = 0; k < out.size(); ++k) out.data()[k] = pow(in[0]->data()[k], exponent_);
  }
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    multiply_by_slope(site, t, out);
  }
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    multiply_by_slope(site, u, out);
  }

 private:
  // (x^p)' = p x^(p-1), not p y / x, which is 0/0 at zero
  void multiply_by_slope(const Site<Real>& site, const Stack<Real>& from, Stack<Real>& to) const {
    using std::pow;
    const Real* x = site.in[0]->data();
    for (Index v = 0; v < from.shape(0); ++v)
      for (Index k = 0; k < site.out.size(); ++k)
        slice(to, v)[k] += Real(exponent_) * pow(x[k], exponent_ - 1) * slice(from, v)[k];
  }
  detail::Scalar<Real> exponent_;
};

template <class Real>
class RowGain final : public Op<Real> {
 public:
  std::string_view name() const override { return "row_gain"; }
  bool needs_batch_free(Arg arg) const override { return arg == 1; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 2);
    detail::require_row(name(), "g", in[0], in[1]);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Real* g = in[1]->data();
    for (Index n = 0; n < out.shape(0); ++n) {
      const Real* x = row(*in[0], n);
      Real* y = row(out, n);
      for (Index j = 0; j < out.shape(1); ++j) y[j] = x[j] * g[j];
    }
  }
  // d out = dx o 1 g + x o 1 dg
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    for_each_row(site, t.shape(0), [&](Index v, Index n, const Real* x, const Real* g, Index cols) {
      Real* y = slice(out, v) + n * cols;
      const Real* dx = slice(t, v) + (arg == 0 ? n * cols : 0);
      const Real* other = arg == 0 ? g : x;
      for (Index j = 0; j < cols; ++j) y[j] += dx[j] * other[j];
    });
  }
  // x += u o 1 g;  g += 1^T (u o x)
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    for_each_row(site, u.shape(0), [&](Index v, Index n, const Real* x, const Real* g, Index cols) {
      Real* target = slice(out, v) + (arg == 0 ? n * cols : 0);
      const Real* from = slice(u, v) + n * cols;
      const Real* other = arg == 0 ? g : x;
      for (Index j = 0; j < cols; ++j) target[j] += from[j] * other[j];
    });
  }
  // J[v,n,j] = d[v,n,j] x[n,j]
  Block<Real> block(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent) const override {
    if (arg != 1) return Op<Real>::block(site, arg, cotangent);
    DenseBlock<Real> dense{cotangent};
    for_each_row(site, cotangent.shape(0), [&](Index v, Index n, const Real* x, const Real*, Index cols) {
      Real* j = slice(dense.j, v) + n * cols;
      for (Index c = 0; c < cols; ++c) j[c] *= x[c];
    });
    return dense;
  }

 private:
  template <class Body>
  static void for_each_row(const Site<Real>& site, Index count, Body&& body) {
    for (Index v = 0; v < count; ++v)
      for (Index n = 0; n < site.out.shape(0); ++n)
        body(v, n, row(*site.in[0], n), site.in[1]->data(), site.out.shape(1));
  }
};

}  // namespace

template <class Real>
OpPtr<Real> add_op() {
  return std::make_shared<Binary<Real, Add>>();
}
template <class Real>
OpPtr<Real> subtract_op() {
  return std::make_shared<Binary<Real, Subtract>>();
}
template <class Real>
OpPtr<Real> multiply_op() {
  return std::make_shared<Binary<Real, Multiply>>();
}
template <class Real>
OpPtr<Real> divide_op() {
  return std::make_shared<Binary<Real, Divide>>();
}
template <class Real>
OpPtr<Real> scale_op(Real factor) {
  return std::make_shared<Scale<Real>>(factor);
}
template <class Real>
OpPtr<Real> power_op(double exponent) {
  return std::make_shared<Power<Real>>(exponent);
}
template <class Real>
OpPtr<Real> row_gain_op() {
  return std::make_shared<RowGain<Real>>();
}

template <class Real>
Var add(Tape<Real>& tape, Var a, Var b) {
  return tape.record(add_op<Real>(), {a, b});
}
template <class Real>
Var subtract(Tape<Real>& tape, Var a, Var b) {
  return tape.record(subtract_op<Real>(), {a, b});
}
template <class Real>
Var multiply(Tape<Real>& tape, Var a, Var b) {
  return tape.record(multiply_op<Real>(), {a, b});
}
template <class Real>
Var divide(Tape<Real>& tape, Var a, Var b) {
  return tape.record(divide_op<Real>(), {a, b});
}
template <class Real>
Var scale(Tape<Real>& tape, Var x, Real factor) {
  return tape.record(scale_op<Real>(factor), {x});
}
template <class Real>
Var power(Tape<Real>& tape, Var x, double exponent) {
  return tape.record(power_op<Real>(exponent), {x});
}
template <class Real>
Var row_gain(Tape<Real>& tape, Var x, Var g) {
  detail::require_batch_free(tape, "row_gain", "g", g);
  return tape.record(row_gain_op<Real>(), {x, g});
}

#define NTAPE_INSTANTIATE(Real)                 \
  template OpPtr<Real> add_op();                \
  template OpPtr<Real> subtract_op();           \
  template OpPtr<Real> multiply_op();           \
  template OpPtr<Real> divide_op();             \
  template OpPtr<Real> scale_op(Real);          \
  template OpPtr<Real> power_op(double);        \
  template OpPtr<Real> row_gain_op();           \
  template Var add(Tape<Real>&, Var, Var);      \
  template Var subtract(Tape<Real>&, Var, Var); \
  template Var multiply(Tape<Real>&, Var, Var); \
  template Var divide(Tape<Real>&, Var, Var);   \
  template Var scale(Tape<Real>&, Var, Real);   \
  template Var power(Tape<Real>&, Var, double); \
  template Var row_gain(Tape<Real>&, Var, Var);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
