#include <cblas.h>

#include <algorithm>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::linalg {
namespace {

// Tile edges: large enough for BLAS to reach its rate, small enough that a 256-row product has several tiles.
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

template <class Real>
struct Product {
  Real alpha;
  View<Real> a;
  Op op_a;
  View<Real> b;
  Op op_b;
  Real beta;
  Real* c;
  int m, n, k, lda, ldb, ldc;

  void tile(Index i, Index j) const {
    const Index rows = std::min(kTileRows, static_cast<Index>(m) - i);
    const Index cols = std::min(kTileCols, static_cast<Index>(n) - j);
    const Real* a_tile = a.data + (op_a == Op::plain ? i * a.cols : i);
    const Real* b_tile = b.data + (op_b == Op::plain ? j : j * b.cols);
    blas_gemm(op_a == Op::plain ? CblasNoTrans : CblasTrans, op_b == Op::plain ? CblasNoTrans : CblasTrans,
              static_cast<int>(rows), static_cast<int>(cols), k, alpha, a_tile, lda, b_tile, ldb, beta,
              c + i * static_cast<Index>(ldc) + j, ldc);
  }
};

template <class Real>
Product<Real> plan(Real alpha, View<Real> a, Op op_a, View<Real> b, Op op_b, Real beta, Real* c, Index ldc) {
  const Index m = op_a == Op::plain ? a.rows : a.cols;
  const Index k = op_a == Op::plain ? a.cols : a.rows;
  const Index kb = op_b == Op::plain ? b.rows : b.cols;
  const Index n = op_b == Op::plain ? b.cols : b.rows;
  if (k != kb)
    throw ShapeError("product: inner dimensions differ, " + to_string(Shape{m, k}) + " by " +
                     to_string(Shape{kb, n}));
  const auto leading = [](Index cols) { return to_int(std::max<Index>(cols, 1)); };
  return {
      alpha,           a,           op_a, b, op_b, beta, c, to_int(m), to_int(n), to_int(k), leading(a.cols),
      leading(b.cols), leading(ldc)};
}

}  // namespace

template <class Real>
void gemm(Real alpha, View<Real> a, Op op_a, View<Real> b, Op op_b, Real beta, Real* c, Index ldc) {
  const Product<Real> p = plan(alpha, a, op_a, b, op_b, beta, c, ldc);
  if (p.m == 0 || p.n == 0) return;
  const Index tile_rows = (static_cast<Index>(p.m) + kTileRows - 1) / kTileRows;
  const Index tile_cols = (static_cast<Index>(p.n) + kTileCols - 1) / kTileCols;
  // Inside a parallel region OpenBLAS runs each call on the calling thread, even when there is one tile.
#pragma omp parallel for schedule(static)
  for (Index t = 0; t < tile_rows * tile_cols; ++t)
    p.tile(t / tile_cols * kTileRows, t % tile_cols * kTileCols);
}

template <class Real>
Matrix<Real> gram(View<Real> a, View<Real> b) {
  Matrix<Real> c = make_matrix<Real>(a.rows, b.rows);
  gemm(Real(1), a, Op::plain, b, Op::transposed, Real(0), c.data(), b.rows);
  return c;
}

template <class Real>
Matrix<Real> gram(View<Real> a) {
  const Index n = a.rows;
  Matrix<Real> c = make_matrix<Real>(n, n);
  const Product<Real> p = plan(Real(1), a, Op::plain, a, Op::transposed, Real(0), c.data(), n);
  static_assert(kTileRows == kTileCols, "the triangle is cut into square tiles");
  const Index tiles = (n + kTileRows - 1) / kTileRows;
#pragma omp parallel for schedule(dynamic)
  for (Index t = 0; t < tiles * tiles; ++t)
    if (t / tiles >= t % tiles) p.tile(t / tiles * kTileRows, t % tiles * kTileCols);
  for (Index i = 0; i < n; ++i)
    for (Index j = i + 1; j < n; ++j) c(i, j) = c(j, i);
  return c;
}

#define NTAPE_INSTANTIATE(Real)                                                       \
  template void gemm<Real>(Real, View<Real>, Op, View<Real>, Op, Real, Real*, Index); \
  template Matrix<Real> gram<Real>(View<Real>, View<Real>);                           \
  template Matrix<Real> gram<Real>(View<Real>);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape::linalg
