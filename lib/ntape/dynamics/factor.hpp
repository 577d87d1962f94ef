#pragma once

#include <algorithm>
#include <ntape/dynamics/moment.hpp>
#include <ntape/dynamics/solve_report.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/matrix.hpp>
#include <string>
#include <vector>

namespace ntape {

/// Throws UserError, which begins with `what`, when a value is not finite or K is not symmetric to 1e-5 of
/// its largest entry (kernels stored as floats are to 1e-7); ShapeError unless it is square and not empty.
void require_kernel(const Matrix<double>& kernel, const std::string& what);

/// A symmetric positive semidefinite kernel K [n x n], factored once, for everything in `dynamics`.
///
/// K is a kernel on N examples, n = N (each of C outputs trains by it alike), or full, n = N C with row n C +
/// c. Functions on examples [N x C] have their entries in that order either way.
///
/// The eigenvalues are those of K, not divided by N. Where they are negative, which those of no Gram matrix
/// are, they count as zero. A mode up to null_level() is one that K cannot tell from zero: it is left out at
/// times so late that this matters, infinity among them, and in solves whose ridge is not above that level
/// (minimum norm).
class KernelFactor {
 public:
  /// `precision`: to what relative accuracy the entries of K are known, as 2^-23 of a kernel of floats; at
  /// least that of double. Throws as require_kernel, and UserError for a precision that is not below 1 or
  /// when K is too large for LAPACK. Cost about 9 n^3 flops, two n x n matrices.
  explicit KernelFactor(const Matrix<double>& kernel, double precision = kDoublePrecision);

  [[nodiscard]] Index size() const { return eigen_.values.size(); }
  /// Ascending, as they were computed: negative ones, too.
  [[nodiscard]] const std::vector<double>& eigenvalues() const { return eigen_.values; }
  /// Row k is the unit eigenvector of eigenvalue k.
  [[nodiscard]] const Matrix<double>& vectors() const { return eigen_.vectors; }
  [[nodiscard]] double precision() const { return precision_; }
  /// What rounding can make of an eigenvalue that is zero: n eps lambda_max by the decomposition, eps that of
  /// double, or precision |K|_F by that of the entries, which moves no eigenvalue by more.
  [[nodiscard]] double rounding() const { return rounding_; }
  /// rounding(), or |lambda_min| where that is negative and larger.
  [[nodiscard]] double null_level() const { return std::max(rounding_, -eigen_.values.front()); }
  [[nodiscard]] bool is_null(Index mode) const { return eigen_.values[mode] <= null_level(); }
  /// The eigenvectors [m x n] of null modes, as rows, which are the first of all.
  [[nodiscard]] linalg::View<double> null_vectors() const;
  /// Those of negative eigenvalues, which are the first of these.
  [[nodiscard]] linalg::View<double> negative_vectors() const;

  /// Whether functions [N x C] belong to this kernel: n = N, or n = N C.
  [[nodiscard]] bool fits(Shape function) const;

  /// V f, the components along the eigenvectors, [n x C] (full: [n x 1]). 2 n^2 C flops.
  [[nodiscard]] Matrix<double> components(const Matrix<double>& f) const;
  /// V^T c, back again, shaped as a function. 2 n^2 C flops.
  [[nodiscard]] Matrix<double> function(const Matrix<double>& components, Shape shape) const;
  /// kappa V^T [M x n], kappa [M x n] the kernel of other examples against these. 2 M n^2 flops.
  [[nodiscard]] Matrix<double> cross_components(const Matrix<double>& kappa) const;
  /// The same, with 0 along null modes where what is left is of the size of rounding: that of the entries and
  /// of the product, on a row of kappa. (Rounding also turns the eigenvectors of repeated examples towards
  /// modes of small eigenvalues lambda, by eps lambda_max / lambda: of ill-conditioned kernels more is left.)
  [[nodiscard]] Matrix<double> couplings(const Matrix<double>& kappa) const;

  /// The time N / null_level() of training on N examples from which on null modes are left out; with momentum
  /// Moment::flow_time() is compared with it.
  [[nodiscard]] double late(Index examples) const;
  /// What a moment of training on N examples does to mode k. Null modes move by their eigenvalues as they
  /// were computed, negative ones as if they were 0, until late(N), where their part is right to a factor of
  /// about two (at a hundredth of that time to 1%); from then on they stay where they are.
  [[nodiscard]] Moment::Response response(Index mode, const Moment& moment, Index examples) const;

  /// (K + r I)^{-1} b, r >= 0 in absolute terms, b a function; of minimum norm where r is not above
  /// null_level(), because b/r along a null mode, times what rounding has left of it in K or in kappa, would
  /// be anything. `kernel` is K again, which is not kept, for the backward error. 8 n^2 C flops. Throws
  /// UserError for another r.
  struct Solution {
    Matrix<double> x;
    Matrix<double> acting;  ///< x without the modes that count as zero: outputs are kappa times this
    SolveReport report;
  };
  [[nodiscard]] Solution solve(const Matrix<double>& kernel, const Matrix<double>& b, double ridge) const;

  /// Whether mode k counts under this ridge: any with a positive eigenvalue where r is above null_level(),
  /// only those that are not null otherwise.
  [[nodiscard]] bool acts(Index mode, double ridge) const;
  /// 1/(lambda_k + r) where mode k acts, else 0: (K + r I)^{-1} between two factors of K.
  [[nodiscard]] double inverse(Index mode, double ridge) const;

  /// The report without a right-hand side: not solved, its backward error and unreachable share are zero.
  [[nodiscard]] SolveReport report(double ridge) const;

 private:
  linalg::Eigen eigen_;
  double precision_, rounding_ = 0;
};

}  // namespace ntape
