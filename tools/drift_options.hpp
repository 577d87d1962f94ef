#pragma once

#include <ntape/study/drift_study.hpp>

#include "options.hpp"
#include "test_options.hpp"

namespace ntape::tools {

struct DriftOptions {
  data::SourceOptions source;
  std::uint64_t data_seed = 0;
  std::string data_checksum;  ///< empty: any data will do
  ModelOptions model;
  bool width_given = false;  ///< or it is the default
  Index outputs = 0;         ///< 0: as the data have
  TestOptions test;
  std::string rate;  ///< a number, or one followed by x: so many critical rates; empty: the default
  std::optional<double> time;
  double momentum = 0;
  bool certificate = false, save_outputs = false, save_kernels = false;
  std::optional<Index> steps;
  std::string track = "log:12";
  Index seeds = 4;
  std::uint64_t first_seed = 0;
  bool force_rate = false;
  MachineOptions machine;
  std::string out;
  TalkOptions talk;
};

void add_options(CLI::App& app, DriftOptions& options);

/// Throws UserError when the data are not those of the checksum; but options on the command line (`given`)
/// that choose other data than a config does make its checksum void.
void require_same_data(const DriftOptions& options, const std::vector<std::string>& given,
                       const data::Dataset<double>& data);

/// Throws UserError when the options and the data do not fit. The plan has no test data yet.
[[nodiscard]] study::DriftPlan make_plan(const DriftOptions& options, const data::Dataset<double>& data);

/// The text of config.toml: every choice that the figures of the run depend on, defaults by their values (the
/// rate and the steps, too), so that it means the same to later versions.
[[nodiscard]] std::string saved_config(const DriftOptions& options, const data::Dataset<double>& data,
                                       const study::DriftPlan& plan, const study::DriftResult& result);

}  // namespace ntape::tools
