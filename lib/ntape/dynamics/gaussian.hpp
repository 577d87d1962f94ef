#pragma once

#include <ntape/tensor/matrix.hpp>

namespace ntape {

/// Outputs at M examples as a Gaussian: a mean and a covariance.
struct Gaussian {
  Matrix<double> mean;  ///< [M x C]
  /// Exactly symmetric. [M x M]: that of each output, outputs being independent; from full kernels [M C x M
  /// C].
  Matrix<double> covariance;
  /// The least of the variances, which are differences, and what rounding can make of one that is zero.
  double least_variance = 0, rounding = 0;

  /// Standard deviations [M x C]; a variance below zero gives 0.
  [[nodiscard]] Matrix<double> deviations() const;
  /// Whether no variance is below zero by more than rounding.
  [[nodiscard]] bool is_sound() const { return least_variance >= -rounding; }
};

/// With least_variance found and the covariance made symmetric (the mean of it and its transpose).
[[nodiscard]] Gaussian make_gaussian(Matrix<double> mean, Matrix<double> covariance, double rounding);

}  // namespace ntape
