#include <cblas.h>

#include <algorithm>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/one_blas_thread.hpp>
#include <string>

namespace ntape::linalg {
namespace {

// Tile edges: large enough for BLAS to reach its rate, small enough to share a large product among threads.
constexpr Index kTileRows = 256;
constexpr Index kTileCols = 256;

int to_int(Index n) {
  if (n > static_cast<Index>(std::numeric_limits<int>::max()))
    throw UserError("a matrix dimension of " + std::to_string(n) +
                    " is more than BLAS can address (2^31 - 1)");
  return static_cast<int>(n);
}

void blas_gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha, const double* a,
               int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void blas_gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha, const float* a,
               int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// op(A) op(B), m x n with inner dimension k, and where it goes.
template <class Real>
struct Product {
  View<Real> a;
  Op op_a;
  View<Real> b;
  Op op_b;
  int m, n, k;
  Real alpha = Real(1);
  Real beta = Real(0);
  Real* c = nullptr;
  Index ldc = 0;

  void tile(Index i, Index j) const {
    const Index rows = std::min(kTileRows, static_cast<Index>(m) - i);
    const Index cols = std::min(kTileCols, static_cast<Index>(n) - j);
    const Real* a_tile = a.data + (op_a == Op::plain ? i * a.cols : i);
    const Real* b_tile = b.data + (op_b == Op::plain ? j : j * b.cols);
    blas_gemm(op_a == Op::plain ? CblasNoTrans : CblasTrans, op_b == Op::plain ? CblasNoTrans : CblasTrans,
              static_cast<int>(rows), static_cast<int>(cols), k, alpha, a_tile, leading(a.cols), b_tile,
              leading(b.cols), beta, c + i * ldc + j, leading(ldc));
  }

 private:
  static int leading(Index stride) { return static_cast<int>(std::max<Index>(stride, 1)); }
};

// Checks the factors; every dimension and stride then fits BLAS's integers.
template <class Real>
Product<Real> plan(View<Real> a, Op op_a, View<Real> b, Op op_b) {
  const Index m = op_a == Op::plain ? a.rows : a.cols;
  const Index k = op_a == Op::plain ? a.cols : a.rows;
  const Index kb = op_b == Op::plain ? b.rows : b.cols;
  const Index n = op_b == Op::plain ? b.cols : b.rows;
  if (k != kb)
    throw ShapeError("product: inner dimensions differ, " + to_string(Shape{m, k}) + " by " +
                     to_string(Shape{kb, n}));
  return {.a = a, .op_a = op_a, .b = b, .op_b = op_b, .m = to_int(m), .n = to_int(n), .k = to_int(k)};
}

}  // namespace

template <class Real>
void gemm(Real alpha, View<Real> a, Op op_a, View<Real> b, Op op_b, Real beta, Real* c, Index ldc) {
  Product<Real> p = plan(a, op_a, b, op_b);
  const Index m = static_cast<Index>(p.m), n = static_cast<Index>(p.n);
  if (ldc < n)
    throw ShapeError("product: the rows of a " + to_string(Shape{m, n}) + " result overlap when they are " +
                     std::to_string(ldc) + " apart");
  to_int(ldc);
  if (m == 0 || n == 0) return;
  p.alpha = alpha;
  p.beta = beta;
  p.c = c;
  p.ldc = ldc;
  const Index tile_rows = (m + kTileRows - 1) / kTileRows;
  const Index tile_cols = (n + kTileCols - 1) / kTileCols;
#pragma omp parallel
  {
    const OneBlasThread one_thread;
#pragma omp for schedule(static)
    for (Index t = 0; t < tile_rows * tile_cols; ++t)
      p.tile(t / tile_cols * kTileRows, t % tile_cols * kTileCols);
  }
}

template <class Real>
Matrix<Real> gram(View<Real> a, View<Real> b) {
  (void)plan(a, Op::plain, b, Op::transposed);
  Matrix<Real> c = make_matrix<Real>(a.rows, b.rows);
  gemm(Real(1), a, Op::plain, b, Op::transposed, Real(0), c.data(), b.rows);
  return c;
}

template <class Real>
Matrix<Real> gram(View<Real> a) {
  Product<Real> p = plan(a, Op::plain, a, Op::transposed);
  const Index n = a.rows;
  Matrix<Real> c = make_matrix<Real>(n, n);
  p.c = c.data();
  p.ldc = n;
  static_assert(kTileRows == kTileCols, "the triangle is cut into square tiles");
  const Index tiles = (n + kTileRows - 1) / kTileRows;
#pragma omp parallel
  {
    const OneBlasThread one_thread;
#pragma omp for schedule(dynamic)
    for (Index t = 0; t < tiles * tiles; ++t)
      if (t / tiles >= t % tiles) p.tile(t / tiles * kTileRows, t % tiles * kTileCols);
  }
  for (Index i = 0; i < n; ++i)
    for (Index j = i + 1; j < n; ++j) c(i, j) = c(j, i);
  return c;
}

template void gemm(float, View<float>, Op, View<float>, Op, float, float*, Index);
template void gemm(double, View<double>, Op, View<double>, Op, double, double*, Index);
template Matrix<float> gram(View<float>, View<float>);
template Matrix<double> gram(View<double>, View<double>);
template Matrix<float> gram(View<float>);
template Matrix<double> gram(View<double>);

}  // namespace ntape::linalg
