#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/study/ensemble_statistics.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::study {
namespace {

Index networks_of(const EnsembleOutputs& ensemble) {
  const Index networks = ensemble.values.shape(1);
  if (networks < 2)
    throw UserError("statistics of an ensemble need at least two networks, given " +
                    std::to_string(networks));
  return networks;
}

// The sum over networks of (f - centre)^p at step t, for every output.
std::vector<double> power_sums(const EnsembleOutputs& e, Index t, const double* centre, int power) {
  std::vector<double> sums(e.values.shape(2));
  for (Index s = 0; s < e.values.shape(1); ++s)
    for (Index k = 0; k < sums.size(); ++k) {
      const double d = e.values(t, s, k) - (centre ? centre[k] : 0);
      const double square = d * d;
      sums[k] += power == 1 ? d : power == 2 ? square : square * square;
    }
  return sums;
}

// Linear between order statistics, of which 0 is the first and 1 the last.
double order_statistic(const std::vector<double>& sorted, double level) {
  const double at = level * static_cast<double>(sorted.size() - 1);
  const Index below = static_cast<Index>(at), above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

// [Q x T x M C]: get(sorted, level) of the networks at each step and output.
template <class Get>
Stack<double> of_sorted(const EnsembleOutputs& ensemble, std::span<const double> levels, const Get& get) {
  for (const double level : levels)
    if (!(level >= 0 && level <= 1))
      throw UserError("a quantile of level " + std::to_string(level) +
                      " was asked for; it must be in [0, 1]");
  const Index steps = ensemble.values.shape(0), count = ensemble.values.shape(1),
              size = ensemble.values.shape(2);
  Stack<double> result = make_stack<double>(levels.size(), steps, size);
  std::vector<double> sorted(count);
  for (Index t = 0; t < steps; ++t)
    for (Index k = 0; k < size; ++k) {
      for (Index s = 0; s < count; ++s) sorted[s] = ensemble.values(t, s, k);
      std::sort(sorted.begin(), sorted.end());
      for (Index q = 0; q < levels.size(); ++q) result(q, t, k) = get(sorted, levels[q]);
    }
  return result;
}

double score(double difference, double error) {
  if (error > 0) return difference / error;
  return difference == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), difference);
}

}  // namespace

EnsembleMoments moments(const EnsembleOutputs& ensemble) {
  EnsembleMoments m;
  m.networks = networks_of(ensemble);
  const Index steps = ensemble.values.shape(0), size = ensemble.values.shape(2);
  m.mean = m.mean_error = m.variance = m.variance_error = zeros<double>(steps, size);
  const double count = static_cast<double>(m.networks);
  for (Index t = 0; t < steps; ++t) {
    const auto sum = power_sums(ensemble, t, nullptr, 1);
    for (Index k = 0; k < size; ++k) m.mean(t, k) = sum[k] / count;
    const auto second = power_sums(ensemble, t, row(m.mean, t), 2);
    const auto fourth = power_sums(ensemble, t, row(m.mean, t), 4);
    for (Index k = 0; k < size; ++k) {
      const double variance = second[k] / (count - 1);
      m.variance(t, k) = variance;
      m.mean_error(t, k) = std::sqrt(variance / count);
      const double spread = fourth[k] / count - variance * variance * (count - 3) / (count - 1);
      // Not negative but for rounding: m_4 >= m_2^2.
      m.variance_error(t, k) = std::sqrt(std::max(spread, 0.0) / count);
    }
  }
  return m;
}

Stack<double> quantiles(const EnsembleOutputs& ensemble, std::span<const double> levels) {
  return of_sorted(ensemble, levels, &order_statistic);
}

Stack<double> quantile_errors(const EnsembleOutputs& ensemble, std::span<const double> levels) {
  const auto networks = static_cast<double>(networks_of(ensemble));
  return of_sorted(ensemble, levels, [&](const std::vector<double>& sorted, double level) {
    const double by = std::sqrt(level * (1 - level) / networks);
    if (by == 0 || level - by < 0 || level + by > 1) return std::numeric_limits<double>::quiet_NaN();
    return (order_statistic(sorted, level + by) - order_statistic(sorted, level - by)) / 2;
  });
}

ZScores z_scores(const EnsembleMoments& measured, const Matrix<double>& mean,
                 const Matrix<double>& variance) {
  if (shape_of(mean) != shape_of(measured.mean) || shape_of(variance) != shape_of(measured.mean))
    throw ShapeError("the theory's mean is " + to_string(shape_of(mean)) + " and its variance " +
                     to_string(shape_of(variance)) + "; the ensemble needs " +
                     to_string(shape_of(measured.mean)));
  ZScores z{make_matrix<double>(mean.shape(0), mean.shape(1)),
            make_matrix<double>(mean.shape(0), mean.shape(1))};
  const double count = static_cast<double>(measured.networks);
  for (Index t = 0; t < mean.shape(0); ++t)
    for (Index k = 0; k < mean.shape(1); ++k) {
      const double v = variance(t, k);
      if (!(v >= 0)) throw UserError("the theory's variance is " + std::to_string(v) + "; it cannot be");
      z.mean(t, k) = score(measured.mean(t, k) - mean(t, k), std::sqrt(v / count));
      z.variance(t, k) = score(measured.variance(t, k) - v, v * std::sqrt(2 / (count - 1)));
    }
  return z;
}

Matrix<double> covariance(const EnsembleOutputs& ensemble, Index t) {
  const Index count = networks_of(ensemble), size = ensemble.values.shape(2);
  Matrix<double> apart = make_matrix<double>(count, size);
  std::copy_n(slice(ensemble.values, t), apart.size(), apart.data());
  std::vector<double> mean = power_sums(ensemble, t, nullptr, 1);
  for (double& m : mean) m /= static_cast<double>(count);
  for (Index s = 0; s < count; ++s)
    for (Index k = 0; k < size; ++k) apart(s, k) -= mean[k];
  Matrix<double> result = make_matrix<double>(size, size);
  linalg::gemm(1 / static_cast<double>(count - 1), linalg::view(apart), linalg::Op::transposed,
               linalg::view(apart), linalg::Op::plain, 0.0, result.data(), size);
  return result;
}

}  // namespace ntape::study
