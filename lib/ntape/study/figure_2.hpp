#pragma once

#include <ntape/study/ensemble.hpp>
#include <ntape/study/figure_report.hpp>

namespace ntape::study {

/// Figure 2 of Jacot et al. 2018: relu networks with beta = 0.1 trained on four points of the unit circle, as
/// functions of the angle, against the Gaussian limit. Beside the paper's few networks a width, many more
/// are trained for what few cannot show: mean and variance with error bars, as z-scores.
struct Figure2Plan {
  std::vector<Index> widths = {50, 1000};  ///< ascending
  Index depth = 4;
  Index shown = 10;       ///< networks in the picture: the first ones
  Index networks = 1000;  ///< at least as many
  std::uint64_t first_seed = 0;
  Index steps = 1000;
  double rate = 1;
  std::vector<double> points = {-2.2, -1, 1, 2.2};  ///< angles of the training points
  std::vector<double> targets = {-0.4, -0.2, 0.3, 0.3};
  Index angles = 121;                                      ///< from -pi to pi, odd
  std::vector<double> probes = {-2.8, -1.6, 0, 1.6, 2.8};  ///< where z-scores are taken
  Precision precision = Precision::f32;
};

/// The levels of the picture: P10, P50, P90.
inline constexpr double kLevels[] = {0.1, 0.5, 0.9};

struct Figure2Result {
  std::vector<double> angles;  ///< [M]; outputs are at these and at the probes after them, [M + P]
  /// The limit after so many steps: mean and standard deviation [M + P].
  std::vector<double> mean, deviation;
  std::vector<double> rates;                    ///< eigenvalues of Theta_inf / N, ascending
  std::vector<double> end_mean, end_deviation;  ///< at infinite time [M + P]
  std::vector<EnsembleOutputs> ensembles;       ///< one a width: [1 x S x (M + P)]
};

/// Work in the units that ProgressSink counts.
[[nodiscard]] std::uint64_t total_work(const Figure2Plan& plan);

/// Throws UserError for a plan that cannot be followed. Cost: per network, steps * 6 N P flops, N being 4:
/// what takes time is to read the weights.
[[nodiscard]] Figure2Result run_figure_2(const Figure2Plan& plan,
                                         const std::function<void(std::uint64_t)>& progress = {});

[[nodiscard]] FigureReport report_figure_2(const Figure2Plan& plan, const Figure2Result& result);

}  // namespace ntape::study
