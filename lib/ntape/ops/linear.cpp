#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

using linalg::gemm;
using linalg::view;
using linalg::View;
constexpr auto kPlain = linalg::Op::plain;
constexpr auto kTransposed = linalg::Op::transposed;

// V matrices of N rows under each other: [V N x cols].
template <class Real>
View<Real> flat(const Stack<Real>& s) {
  return {s.data(), s.shape(0) * s.shape(1), s.shape(2)};
}
template <class Real>
View<Real> part(const Stack<Real>& s, Index v) {
  return {slice(s, v), s.shape(1), s.shape(2)};
}

void require_two(std::string_view op, Shapes in) {
  if (in.size() != 2)
    throw ShapeError(std::string(op) + ": needs 2 arguments, given " + std::to_string(in.size()));
}

template <class Real>
class Linear final : public Op<Real> {
 public:
  explicit Linear(Real scale) : scale_(scale) {}
  std::string_view name() const override { return "linear"; }

  Shape shape(Shapes in) const override {
    require_two(name(), in);
    if (in[0].cols != in[1].cols)
      throw ShapeError("linear: x is " + to_string(in[0]) + " and W is " + to_string(in[1]) +
                       "; W needs as many columns as x");
    return {in[0].rows, in[1].rows};
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    gemm(scale_, view(*in[0]), kPlain, view(*in[1]), kTransposed, Real(0), out.data(), out.shape(1));
  }
  // d out = scale (dx W^T + x dW^T)
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    if (arg == 0) {
      gemm(scale_, flat(t), kPlain, view(*site.in[1]), kTransposed, Real(1), out.data(), out.shape(2));
    } else {
      for (Index v = 0; v < t.shape(0); ++v)
        gemm(scale_, view(*site.in[0]), kPlain, part(t, v), kTransposed, Real(1), slice(out, v),
             out.shape(2));
    }
  }
  // x += scale u W;  W += scale u^T x
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    if (arg == 0) {
      gemm(scale_, flat(u), kPlain, view(*site.in[1]), kPlain, Real(1), out.data(), out.shape(2));
    } else {
      for (Index v = 0; v < u.shape(0); ++v)
        gemm(scale_, part(u, v), kTransposed, view(*site.in[0]), kPlain, Real(1), slice(out, v),
             out.shape(2));
    }
  }
  Block<Real> block(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent) const override {
    if (arg != 1) return Op<Real>::block(site, arg, cotangent);
    return OuterBlock<Real>{site.in[0], &cotangent, scale_};
  }

 private:
  Real scale_;
};

template <class Real>
class AddRow final : public Op<Real> {
 public:
  explicit AddRow(Real scale) : scale_(scale) {}
  std::string_view name() const override { return "add_row"; }

  Shape shape(Shapes in) const override {
    require_two(name(), in);
    if (in[1].rows != 1 || in[0].cols != in[1].cols)
      throw ShapeError("add_row: x is " + to_string(in[0]) + " and b is " + to_string(in[1]) +
                       "; b must be " + to_string(Shape{1, in[0].cols}));
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    const Index cols = out.shape(1);
    const Real* b = in[1]->data();
    for (Index n = 0; n < out.shape(0); ++n) {
      const Real* x = row(*in[0], n);
      Real* y = row(out, n);
      for (Index j = 0; j < cols; ++j) y[j] = x[j] + scale_ * b[j];
    }
  }
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    if (arg == 0) return pass_on(t, out);
    const Index rows = site.out.shape(0), cols = site.out.shape(1);
    for (Index v = 0; v < t.shape(0); ++v)
      for (Index n = 0; n < rows; ++n)
        for (Index j = 0; j < cols; ++j) slice(out, v)[n * cols + j] += scale_ * slice(t, v)[j];
  }
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    if (arg == 0) return pass_on(u, out);
    const Index rows = site.out.shape(0), cols = site.out.shape(1);
    for (Index v = 0; v < u.shape(0); ++v)
      for (Index n = 0; n < rows; ++n)
        for (Index j = 0; j < cols; ++j) slice(out, v)[j] += scale_ * slice(u, v)[n * cols + j];
  }
  Block<Real> block(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent) const override {
    if (arg != 1) return Op<Real>::block(site, arg, cotangent);
    return OuterBlock<Real>{nullptr, &cotangent, scale_};
  }

 private:
  static void pass_on(const Stack<Real>& from, Stack<Real>& to) {
    const Real* f = from.data();
    Real* t = to.data();
    for (Index k = 0; k < from.size(); ++k) t[k] += f[k];
  }
  Real scale_;
};

}  // namespace

template <class Real>
OpPtr<Real> linear_op(Real scale) {
  return std::make_shared<Linear<Real>>(scale);
}
template <class Real>
OpPtr<Real> add_row_op(Real scale) {
  return std::make_shared<AddRow<Real>>(scale);
}
template <class Real>
Var linear(Tape<Real>& tape, Var x, Var w, Real scale) {
  return tape.record(linear_op(scale), {x, w});
}
template <class Real>
Var add_row(Tape<Real>& tape, Var x, Var b, Real scale) {
  return tape.record(add_row_op(scale), {x, b});
}

#define NTAPE_INSTANTIATE(Real)                     \
  template OpPtr<Real> linear_op(Real);             \
  template OpPtr<Real> add_row_op(Real);            \
  template Var linear(Tape<Real>&, Var, Var, Real); \
  template Var add_row(Tape<Real>&, Var, Var, Real);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
