#pragma once

#include <ntape/dynamics/factor.hpp>
#include <ntape/dynamics/gaussian.hpp>

namespace ntape {

/// Kernel ridge regression, and the posterior of a Gaussian process, in one:
///   f(z) = kappa (K + r I)^{-1} y,  covariance K(z, z') - kappa (K + r I)^{-1} kappa'^T,
/// kappa = K(z, X). r is absolute: the variance of the noise on y when K is the NNGP; f minimizes 1/(2N) sum
/// |f(x_i) - y_i|^2 + r/(2N) |f|_K^2. r = 0 gives the interpolation of minimum norm, with null modes left
/// out; so does an r that is not above what rounding leaves of these (KernelFactor::null_level).
class KernelRegression {
 public:
  /// K [N x N], or full [N C x N C]; y [N x C]; `precision` as for KernelFactor. Throws UserError unless r is
  /// at least 0 and all is finite, ShapeError when shapes do not fit, otherwise as KernelFactor. Cost: one
  /// eigendecomposition.
  KernelRegression(const Matrix<double>& kernel, const Matrix<double>& y, double ridge,
                   double precision = kDoublePrecision);

  /// Outputs [M x C], kappa [M x n] (full: [M C x n]). 2 M n C flops.
  [[nodiscard]] Matrix<double> mean(const Matrix<double>& kappa) const;
  /// With the covariance, from K(z, z) [M x M]. 2 M n^2 + M^2 n flops.
  [[nodiscard]] Gaussian posterior(const Matrix<double>& kappa, const Matrix<double>& there) const;

  /// (K + r I)^{-1} y, [N x C].
  [[nodiscard]] const Matrix<double>& coefficients() const { return coefficients_; }
  [[nodiscard]] const SolveReport& report() const { return report_; }

 private:
  KernelFactor factor_;
  double ridge_;
  Matrix<double> coefficients_, acting_;  // acting_: in modes that count
  SolveReport report_;
};

}  // namespace ntape
