#include <algorithm>
#include <cmath>
#include <ntape/dynamics/gaussian.hpp>

namespace ntape {

Matrix<double> Gaussian::deviations() const {
  auto result = make_matrix<double>(mean.shape(0), mean.shape(1));
  const bool full = covariance.shape(0) == mean.size();
  for (Index m = 0; m < mean.shape(0); ++m)
    for (Index c = 0; c < mean.shape(1); ++c) {
      const Index at = full ? m * mean.shape(1) + c : m;
      const double variance = covariance(at, at);
      // A ternary: NaN comes through.
      result(m, c) = variance < 0 ? 0 : std::sqrt(variance);
    }
  return result;
}

Gaussian make_gaussian(Matrix<double> mean, Matrix<double> covariance, double rounding) {
  Gaussian g{std::move(mean), std::move(covariance), 0, rounding};
  Matrix<double>& k = g.covariance;
  for (Index i = 0; i < k.shape(0); ++i) {
    for (Index j = 0; j < i; ++j) k(i, j) = k(j, i) = (k(i, j) + k(j, i)) / 2;
    if (i == 0 || k(i, i) < g.least_variance || std::isnan(k(i, i))) g.least_variance = k(i, i);
  }
  return g;
}

}  // namespace ntape
