#include <algorithm>
#include <ntape/ops/detail.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

using detail::kPlain;
using detail::kTransposed;
using detail::part;
using detail::require_batch_free;
using detail::require_count;
using linalg::gemm;
using linalg::view;
using linalg::View;

Shape product_shape(std::string_view op, Shape x, Shape w) {
  if (x.cols != w.cols)
    throw ShapeError(std::string(op) + ": x is " + to_string(x) + " and W is " + to_string(w) +
                     "; W needs as many columns as x");
  return {x.rows, w.rows};
}

template <class Real>
class Linear final : public Op<Real> {
 public:
  explicit Linear(Real scale) : scale_(scale) {}
  std::string_view name() const override { return "linear"; }
  bool needs_batch_free(Arg arg) const override { return arg == 1; }

  Shape shape(Shapes in) const override {
    require_count(name(), in, 2);
    return product_shape(name(), in[0], in[1]);
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    gemm(scale_, view(*in[0]), kPlain, view(*in[1]), kTransposed, Real(0), out.data(), out.shape(1));
  }
  double flops(Shapes in) const override {
    return 2.0 * static_cast<double>(in[0].size()) * static_cast<double>(in[1].rows);
  }
  // d out = scale (dx W^T + x dW^T)
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    detail::for_each_direction(t.shape(0), [&](Index v) {
      const View<Real> x = arg == 0 ? part(t, v) : view(*site.in[0]);
      const View<Real> w = arg == 0 ? view(*site.in[1]) : part(t, v);
      gemm(scale_, x, kPlain, w, kTransposed, Real(1), slice(out, v), out.shape(2));
    });
  }
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    pull(site, arg, u, Real(1), out);
  }
  void write_vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    pull(site, arg, u, Real(0), out);
  }
  std::optional<OuterBlock<Real>> outer_block(const Site<Real>& site, Arg arg,
                                              const Stack<Real>& cotangent) const override {
    if (arg != 1) return {};
    return OuterBlock<Real>{site.in[0], &cotangent, scale_};
  }

 private:
  // x = keep x + scale u W;  W = keep W + scale u^T x
  void pull(const Site<Real>& site, Arg arg, const Stack<Real>& u, Real keep, Stack<Real>& out) const {
    const View<Real> other = view(*site.in[arg == 0 ? 1 : 0]);
    detail::for_each_direction(u.shape(0), [&](Index v) {
      gemm(scale_, part(u, v), arg == 0 ? kPlain : kTransposed, other, kPlain, keep, slice(out, v),
           out.shape(2));
    });
  }
  Real scale_;
};

template <class Real>
class AddRow final : public Op<Real> {
 public:
  explicit AddRow(Real scale) : scale_(scale) {}
  std::string_view name() const override { return "add_row"; }
  bool needs_batch_free(Arg arg) const override { return arg == 1; }

  Shape shape(Shapes in) const override {
    require_count(name(), in, 2);
    detail::require_row(name(), "b", in[0], in[1]);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    std::copy(in[0]->begin(), in[0]->end(), out.begin());
    add_to_rows(in[1]->data(), out.data(), out.shape(0), out.shape(1));
  }
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    if (arg == 0) return detail::add_scaled(Real(1), t, out);
    const Index rows = site.out.shape(0), cols = site.out.shape(1);
    for (Index v = 0; v < t.shape(0); ++v) add_to_rows(slice(t, v), slice(out, v), rows, cols);
  }
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    if (arg == 0) return detail::add_scaled(Real(1), u, out);
    const Index rows = site.out.shape(0), cols = site.out.shape(1);
    for (Index v = 0; v < u.shape(0); ++v) {
      Real* sum = slice(out, v);
      for (Index n = 0; n < rows; ++n) {
        const Real* one = slice(u, v) + n * cols;
        for (Index j = 0; j < cols; ++j) sum[j] += scale_ * one[j];
      }
    }
  }
  std::optional<OuterBlock<Real>> outer_block(const Site<Real>&, Arg arg,
                                              const Stack<Real>& cotangent) const override {
    if (arg != 1) return {};
    return OuterBlock<Real>{nullptr, &cotangent, scale_};
  }

 private:
  void add_to_rows(const Real* b, Real* out, Index rows, Index cols) const {
    for (Index n = 0; n < rows; ++n, out += cols)
      for (Index j = 0; j < cols; ++j) out[j] += scale_ * b[j];
  }
  Real scale_;
};

// Arguments x and W are those of Linear; b is argument 1 of AddRow, whose rules look at its output only.
template <class Real>
class Affine final : public Op<Real> {
 public:
  Affine(Real weight_scale, Real bias_scale)
      : weight_scale_(weight_scale), bias_scale_(bias_scale), linear_(weight_scale), row_(bias_scale) {}
  std::string_view name() const override { return "affine"; }
  bool needs_batch_free(Arg arg) const override { return arg >= 1; }

  Shape shape(Shapes in) const override {
    require_count(name(), in, 3);
    const Shape out = product_shape(name(), in[0], in[1]);
    detail::require_row(name(), "b", out, in[2]);
    return out;
  }
  double flops(Shapes in) const override {
    return linear_.flops(in.first(2)) + 2.0 * static_cast<double>(shape(in).size());
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    linalg::affine(weight_scale_, view(*in[0]), view(*in[1]), bias_scale_, in[2]->data(), out.data());
  }
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    arg == kBias ? row_.jvp(site, 1, t, out) : linear_.jvp(site, arg, t, out);
  }
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    arg == kBias ? row_.vjp(site, 1, u, out) : linear_.vjp(site, arg, u, out);
  }
  void write_vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    arg == kBias ? row_.write_vjp(site, 1, u, out) : linear_.write_vjp(site, arg, u, out);
  }
  std::optional<OuterBlock<Real>> outer_block(const Site<Real>& site, Arg arg,
                                              const Stack<Real>& cotangent) const override {
    return arg == kBias ? row_.outer_block(site, 1, cotangent) : linear_.outer_block(site, arg, cotangent);
  }

 private:
  static constexpr Arg kBias = 2;
  Real weight_scale_, bias_scale_;
  Linear<Real> linear_;
  AddRow<Real> row_;
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
OpPtr<Real> affine_op(Real weight_scale, Real bias_scale) {
  return std::make_shared<Affine<Real>>(weight_scale, bias_scale);
}

template <class Real>
Var linear(Tape<Real>& tape, Var x, Var w, Real scale) {
  require_batch_free(tape, "linear", "W", w);
  return tape.record(linear_op(scale), {x, w});
}
template <class Real>
Var add_row(Tape<Real>& tape, Var x, Var b, Real scale) {
  require_batch_free(tape, "add_row", "b", b);
  return tape.record(add_row_op(scale), {x, b});
}

template <class Real>
Var affine(Tape<Real>& tape, Var x, Var w, Var b, Real weight_scale, Real bias_scale) {
  require_batch_free(tape, "affine", "W", w);
  require_batch_free(tape, "affine", "b", b);
  return tape.record(affine_op(weight_scale, bias_scale), {x, w, b});
}

#define NTAPE_INSTANTIATE(Real)                      \
  template OpPtr<Real> linear_op(Real);              \
  template OpPtr<Real> add_row_op(Real);             \
  template OpPtr<Real> affine_op(Real, Real);        \
  template Var linear(Tape<Real>&, Var, Var, Real);  \
  template Var add_row(Tape<Real>&, Var, Var, Real); \
  template Var affine(Tape<Real>&, Var, Var, Var, Real, Real);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
