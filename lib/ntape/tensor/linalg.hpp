#pragma once

#include <ntape/tensor/dual.hpp>
#include <ntape/tensor/matrix.hpp>
#include <vector>

/// The one wall in front of BLAS and LAPACK.
///
/// Every product is cut into tiles fixed by its shape alone; a tile is one single-threaded BLAS call and the
/// inner dimension is never split. So results are bit-identical for any number of threads.
namespace ntape::linalg {

enum class Op { plain, transposed };

/// A contiguous row-major rows x cols block in memory.
template <class Real>
struct View {
  const Real* data;
  Index rows;
  Index cols;
};

template <class Real>
[[nodiscard]] View<Real> view(const Matrix<Real>& m) {
  return {m.data(), m.shape(0), m.shape(1)};
}

/// C = alpha op(A) op(B) + beta C, with C row-major m x n at `c` (its rows `ldc` apart), apart from A and B.
/// With beta = 0, C is not read. Throws ShapeError when the inner dimensions differ or ldc < n, UserError
/// when a dimension is 2^31 or more. Cost 2 m n k flops.
template <class Real>
void gemm(Real alpha, View<Real> a, Op op_a, View<Real> b, Op op_b, Real beta, Real* c, Index ldc);

/// C = alpha A W^T + gamma 1 b, C contiguous [a.rows x w.rows], b a row of w.rows numbers (added while a tile
/// of C is still in cache). Throws as gemm does. Cost 2 m n k flops.
template <class Real>
void affine(Real alpha, View<Real> a, View<Real> w, Real gamma, const Real* b, Real* c);

/// C = A B^T + beta C by one BLAS call, with C at `c` (its rows `ldc` apart): a tile of a larger Gram matrix,
/// for threads that share out tiles themselves and hold a OneBlasThread each. Throws as gemm does.
template <class Real>
void gram_tile(View<Real> a, View<Real> b, Real beta, Real* c, Index ldc);

/// A B^T [a.rows x b.rows]: the Gram matrix of the rows of A against the rows of B. Throws as gemm does.
template <class Real>
[[nodiscard]] Matrix<Real> gram(View<Real> a, View<Real> b);

/// A A^T [a.rows x a.rows]; one triangle is computed, the other mirrored: exactly symmetric.
template <class Real>
[[nodiscard]] Matrix<Real> gram(View<Real> a);

/// Copies the lower triangle of a square n x n matrix, its rows contiguous, onto the upper one.
template <class Real>
void mirror_lower(Real* c, Index n);

/// The same products of dual numbers: three real products instead of one.
template <class Real>
void gemm(Dual<Real> alpha, View<Dual<Real>> a, Op op_a, View<Dual<Real>> b, Op op_b, Dual<Real> beta,
          Dual<Real>* c, Index ldc);
template <class Real>
void affine(Dual<Real> alpha, View<Dual<Real>> a, View<Dual<Real>> w, Dual<Real> gamma, const Dual<Real>* b,
            Dual<Real>* c);
template <class Real>
void gram_tile(View<Dual<Real>> a, View<Dual<Real>> b, Dual<Real> beta, Dual<Real>* c, Index ldc);
template <class Real>
[[nodiscard]] Matrix<Dual<Real>> gram(View<Dual<Real>> a, View<Dual<Real>> b);
template <class Real>
[[nodiscard]] Matrix<Dual<Real>> gram(View<Dual<Real>> a);

struct Eigen {
  std::vector<double> values;  ///< ascending
  Matrix<double> vectors;      ///< row k is the unit eigenvector of values[k]
};

/// Eigendecomposition of a symmetric matrix, in double, on one thread (LAPACK dsyevd, which reads one
/// triangle). Throws InternalError when the matrix is not square, not finite, or LAPACK fails; UserError when
/// it has more than 32766 rows, whose workspace LAPACK cannot count. Cost about 9 n^3 flops.
[[nodiscard]] Eigen symmetric_eigen(const Matrix<double>& a);
/// The eigenvalues alone, ascending. Throws InternalError likewise. Cost about 4/3 n^3 flops.
[[nodiscard]] std::vector<double> symmetric_eigenvalues(const Matrix<double>& a);

}  // namespace ntape::linalg
