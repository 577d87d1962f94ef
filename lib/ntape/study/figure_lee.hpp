#pragma once

#include <ntape/data/dataset.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/figure_report.hpp>

namespace ntape::study {

/// The evidence of Lee et al. 2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient
/// Descent": how far training moves weights, kernel and outputs, against the width n.
///
/// What to expect in the NTK parametrization, at a fixed time and on fixed data, every input of a layer being
/// multiplied by 1/sqrt(fan-in):
/// - dC/dW^l = sigma_w/sqrt(n_l) 1/N sum_i delta_i^{l+1} alpha_i^l^T, with |alpha^l| ~ sqrt(n_l) and
///   |delta^{l+1}| = |df/dz^{l+1}| ~ 1: so ||W^l_t - W^l_0||_F ~ 1 in every layer.
/// - ||W^l_0||_F ~ sqrt(n_l n_{l+1}), which is sqrt(n) at the input and the output and n between: weights
///   move relatively as n^-1/2 there, and hidden ones as n^-1.
/// - The derivative of Theta along the gradient is a sum over units with 1/n left over (Dyer and Gur-Ari
///   2020; Huang and Yau 2020), and Theta ~ 1: the kernel moves as n^-1. Lee et al. prove n^-1/2.
/// - What such a kernel has moved is what the outputs are off from those of the linearized network: n^-1 too.
/// The activation is smooth, since with a kink about sqrt(n) units switch at each step, which adds a movement
/// that falls slower and shows at early times.
struct FigureLeePlan {
  std::vector<Index> widths = {64, 128, 256, 512, 1024, 2048, 4096};  ///< ascending, two at least
  Index depth = 4;                                                    ///< 3 at least: one hidden n x n matrix
  Index seeds = 8;
  std::uint64_t first_seed = 0;
  Index steps = 100;  ///< at kSafeFraction of the critical rate of Theta_inf, all widths alike
  std::string activation = "erf";
  /// With a small beta erf networks are almost odd, and learn the even x_1 x_2 slowly.
  double weight_scale = 1.5, bias_scale = 0.5;
  data::Dataset<double> test = {};  ///< inputs [M x n_0] off the training set; none when empty
  /// In f32 the last steps of wide networks are lost: what is added to a weight is below half its last digit.
  Precision precision = Precision::f64;
};

/// The rate, the steps and the limit kernel, before any training. Throws UserError for a plan or data that
/// cannot be used: fewer than two widths, no hidden n x n matrix, and as prepare_drift.
[[nodiscard]] DriftResult prepare_figure_lee(const FigureLeePlan& plan, const data::Dataset<double>& data);

/// Work in the units that ProgressSink counts.
[[nodiscard]] std::uint64_t total_work(const FigureLeePlan& plan, const data::Dataset<double>& data,
                                       const DriftResult& prepared);

/// Trains and tracks what prepare_figure_lee has prepared. Cost and memory: as run_drift.
[[nodiscard]] DriftResult run_figure_lee(const FigureLeePlan& plan, const data::Dataset<double>& data,
                                         DriftResult prepared, const ProgressSink& progress = {});

/// Fitted exponents, each against the expected one, of the networks that trained to the end. Throws UserError
/// when there is none.
[[nodiscard]] FigureReport report_figure_lee(const FigureLeePlan& plan, const data::Dataset<double>& data,
                                             const DriftResult& result);

}  // namespace ntape::study
