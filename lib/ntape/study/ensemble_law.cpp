#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/ensemble.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/study/ensemble_law.hpp>

namespace ntape::study {
namespace {

// Copies a mean [M x C] and the variances of M inputs into columns of step t, from input `first` on.
void put(EnsembleLaw& law, Index t, Index first, const Matrix<double>& mean,
         const std::vector<double>& variances) {
  const Index outputs = mean.shape(1);
  for (Index m = 0; m < mean.shape(0); ++m)
    for (Index c = 0; c < outputs; ++c) {
      law.mean(t, (first + m) * outputs + c) = mean(m, c);
      law.variance(t, (first + m) * outputs + c) = std::max(variances[m], 0.0);
    }
}

std::vector<double> diagonal_of(const Matrix<double>& m) {
  std::vector<double> d(m.shape(0));
  for (Index i = 0; i < d.size(); ++i) d[i] = m(i, i);
  return d;
}

void require_finite_limit(const Matrix<double>& kernel) {
  if (!std::all_of(kernel.begin(), kernel.end(), [](double v) { return std::isfinite(v); }))
    throw UserError("the limit kernel overflows: smaller inputs or scales are needed");
}

}  // namespace

EnsembleLaw ensemble_law(const Architecture& architecture, const data::Dataset<double>& data,
                         const Matrix<double>& others, const std::vector<Moment>& moments) {
  const Index n = data.x.shape(0), there = others.shape(0), outputs = data.y.shape(1);
  const LimitKernels train = limit_kernels(architecture, data.x);
  require_finite_limit(train.ntk.values);
  const EnsemblePrediction prediction(train.ntk.values, train.nngp.values, data.y);
  EnsembleLaw law;
  for (const double lambda : prediction.mean().eigenvalues())
    law.rates.push_back(lambda / static_cast<double>(n));
  law.mean = law.variance = zeros<double>(moments.size(), (n + there) * outputs);
  for (Index t = 0; t < moments.size(); ++t) {
    const Gaussian at = prediction.at(moments[t]);
    put(law, t, 0, at.mean, diagonal_of(at.covariance));
  }
  if (there == 0) return law;
  const LimitKernels cross = limit_kernels(architecture, others, data.x),
                     own = limit_kernels(architecture, others);
  require_finite_limit(cross.ntk.values);
  const EnsembleElsewhere elsewhere =
      prediction.elsewhere(cross.ntk.values, cross.nngp.values, own.nngp.values);
  for (Index t = 0; t < moments.size(); ++t)
    put(law, t, n, elsewhere.mean().at(moments[t]), elsewhere.variances(moments[t]));
  return law;
}

Measured coverage(const EnsembleOutputs& ensemble, const EnsembleLaw& law, Index t,
                  std::span<const Index> columns) {
  std::vector<double> shares;
  for (Index s = 0; s < ensemble.seeds.size(); ++s) {
    double inside = 0;
    for (const Index k : columns)
      inside +=
          std::abs(ensemble.values(t, s, k) - law.mean(t, k)) <= kP90 * std::sqrt(law.variance(t, k)) ? 1 : 0;
    shares.push_back(inside / static_cast<double>(columns.size()));
  }
  Measured share = mean_of(shares);
  if (share.error == 0) {
    const double count = static_cast<double>(shares.size()) + 4, p = (share.value * (count - 4) + 2) / count;
    share.error = std::sqrt(p * (1 - p) / count);
  }
  return share;
}

Measured variance_ratio(const EnsembleOutputs& ensemble, const EnsembleLaw& law, Index t,
                        std::span<const Index> columns) {
  const Index networks = ensemble.seeds.size();
  if (networks < 4) return kUnmeasured;
  const double count = static_cast<double>(networks);
  double limit = 0, all = 0;
  std::vector<double> without(networks);  // summed variances without one of the networks
  for (const Index k : columns) {
    limit += law.variance(t, k);
    double mean = 0, squares = 0;
    for (Index s = 0; s < networks; ++s) mean += ensemble.values(t, s, k) / count;
    for (Index s = 0; s < networks; ++s) squares += std::pow(ensemble.values(t, s, k) - mean, 2);
    all += squares / (count - 1);
    // Leaving out one that is d from the mean takes d^2 n / (n - 1) from the sum of squares.
    for (Index s = 0; s < networks; ++s)
      without[s] +=
          (squares - std::pow(ensemble.values(t, s, k) - mean, 2) * count / (count - 1)) / (count - 2);
  }
  return jackknife(networks, [&](Index k) { return (k < networks ? without[k] : all) / limit; });
}

LargestScores largest_by_chance(Index networks, Index scores) {
  if (networks < 2 || scores == 0) throw InternalError("the largest of no scores");
  const double tail = 0.05 / (2 * static_cast<double>(scores)), freedom = static_cast<double>(networks - 1);
  const boost::math::normal normal;
  const boost::math::chi_squared squares(freedom);
  const auto score = [&](double chi) { return std::abs(chi / freedom - 1) / std::sqrt(2 / freedom); };
  return {quantile(complement(normal, tail)),
          std::max(score(quantile(complement(squares, tail))), score(quantile(squares, tail)))};
}

}  // namespace ntape::study
