#include <ntape/tensor/linalg.hpp>

namespace ntape::linalg {
namespace {

// Values and slopes in matrices of their own: BLAS knows no pairs.
template <class Real>
struct Planes {
  Matrix<Real> value, slope;

  explicit Planes(View<Dual<Real>> m)
      : value(make_matrix<Real>(m.rows, m.cols)), slope(make_matrix<Real>(m.rows, m.cols)) {
    for (Index k = 0; k < m.rows * m.cols; ++k) {
      value.data()[k] = m.data[k].value;
      slope.data()[k] = m.data[k].slope;
    }
  }
};

}  // namespace

// (A + A'e)(B + B'e) = A B + (A' B + A B')e
template <class Real>
void gemm(Dual<Real> alpha, View<Dual<Real>> a, Op op_a, View<Dual<Real>> b, Op op_b, Dual<Real> beta,
          Dual<Real>* c, Index ldc) {
  const Planes<Real> pa(a), pb(b);
  const Index rows = op_a == Op::plain ? a.rows : a.cols, cols = op_b == Op::plain ? b.cols : b.rows;
  Matrix<Real> value = make_matrix<Real>(rows, cols), slope = make_matrix<Real>(rows, cols);
  const auto product = [&](const Matrix<Real>& x, const Matrix<Real>& y, Real keep, Matrix<Real>& out) {
    gemm(Real(1), view(x), op_a, view(y), op_b, keep, out.data(), cols);
  };
  product(pa.value, pb.value, Real(0), value);
  product(pa.slope, pb.value, Real(0), slope);
  product(pa.value, pb.slope, Real(1), slope);
  const bool read = !(beta.value == Real(0) && beta.slope == Real(0));
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      Dual<Real>& target = c[i * ldc + j];
      const Dual<Real> part = alpha * Dual<Real>(value(i, j), slope(i, j));
      target = read ? part + beta * target : part;
    }
}

template <class Real>
void affine(Dual<Real> alpha, View<Dual<Real>> a, View<Dual<Real>> w, Dual<Real> gamma, const Dual<Real>* b,
            Dual<Real>* c) {
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < w.rows; ++j) c[i * w.rows + j] = gamma * b[j];
  gemm(alpha, a, Op::plain, w, Op::transposed, Dual<Real>(1), c, w.rows);
}

template <class Real>
void gram_tile(View<Dual<Real>> a, View<Dual<Real>> b, Dual<Real> beta, Dual<Real>* c, Index ldc) {
  const Planes<Real> pa(a), pb(b);
  Matrix<Real> value = make_matrix<Real>(a.rows, b.rows), slope = make_matrix<Real>(a.rows, b.rows);
  gram_tile(view(pa.value), view(pb.value), Real(0), value.data(), b.rows);
  gram_tile(view(pa.slope), view(pb.value), Real(0), slope.data(), b.rows);
  gram_tile(view(pa.value), view(pb.slope), Real(1), slope.data(), b.rows);
  const bool read = !(beta.value == Real(0) && beta.slope == Real(0));
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < b.rows; ++j) {
      Dual<Real>& target = c[i * ldc + j];
      const Dual<Real> part(value(i, j), slope(i, j));
      target = read ? part + beta * target : part;
    }
}

template <class Real>
Matrix<Dual<Real>> gram(View<Dual<Real>> a, View<Dual<Real>> b) {
  Matrix<Dual<Real>> c = make_matrix<Dual<Real>>(a.rows, b.rows);
  gemm(Dual<Real>(1), a, Op::plain, b, Op::transposed, Dual<Real>(0), c.data(), b.rows);
  return c;
}

// (A A^T)' = A' A^T + (A' A^T)^T
template <class Real>
Matrix<Dual<Real>> gram(View<Dual<Real>> a) {
  const Planes<Real> p(a);
  const Matrix<Real> value = gram(view(p.value)), half = gram(view(p.slope), view(p.value));
  Matrix<Dual<Real>> c = make_matrix<Dual<Real>>(a.rows, a.rows);
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < a.rows; ++j) c(i, j) = {value(i, j), half(i, j) + half(j, i)};
  return c;
}

#define NTAPE_INSTANTIATE(Real)                                                                       \
  template void gemm(Dual<Real>, View<Dual<Real>>, Op, View<Dual<Real>>, Op, Dual<Real>, Dual<Real>*, \
                     Index);                                                                          \
  template void affine(Dual<Real>, View<Dual<Real>>, View<Dual<Real>>, Dual<Real>, const Dual<Real>*, \
                       Dual<Real>*);                                                                  \
  template void gram_tile(View<Dual<Real>>, View<Dual<Real>>, Dual<Real>, Dual<Real>*, Index);        \
  template Matrix<Dual<Real>> gram(View<Dual<Real>>, View<Dual<Real>>);                               \
  template Matrix<Dual<Real>> gram(View<Dual<Real>>);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape::linalg
