#pragma once

#include <ntape/dynamics/moment.hpp>
#include <ntape/dynamics/solve_report.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/matrix.hpp>
#include <string>

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
/// are, they count as zero. A mode up to null_level() is one that K cannot tell from zero: it is left out, at
/// any time and in solves without a ridge (minimum norm).
class KernelFactor {
 public:
  /// Throws as require_kernel, and UserError when K is too large for LAPACK. Cost about 9 n^3 flops, two n x
  /// n matrices.
  explicit KernelFactor(const Matrix<double>& kernel);

  [[nodiscard]] Index size() const { return eigen_.values.size(); }
  /// Ascending, as they were computed: negative ones, too.
  [[nodiscard]] const std::vector<double>& eigenvalues() const { return eigen_.values; }
  /// Row k is the unit eigenvector of eigenvalue k.
  [[nodiscard]] const Matrix<double>& vectors() const { return eigen_.vectors; }
  /// n eps lambda_max, what rounding makes of a zero, or |lambda_min| where that is negative and larger.
  [[nodiscard]] double null_level() const { return null_level_; }
  [[nodiscard]] bool is_null(Index mode) const { return eigen_.values[mode] <= null_level_; }

  /// Whether functions [N x C] belong to this kernel: n = N, or n = N C.
  [[nodiscard]] bool fits(Shape function) const;

  /// V f, the components along the eigenvectors, [n x C] (full: [n x 1]). 2 n^2 C flops.
  [[nodiscard]] Matrix<double> components(const Matrix<double>& f) const;
  /// V^T c, back again, shaped as a function. 2 n^2 C flops.
  [[nodiscard]] Matrix<double> function(const Matrix<double>& components, Shape shape) const;
  /// kappa V^T [M x n], kappa [M x n] the kernel of other examples against these. 2 M n^2 flops.
  [[nodiscard]] Matrix<double> cross_components(const Matrix<double>& kappa) const;

  /// What a moment of training on N examples does to mode k; null modes stay where they are.
  [[nodiscard]] Moment::Response response(Index mode, const Moment& moment, Index examples) const;

  /// (K + r I)^{-1} b, r >= 0 in absolute terms, b a function; of minimum norm when r = 0. `kernel` is K
  /// again, which is not kept, for the backward error. 6 n^2 C flops. Throws UserError for another r.
  struct Solution {
    Matrix<double> x;
    SolveReport report;
  };
  [[nodiscard]] Solution solve(const Matrix<double>& kernel, const Matrix<double>& b, double ridge) const;

  /// 1/(lambda_k + r); zero where r = 0 and mode k is null.
  [[nodiscard]] double inverse(Index mode, double ridge) const;

  /// The report without a right-hand side: not solved, its backward error and unreachable share are zero.
  [[nodiscard]] SolveReport report(double ridge) const;

 private:
  linalg::Eigen eigen_;
  double null_level_ = 0;
};

}  // namespace ntape
