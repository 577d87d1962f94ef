#pragma once

#include <ntape/data/dataset.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/figure_report.hpp>

namespace ntape::study {

/// Figure 3 of Jacot et al. 2018: training along a kernel principal component. relu networks with beta = 0.1
/// have the goal f* = f_0 + 0.5 f^(2), f^(2) being the second component of Theta_inf / N on the data; of f_t
/// - f* are shown g_t, the part along f^(2), and h_t, the rest.
struct Figure3Plan {
  std::vector<Index> widths = {100, 1000, 10000};  ///< ascending
  Index depth = 5;
  Index seeds = 2;
  std::uint64_t first_seed = 0;
  double time = 4000;
  std::optional<double> rate = {};  ///< at most, of every network; default: stable_share of the critical one
  Index check_width = 1000;         ///< networks up to this width are trained once more, with half the rate
  std::vector<int> labels = {};     ///< of the examples, 0 to 9, for the scatter; empty: none
  Precision precision = Precision::f32;
};

inline constexpr double kComponent = 0.5;  ///< of f^(2) in the goal

/// What share of its critical rate 2 / lambda_max(Theta_0 / N) a network's rate is at most. The kernels of
/// narrow networks grow severalfold on the way, and their steps are cheap; wide ones hardly grow.
[[nodiscard]] double stable_share(Index width);

/// ||g_t|| and ||h_t|| in <f, g> = 1/N sum_n f(x_n) g(x_n), after every step.
struct Path {
  double rate = 0;
  std::vector<double> time, along, across;
};

struct Figure3Result {
  Index examples = 0, inputs = 0;   ///< of the data
  std::vector<double> eigenvalues;  ///< the largest of Theta_inf / N, descending [3]
  double limit_bound = 0;     ///< what Theta_inf / N can be off by, Frobenius norm: and so each eigenvalue
  Matrix<double> components;  ///< of norm 1, the largest entry positive [3 x N]
  struct Network {
    Index width = 0;
    std::uint64_t seed = 0;
    double start_lambda = 0, end_lambda = 0;  ///< lambda_max of Theta / N before and after training
    double rate = 0;                          ///< time / steps
    Index steps = 0;
    Path path;
    Path halved;           ///< the same with half the rate; empty where not asked for
    std::string diverged;  ///< one sentence; then the paths are incomplete
  };
  std::vector<Network> networks;  ///< by width, then seed
};

/// Components, and each network's first kernel and rate, before any training. Throws UserError for a plan or
/// data that cannot be used: fewer than 4 examples, too little memory.
[[nodiscard]] Figure3Result prepare_figure_3(const Figure3Plan& plan, const data::Dataset<double>& data);

/// Work in the units that ProgressSink counts, and in flops.
[[nodiscard]] std::uint64_t total_work(const Figure3Plan& plan, const Figure3Result& prepared);
[[nodiscard]] double total_flops(const Figure3Plan& plan, const Figure3Result& prepared);

/// Trains what prepare_figure_3 has prepared, the widest first. Cost: total_flops. Memory: one network when
/// it is large.
[[nodiscard]] Figure3Result run_figure_3(const Figure3Plan& plan, const data::Dataset<double>& data,
                                         Figure3Result prepared, const ProgressSink& progress = {});

/// Claims of the paper are judged at its own widths, those of its theory at any.
[[nodiscard]] FigureReport report_figure_3(const Figure3Plan& plan, const data::Dataset<double>& data,
                                           const Figure3Result& result);

}  // namespace ntape::study
