#include <cblas.h>

#include <algorithm>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/one_blas_thread.hpp>
#include <string>
#include <vector>

namespace ntape::linalg {
namespace {

// A tile is packed by BLAS before it is multiplied, which costs the more the smaller it is; and tiles are
// what threads share out. The rows of a tile do not depend on how many rows there are, so that the rows of a
// product taken in blocks of kTileRows have the bits that they have in one piece.
constexpr Index kTileRows = 256;
Index tile_cols(Index n) {
  return n <= 1024 ? 256 : n <= 4096 ? 512 : 1024;
}

// A Gram matrix is cut into columns of tiles that are narrow, so that little above the diagonal is computed
// in vain, and tall, which BLAS multiplies faster than wide ones.
Index gram_tile_cols(Index n) {
  return n < 2048 ? 64 : 128;
}

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

  void tile(Index i, Index j, Index rows, Index cols) const {
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

// Every tile of p as one BLAS call, and then `then`(i, j, rows, cols) by the same thread.
template <class Real, class Then>
void for_each_tile(const Product<Real>& p, const Then& then) {
  const Index m = static_cast<Index>(p.m), n = static_cast<Index>(p.n);
  const Index width = tile_cols(n), across = (n + width - 1) / width;
  const Index tiles = (m + kTileRows - 1) / kTileRows * across;
  const auto one = [&](Index t) {
    const Index i = t / across * kTileRows, j = t % across * width;
    const Index rows = std::min(kTileRows, m - i), cols = std::min(width, n - j);
    p.tile(i, j, rows, cols);
    then(i, j, rows, cols);
  };
  if (tiles == 1) {
    // Even a team of one costs more than a small product.
    const OneBlasThread one_thread;
    return one(0);
  }
#pragma omp parallel
  {
    const OneBlasThread one_thread;
#pragma omp for schedule(static)
    for (Index t = 0; t < tiles; ++t) one(t);
  }
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
  for_each_tile(p, [](Index, Index, Index, Index) {});
}

template <class Real>
void affine(Real alpha, View<Real> a, View<Real> w, Real gamma, const Real* b, Real* c) {
  Product<Real> p = plan(a, Op::plain, w, Op::transposed);
  p.alpha = alpha;
  p.c = c;
  p.ldc = w.rows;
  for_each_tile(p, [&](Index i, Index j, Index rows, Index cols) {
    for (Index r = i; r < i + rows; ++r) {
      Real* target = c + r * p.ldc;
      for (Index k = j; k < j + cols; ++k) target[k] += gamma * b[k];
    }
  });
}

template <class Real>
void gram_tile(View<Real> a, View<Real> b, Real beta, Real* c, Index ldc) {
  Product<Real> p = plan(a, Op::plain, b, Op::transposed);
  if (a.rows == 0 || b.rows == 0) return;
  p.beta = beta;
  p.c = c;
  p.ldc = ldc;
  p.tile(0, 0, a.rows, b.rows);
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
  const Index width = gram_tile_cols(n);
  struct Corner {
    Index i, j;
  };
  std::vector<Corner> corners;
  for (Index j = 0; j < n; j += width)
    for (Index i = j; i < n; i += kTileRows) corners.push_back({i, j});
#pragma omp parallel if (corners.size() > 1)
  {
    const OneBlasThread one_thread;
#pragma omp for schedule(dynamic)
    for (Index t = 0; t < corners.size(); ++t) {
      const auto [i, j] = corners[t];
      p.tile(i, j, std::min(kTileRows, n - i), std::min(width, n - j));
    }
  }
  mirror_lower(c.data(), n);
  return c;
}

template <class Real>
void mirror_lower(Real* c, Index n) {
  // By blocks, read along rows: columns of a matrix whose rows are a power of two apart share few lines of
  // the cache.
  constexpr Index kBlock = 32;
#pragma omp parallel for schedule(dynamic, 4) if (n >= 512)
  for (Index i0 = 0; i0 < n; i0 += kBlock) {
    Real turned[kBlock][kBlock];
    const Index rows = std::min(kBlock, n - i0);
    for (Index j0 = i0; j0 < n; j0 += kBlock) {
      const Index cols = std::min(kBlock, n - j0);
      for (Index j = 0; j < cols; ++j)
        for (Index i = 0; i < rows; ++i) turned[i][j] = c[(j0 + j) * n + i0 + i];
      for (Index i = 0; i < rows; ++i)
        for (Index j = j0 == i0 ? i + 1 : 0; j < cols; ++j) c[(i0 + i) * n + j0 + j] = turned[i][j];
    }
  }
}

template void affine(float, View<float>, View<float>, float, const float*, float*);
template void affine(double, View<double>, View<double>, double, const double*, double*);
template void gram_tile(View<float>, View<float>, float, float*, Index);
template void gram_tile(View<double>, View<double>, double, double*, Index);
template void mirror_lower(float*, Index);
template void mirror_lower(double*, Index);
template void mirror_lower(Dual<float>*, Index);
template void mirror_lower(Dual<double>*, Index);
template void gemm(float, View<float>, Op, View<float>, Op, float, float*, Index);
template void gemm(double, View<double>, Op, View<double>, Op, double, double*, Index);
template Matrix<float> gram(View<float>, View<float>);
template Matrix<double> gram(View<double>, View<double>);
template Matrix<float> gram(View<float>);
template Matrix<double> gram(View<double>);

}  // namespace ntape::linalg
