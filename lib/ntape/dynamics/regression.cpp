#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/regression.hpp>
#include <ntape/dynamics/text.hpp>

namespace ntape {

KernelRegression::KernelRegression(const Matrix<double>& kernel, const Matrix<double>& y, double ridge,
                                   double precision)
    : factor_(kernel, precision), ridge_(ridge) {
  detail::require_finite(y, "targets");
  KernelFactor::Solution solution = factor_.solve(kernel, y, ridge);
  coefficients_ = std::move(solution.x);
  acting_ = std::move(solution.acting);
  report_ = solution.report;
}

Matrix<double> KernelRegression::mean(const Matrix<double>& kappa) const {
  const Index columns = coefficients_.size() / factor_.size(), outputs = coefficients_.shape(1);
  if (kappa.shape(1) != factor_.size() || kappa.shape(0) * columns % outputs != 0)
    throw ShapeError("KernelRegression: the kernel at other inputs is " + to_string(shape_of(kappa)) +
                     ", and that of the training set " + to_string(Shape{factor_.size(), factor_.size()}));
  detail::require_finite(kappa, "kernels at other inputs");
  auto f = make_matrix<double>(kappa.shape(0) * columns / outputs, outputs);
  linalg::gemm(1.0, linalg::view(kappa), linalg::Op::plain,
               linalg::View<double>{acting_.data(), factor_.size(), columns}, linalg::Op::plain, 0.0,
               f.data(), columns);
  return f;
}

Gaussian KernelRegression::posterior(const Matrix<double>& kappa, const Matrix<double>& there) const {
  if (shape_of(there) != Shape{kappa.shape(0), kappa.shape(0)})
    throw ShapeError("KernelRegression: the kernel at other inputs is " + to_string(shape_of(kappa)) +
                     " against the training set and " + to_string(shape_of(there)) + " there");
  detail::require_finite(there, "kernels among other inputs");
  Matrix<double> half = factor_.cross_components(kappa);
  double steepest = 0, top = 0;
  for (Index k = 0; k < factor_.size(); ++k) {
    const double inverse = factor_.inverse(k, ridge_);
    steepest = std::max(steepest, inverse);
    for (Index m = 0; m < half.shape(0); ++m) half(m, k) *= std::sqrt(inverse);
  }
  Matrix<double> covariance = there;
  const Matrix<double> explained = linalg::gram(linalg::view(half));
  for (Index k = 0; k < covariance.size(); ++k) covariance.data()[k] -= explained.data()[k];
  for (Index m = 0; m < there.shape(0); ++m) top = std::max(top, std::abs(there(m, m)));
  // As of any solve: rounding of the terms, times the condition.
  const double condition = std::max(1.0, steepest * report_.lambda_max);
  const double rounding = static_cast<double>(factor_.size()) * factor_.precision() * condition * 2 * top;
  return make_gaussian(mean(kappa), std::move(covariance), rounding);
}

}  // namespace ntape
