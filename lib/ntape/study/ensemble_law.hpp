#pragma once

#include <ntape/dynamics/moment.hpp>
#include <ntape/study/ensemble.hpp>
#include <ntape/study/verdict.hpp>
#include <span>
#include <vector>

namespace ntape::study {

/// P90 of a normal distribution is so many deviations above its mean.
inline constexpr double kP90 = 1.2815515655446004;

/// The Gaussian that outputs of infinitely wide networks are, over initializations.
struct EnsembleLaw {
  Matrix<double> mean, variance;  ///< [T x M C], columns as those of EnsembleOutputs::values
  std::vector<double> rates;      ///< eigenvalues of Theta_inf / N, ascending
};

/// Under training on the mean square until each of T moments (see EnsemblePrediction; Lee et al. 2019,
/// equations 14 and 15): on the N training inputs and, as rows after them, at M others [M x n_0], M may be 0.
/// Outputs are independent and alike but for their means. Variances that are zero but for rounding are zero.
/// Throws UserError as limit_kernels and KernelFactor, and when the limit overflows. Cost: an
/// eigendecomposition, 9 N^3 flops, and (4 N^3 + 2 M N^2) T.
[[nodiscard]] EnsembleLaw ensemble_law(const Architecture& architecture, const data::Dataset<double>& data,
                                       const Matrix<double>& others, const std::vector<Moment>& moments);

/// The share of `columns` in which a network lies between P10 and P90 of the law at step t, averaged over
/// networks: 0.8 by the law. Its error is over networks, which are independent; where all came out alike it
/// is that of a share with two more of either kind (Agresti and Coull 1998).
[[nodiscard]] Measured coverage(const EnsembleOutputs& ensemble, const EnsembleLaw& law, Index t,
                                std::span<const Index> columns);

/// The variance over networks over that of the law, both summed over `columns`, by the jackknife.
/// kUnmeasured for less than four networks.
[[nodiscard]] Measured variance_ratio(const EnsembleOutputs& ensemble, const EnsembleLaw& law, Index t,
                                      std::span<const Index> columns);

/// |z| of means and of variances, the largest of `scores` of either, that 5% of ensembles of so many networks
/// exceed under the law, at most (Bonferroni): by the normal and by the chi-square distribution. Fewer do
/// where scores go together.
struct LargestScores {
  double mean, variance;
};
[[nodiscard]] LargestScores largest_by_chance(Index networks, Index scores);

}  // namespace ntape::study
