#pragma once

#include <ntape/study/ensemble_law.hpp>
#include <ntape/study/ensemble_statistics.hpp>
#include <optional>

namespace ntape::study {

/// An ensemble on the user's own data, beside the law of infinite width under the same descent.
struct EnsembleStudyPlan {
  EnsemblePlan ensemble;          ///< its rate is not read
  std::optional<double> rate;     ///< eta; or
  double rate_multiple = 0.25;    ///< so many critical rates of the limit kernel
  std::vector<double> times;      ///< rate x steps, each rounded to a step; in place of ensemble.steps
  std::vector<double> quantiles;  ///< levels in [0, 1]
  data::Dataset<double> data;     ///< N examples
  data::Dataset<double> test;     ///< M others; without rows none, without y no loss there
};

/// Networks and their law at one step, over the outputs on one set of inputs.
struct EnsembleComparison {
  /// 1/(2M) sum |f - y|^2: its mean over networks, that of their mean output, and what the law expects of a
  /// network. Not where there are no targets.
  std::optional<Measured> loss;
  std::optional<double> loss_of_mean, law_loss;
  /// Of outputs whose law is wider than rounding: `compared` many. The rest is not defined without any.
  Index compared = 0;
  Measured variance_ratio = kUnmeasured, coverage = kUnmeasured;  ///< see ensemble_law.hpp
  double z_mean = 0, z_variance = 0;                              ///< the largest |z|
  LargestScores by_chance = {};
};

struct EnsembleStudy {
  double rate = 0, critical_rate = 0;  ///< the latter of the limit kernel, with this momentum
  std::vector<Index> steps;            ///< [T]
  /// All [T x (N + M) C], training inputs first.
  EnsembleOutputs outputs;
  EnsembleMoments measured;
  Stack<double> quantiles, quantile_errors;  ///< [Q x T x (N + M) C]
  EnsembleLaw law;
  ZScores z;
  std::vector<EnsembleComparison> train, test;  ///< [T]; test is empty where there is none
};

/// The outputs whose law at a step is narrower than this part of what it was at the start, f64 and f32, are
/// as good as fixed by training, and are not compared.
[[nodiscard]] constexpr double narrowest(Precision precision) {
  return precision == Precision::f32 ? 1e-4 : 1e-10;
}

/// Throws UserError for plans as train_ensemble, for fewer than two networks, for rates at which the law
/// diverges and objectives other than the mean square, which have no Gaussian law. Cost: that of
/// train_ensemble and of ensemble_law. Same bits for any number of threads.
[[nodiscard]] EnsembleStudy run_ensemble_study(const EnsembleStudyPlan& plan,
                                               const std::function<void(std::uint64_t)>& progress = {});

}  // namespace ntape::study
