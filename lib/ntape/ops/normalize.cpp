#include <cmath>
#include <ntape/ops/detail.hpp>
#include <ntape/ops/normalize.hpp>
#include <ntape/ops/row_softmax.hpp>

namespace ntape {
namespace {

using detail::narrow;
using detail::require_count;
using detail::Wide;
using detail::widen;

// Calls body(x, y, from, to) with the rows of the argument, the output, a tangent or cotangent, and the
// result, for every direction.
template <class Real, class Body>
void for_each_row(const Site<Real>& site, const Stack<Real>& from, Stack<Real>& to, Body&& body) {
  const Index cols = site.out.shape(1);
  for (Index v = 0; v < from.shape(0); ++v)
    for (Index n = 0; n < site.out.shape(0); ++n)
      body(row(*site.in[0], n), row(site.out, n), slice(from, v) + n * cols, slice(to, v) + n * cols);
}

template <class Real>
class LayerNorm final : public Op<Real> {
 public:
  explicit LayerNorm(double epsilon) : epsilon_(epsilon) {
    if (!(std::isfinite(epsilon) && epsilon > 0))
      throw UserError("layer_norm: epsilon is " + detail::to_text(epsilon) +
                      "; it must be positive and finite");
  }
  std::string_view name() const override { return "layer_norm"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Index cols = out.shape(1);
    for (Index n = 0; n < out.shape(0); ++n) {
      const Real* x = row(*in[0], n);
      Real* y = row(out, n);
      const Moments m = moments(x, cols);
      for (Index j = 0; j < cols; ++j) y[j] = narrow<Real>((widen(x[j]) - m.mean) * m.inverse_deviation);
    }
  }
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    add_product(site, t, out);
  }
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    add_product(site, u, out);
  }

 private:
  struct Moments {
    Wide<Real> mean, inverse_deviation;
  };
  Moments moments(const Real* x, Index cols) const {
    using std::sqrt;
    const Wide<Real> count(static_cast<double>(cols));
    Wide<Real> sum(0), squares(0);
    for (Index j = 0; j < cols; ++j) sum += widen(x[j]);
    const Wide<Real> mean = sum / count;
    for (Index j = 0; j < cols; ++j) squares += (widen(x[j]) - mean) * (widen(x[j]) - mean);
    return {mean, Wide<Real>(1) / sqrt(squares / count + Wide<Real>(epsilon_))};
  }
  // J = (I - 1 1^T / c - y y^T / c) / sqrt(s^2 + epsilon), its own transpose
  void add_product(const Site<Real>& site, const Stack<Real>& from, Stack<Real>& to) const {
    const Index cols = site.out.shape(1);
    const Wide<Real> count(static_cast<double>(cols));
    for_each_row(site, from, to, [&](const Real* x, const Real* y, const Real* f, Real* t) {
      const Wide<Real> inverse = moments(x, cols).inverse_deviation;
      Wide<Real> sum(0), along(0);
      for (Index j = 0; j < cols; ++j) {
        sum += widen(f[j]);
        along += widen(f[j]) * widen(y[j]);
      }
      const Wide<Real> mean = sum / count, mean_along = along / count;
      for (Index j = 0; j < cols; ++j)
        t[j] += narrow<Real>((widen(f[j]) - mean - widen(y[j]) * mean_along) * inverse);
    });
  }
  double epsilon_;
};

template <class Real>
class Softmax final : public Op<Real> {
 public:
  std::string_view name() const override { return "softmax"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    for (Index n = 0; n < out.shape(0); ++n)
      (void)detail::row_softmax(row(*in[0], n), out.shape(1), row(out, n));
  }
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    add_product(site, t, out);
  }
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    add_product(site, u, out);
  }

 private:
  // J = diag(y) - y y^T, its own transpose
  static void add_product(const Site<Real>& site, const Stack<Real>& from, Stack<Real>& to) {
    const Index cols = site.out.shape(1);
    for_each_row(site, from, to, [&](const Real*, const Real* y, const Real* f, Real* t) {
      Wide<Real> along(0);
      for (Index j = 0; j < cols; ++j) along += widen(f[j]) * widen(y[j]);
      const Real mean = narrow<Real>(along);
      for (Index j = 0; j < cols; ++j) t[j] += y[j] * (f[j] - mean);
    });
  }
};

template <class Real>
class LogSoftmax final : public Op<Real> {
 public:
  std::string_view name() const override { return "log_softmax"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    for (Index n = 0; n < out.shape(0); ++n) {
      const Real* x = row(*in[0], n);
      Real* y = row(out, n);
      const auto total = detail::row_softmax(x, out.shape(1), y);
      for (Index j = 0; j < out.shape(1); ++j) y[j] = narrow<Real>((widen(x[j]) - total.top) - total.log_sum);
    }
  }
  // J = I - 1 p^T with p = exp(y)
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    using std::exp;
    const Index cols = site.out.shape(1);
    for_each_row(site, t, out, [&](const Real*, const Real* y, const Real* f, Real* to) {
      Wide<Real> along(0);
      for (Index j = 0; j < cols; ++j) along += widen(f[j]) * widen(exp(y[j]));
      const Real mean = narrow<Real>(along);
      for (Index j = 0; j < cols; ++j) to[j] += f[j] - mean;
    });
  }
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    using std::exp;
    const Index cols = site.out.shape(1);
    for_each_row(site, u, out, [&](const Real*, const Real* y, const Real* f, Real* to) {
      Wide<Real> total(0);
      for (Index j = 0; j < cols; ++j) total += widen(f[j]);
      const Real sum = narrow<Real>(total);
      for (Index j = 0; j < cols; ++j) to[j] += f[j] - exp(y[j]) * sum;
    });
  }
};

}  // namespace

template <class Real>
OpPtr<Real> layer_norm_op(double epsilon) {
  return std::make_shared<LayerNorm<Real>>(epsilon);
}
template <class Real>
OpPtr<Real> softmax_op() {
  return std::make_shared<Softmax<Real>>();
}
template <class Real>
OpPtr<Real> log_softmax_op() {
  return std::make_shared<LogSoftmax<Real>>();
}

template <class Real>
Var layer_norm(Tape<Real>& tape, Var x, double epsilon) {
  return tape.record(layer_norm_op<Real>(epsilon), {x});
}
template <class Real>
Var softmax(Tape<Real>& tape, Var x) {
  return tape.record(softmax_op<Real>(), {x});
}
template <class Real>
Var log_softmax(Tape<Real>& tape, Var x) {
  return tape.record(log_softmax_op<Real>(), {x});
}

#define NTAPE_INSTANTIATE(Real)                      \
  template OpPtr<Real> layer_norm_op(double);        \
  template OpPtr<Real> softmax_op();                 \
  template OpPtr<Real> log_softmax_op();             \
  template Var layer_norm(Tape<Real>&, Var, double); \
  template Var softmax(Tape<Real>&, Var);            \
  template Var log_softmax(Tape<Real>&, Var);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
