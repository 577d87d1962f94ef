#pragma once

#include <ntape/data/dataset.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/figure_report.hpp>

namespace ntape::study {

/// How the eigenvalues of Theta_0 / N decay on data, for networks of several widths and for the limit. They
/// are the rates at which training learns (Jacot et al. 2018, section 5), and on data they fall about as a
/// power of their rank.
struct FigureSpectrumPlan {
  std::vector<Index> widths = {64, 256, 1024, 4096};  ///< ascending
  Index depth = 4;                                    ///< 2 at least
  Index seeds = 8;
  std::uint64_t first_seed = 0;
  std::string activation = "relu";
  double bias_scale = 0.1;
  Index first_rank = 10;                ///< power laws are fitted over the ranks from here, counted from 1,
  std::optional<Index> last_rank = {};  ///< to here; default: a quarter of the examples
  /// In f32 small eigenvalues are rounding.
  Precision precision = Precision::f64;
};

/// Eigenvalues are of Theta / N, descending.
struct FigureSpectrumResult {
  Index examples = 0, inputs = 0;  ///< of the data
  std::vector<double> limit;       ///< [N]
  double limit_bound = 0;          ///< what each of these can be off by
  /// How many of the leading ranks are compared: those at which neither limit_bound nor rounding in the
  /// precision of the networks makes up a hundredth of the limit's eigenvalue.
  Index compared = 0;
  Index last_rank = 0;  ///< of the fits
  struct Network {
    Index width = 0;
    std::uint64_t seed = 0;
    std::vector<double> eigenvalues = {};  ///< [N]
  };
  std::vector<Network> networks;  ///< by width, then seed
};

/// Work in the units that ProgressSink counts.
[[nodiscard]] std::uint64_t total_work(const FigureSpectrumPlan& plan, const data::Dataset<double>& data);

/// Throws UserError for a plan or data that cannot be used: no widths or seeds, ranks that there are not, or
/// whose eigenvalues are not known; a kernel that overflows; too little memory. Cost: per network a kernel,
/// about 6 N P flops, and its eigenvalues, 4/3 N^3.
[[nodiscard]] FigureSpectrumResult run_figure_spectrum(const FigureSpectrumPlan& plan,
                                                       const data::Dataset<double>& data,
                                                       const ProgressSink& progress = {});

[[nodiscard]] FigureReport report_figure_spectrum(const FigureSpectrumPlan& plan,
                                                  const data::Dataset<double>& data,
                                                  const FigureSpectrumResult& result);

}  // namespace ntape::study
