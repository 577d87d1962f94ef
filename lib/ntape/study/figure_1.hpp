#pragma once

#include <ntape/study/drift_study.hpp>
#include <ntape/study/figure_report.hpp>

namespace ntape::study {

/// Figure 1 of Jacot et al. 2018: the kernel on the circle, g -> Theta((1,0), (cos g, sin g)), of relu
/// networks with beta = 0.1 at the start and after training on f*(x) = x_1 x_2 with N(0,1) inputs of the
/// plane.
struct Figure1Plan {
  std::vector<Index> widths = {500, 10000};  ///< ascending
  Index depth = 4;
  Index seeds = 10;
  std::uint64_t first_seed = 0;
  Index steps = 200;
  double rate = 1;               ///< the paper's; of networks of `full_rate_width` and wider
  Index full_rate_width = 2000;  ///< see halvings()
  Index examples = 128;
  std::uint64_t data_seed = 0;
  /// From -pi to pi; odd, so that 0 is one. Kernels of finite relu networks have steps, which should look
  /// like steps: neighbours are less than a line's width apart.
  Index angles = 241;
  Index check_width = 500;  ///< networks up to this width are trained again, with half of what they took
  Precision precision = Precision::f32;
};

/// How often the rate is halved, and the number of steps doubled, for networks of this width: until width *
/// 2^halvings reaches `full_rate_width`. What a step of finite length does to the kernel falls as 1/n, so
/// that narrow networks need shorter ones for the same accuracy.
[[nodiscard]] int halvings(const Figure1Plan& plan, Index width);
[[nodiscard]] double rate_of(const Figure1Plan& plan, Index width);

/// Kernels of the networks that trained to the end.
struct Figure1Result {
  std::vector<double> angles;  ///< [M]
  std::vector<double> limit;   ///< Theta_inf [M]
  struct Network {
    Index width = 0;
    std::uint64_t seed = 0;
    std::vector<double> start = {}, end = {};  ///< Theta at t = 0 and at the last step [M]
    std::vector<double> halved = {};           ///< as `end`, with half its rate; empty where not asked for
    std::vector<double> coarse = {};  ///< as `end`, with the plan's rate; empty where that is what `end` has
    double start_lambda = 0, end_lambda = 0;  ///< lambda_max of Theta / N on the training set
    std::string diverged = {};                ///< one sentence; then `end` is empty
  };
  std::vector<Network> networks;  ///< by width, then seed
};

/// Work in the units that ProgressSink counts.
[[nodiscard]] std::uint64_t total_work(const Figure1Plan& plan);

/// Throws UserError for a plan that cannot be followed: no widths or seeds, an even number of angles, too
/// little memory. Cost: per network, steps * 2^halvings * 6 N P flops. Memory: one network when it is large.
[[nodiscard]] Figure1Result run_figure_1(const Figure1Plan& plan, const ProgressSink& progress = {});

/// Claims of the paper are judged at its own widths, 500 and 10000; those of its theory at any.
[[nodiscard]] FigureReport report_figure_1(const Figure1Plan& plan, const Figure1Result& result);

}  // namespace ntape::study
