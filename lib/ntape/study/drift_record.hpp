#pragma once

#include <ntape/run/run_directory.hpp>
#include <ntape/study/drift_study.hpp>
#include <string>

namespace ntape::study {

/// Everything of a drift study that goes into its run directory, except the figures: config.toml,
/// manifest.json, metrics.csv, layers.csv, summary.json, kernels.npz and, where the plan keeps outputs,
/// outputs.npz (see README, "Files").
/// metrics.csv and layers.csv hold no times of day: same config and seeds, same bytes.
/// Throws UserError when a byte cannot be written.
void write_drift_record(const run::RunDirectory& directory, const DriftPlan& plan,
                        const data::Dataset<double>& data, const DriftResult& result,
                        const std::string& config, double wall_seconds);

/// summary.json's text: rate, steps, data, the table by width, the fits, messages of stopped networks.
[[nodiscard]] std::string summary_json(const DriftPlan& plan, const data::Dataset<double>& data,
                                       const DriftResult& result);

/// The table a person reads: per width, means over seeds. Empty is what no network has.
struct WidthSummary {
  Index width = 0;
  Index started = 0;  ///< seeds with a row at step 0: the start is the mean over these
  Index seeds = 0;    ///< that were not stopped: the end is the mean over these
  std::optional<double> limit_distance, first_loss;  ///< at the start
  std::optional<double> kernel_change, last_loss;    ///< at the end
};
[[nodiscard]] std::vector<WidthSummary> summarize(const DriftPlan& plan, const DriftResult& result);

}  // namespace ntape::study
