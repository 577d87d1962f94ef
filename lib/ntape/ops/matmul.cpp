#include <ntape/ops/detail.hpp>
#include <ntape/ops/matmul.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

using detail::kPlain;
using detail::kTransposed;
using detail::part;
using linalg::gemm;
using linalg::view;
using linalg::View;

template <class Real>
class Matmul final : public Op<Real> {
 public:
  std::string_view name() const override { return "matmul"; }
  bool needs_batch_free(Arg arg) const override { return arg == 1; }
  Shape shape(Shapes in) const override {
    detail::require_count(name(), in, 2);
    if (in[0].cols != in[1].rows)
      throw ShapeError("matmul: the factors are " + to_string(in[0]) + " and " + to_string(in[1]) +
                       "; the second needs as many rows as the first has columns");
    return {in[0].rows, in[1].cols};
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    gemm(Real(1), view(*in[0]), kPlain, view(*in[1]), kPlain, Real(0), out.data(), out.shape(1));
  }
  // d out = da b + a db
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    for (Index v = 0; v < t.shape(0); ++v) {
      const View<Real> a = arg == 0 ? part(t, v) : view(*site.in[0]);
      const View<Real> b = arg == 0 ? view(*site.in[1]) : part(t, v);
      gemm(Real(1), a, kPlain, b, kPlain, Real(1), slice(out, v), out.shape(2));
    }
  }
  // a += u b^T;  b += a^T u
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    for (Index v = 0; v < u.shape(0); ++v) {
      if (arg == 0)
        gemm(Real(1), part(u, v), kPlain, view(*site.in[1]), kTransposed, Real(1), slice(out, v),
             out.shape(2));
      else
        gemm(Real(1), view(*site.in[0]), kTransposed, part(u, v), kPlain, Real(1), slice(out, v),
             out.shape(2));
    }
  }
  // J[v,n](i,o) = a[n,i] d[v,n,o]; an OuterBlock's parameter is [o x i], the other way round.
  Block<Real> block(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent) const override {
    if (arg != 1) return Op<Real>::block(site, arg, cotangent);
    const Matrix<Real>& a = *site.in[0];
    const Index count = cotangent.shape(0), examples = a.shape(0), inner = a.shape(1),
                cols = cotangent.shape(2);
    DenseBlock<Real> dense{make_stack<Real>(count, examples, inner * cols)};
    Real* j = dense.j.data();
    for (Index v = 0; v < count; ++v)
      for (Index n = 0; n < examples; ++n) {
        const Real* d = slice(cotangent, v) + n * cols;
        for (Index i = 0; i < inner; ++i, j += cols)
          for (Index o = 0; o < cols; ++o) j[o] = a(n, i) * d[o];
      }
    return dense;
  }
};

template <class Real>
class Transpose final : public Op<Real> {
 public:
  std::string_view name() const override { return "transpose"; }
  bool needs_batch_free(Arg) const override { return true; }
  // Of a batched value it would be: row j of the result is column j, an entry of every example.
  Rows rows() const override { return Rows::mixed; }
  Shape shape(Shapes in) const override {
    detail::require_count(name(), in, 1);
    return {in[0].cols, in[0].rows};
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    for (Index j = 0; j < out.shape(0); ++j)
      for (Index i = 0; i < out.shape(1); ++i) out(j, i) = (*in[0])(i, j);
  }
  void jvp(const Site<Real>& site, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    for (Index v = 0; v < t.shape(0); ++v)
      add_transposed(slice(t, v), site.out.shape(1), site.out.shape(0), slice(out, v));
  }
  void vjp(const Site<Real>& site, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    for (Index v = 0; v < u.shape(0); ++v)
      add_transposed(slice(u, v), site.out.shape(0), site.out.shape(1), slice(out, v));
  }

 private:
  // to [cols x rows] += from^T, from [rows x cols]
  static void add_transposed(const Real* from, Index rows, Index cols, Real* to) {
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) to[j * rows + i] += from[i * cols + j];
  }
};

}  // namespace

template <class Real>
OpPtr<Real> matmul_op() {
  return std::make_shared<Matmul<Real>>();
}
template <class Real>
OpPtr<Real> transpose_op() {
  return std::make_shared<Transpose<Real>>();
}

template <class Real>
Var matmul(Tape<Real>& tape, Var a, Var b) {
  detail::require_batch_free(tape, "matmul", "the second factor", b);
  return tape.record(matmul_op<Real>(), {a, b});
}
template <class Real>
Var transpose(Tape<Real>& tape, Var x) {
  detail::require_batch_free(tape, "transpose", "its argument", x);
  return tape.record(transpose_op<Real>(), {x});
}

#define NTAPE_INSTANTIATE(Real)               \
  template OpPtr<Real> matmul_op();           \
  template OpPtr<Real> transpose_op();        \
  template Var matmul(Tape<Real>&, Var, Var); \
  template Var transpose(Tape<Real>&, Var);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
