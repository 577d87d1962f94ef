#pragma once

#include <functional>
#include <ntape/tensor/matrix.hpp>

namespace ntape {

/// Training in function space under the kernels that a network really had. Along gradient descent of rate eta
/// and momentum m
///
///   f_{t+1} - f_t = m (f_t - f_{t-1}) - eta Theta_t dC/df(f_t) + r_t,   r_t = O(eta^2),
///
/// with dC/df = (f - y)/N for the mean square. The residual r_t is measured at every step: it certifies how
/// far that step was from a step of a kernel method. The recursion without r_t, with its own dC/df, is
/// integrated from f_0 on: the path prediction, which after a fixed time eta t is O(eta) from the network.
class PathPrediction {
 public:
  /// Theta_t u, for u [N x C] and as such.
  using Product = std::function<Matrix<double>(const Matrix<double>& u)>;
  /// dC/df at outputs f, [N x C].
  using Slope = std::function<Matrix<double>(const Matrix<double>& f)>;

  /// Descent that is `rate`, `momentum` on the cost of that slope.
  PathPrediction(double rate, double momentum, Slope slope)
      : rate_(rate), momentum_(momentum), slope_(std::move(slope)) {}

  /// The network has come to outputs f_t [N x C]: called at every step, from f_0 on. Throws ShapeError when
  /// f_t is not shaped as f_0, InternalError when depart() was left out.
  void arrive(const Matrix<double>& f);
  /// It goes on from there under Theta_t. Cost: two products.
  void depart(const Product& kernel);

  /// r_{t-1}, of the step that led here; 0 x 0 at the start.
  [[nodiscard]] const Matrix<double>& residual() const { return residual_; }
  /// f_t - f_{t-1}; 0 x 0 at the start.
  [[nodiscard]] const Matrix<double>& step() const { return step_; }
  /// The path prediction of f_t.
  [[nodiscard]] const Matrix<double>& predicted() const { return predicted_; }

 private:
  [[nodiscard]] Matrix<double> increment(const Matrix<double>& f, const Matrix<double>& last,
                                         const Product& kernel) const;

  double rate_, momentum_;
  Slope slope_;
  Matrix<double> now_, step_, residual_;
  Matrix<double> expected_;              // of f_{t+1} - f_t
  Matrix<double> predicted_, velocity_;  // of the path prediction, and its step from here
  bool departed_ = true;
};

/// Theta u by a kernel [N x N] that moves every output alike, or the full [N C x N C] with row n C + c.
/// Throws ShapeError when u fits neither way. 2 N^2 C flops, or 2 N^2 C^2.
[[nodiscard]] Matrix<double> kernel_product(const Matrix<double>& kernel, const Matrix<double>& u);

}  // namespace ntape
