#pragma once

#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/matrix.hpp>

namespace ntape {

/// Training in function space under a constant kernel: K = Theta on the training set, factored once.
///
/// K is [N x N] (every output trains by the same kernel) or the full [N C x N C] with row n C + c.
class LazyPrediction {
 public:
  /// f0, y [N x C]. Throws ShapeError when the kernel fits neither way. Cost: one eigendecomposition.
  LazyPrediction(const Matrix<double>& kernel, const Matrix<double>& f0, const Matrix<double>& y);

  /// Outputs after k steps of gradient descent of rate eta: f_k = y + (I - eta K/N)^k (f_0 - y), exactly.
  [[nodiscard]] Matrix<double> after_steps(Index steps, double rate) const;

  /// Ascending eigenvalues of K (not divided by N).
  [[nodiscard]] const std::vector<double>& eigenvalues() const { return eigen_.values; }

 private:
  linalg::Eigen eigen_;
  Matrix<double> targets_;
  Matrix<double> residual_;  // components of f_0 - y along the eigenvectors [N x C], or [N C x 1] if full
  bool full_;
};

/// The largest stable rate of gradient descent under a constant kernel: 2 N / lambda_max (each mode contracts
/// by 1 - eta lambda/N).
[[nodiscard]] double critical_rate(double lambda_max, Index examples);

}  // namespace ntape
