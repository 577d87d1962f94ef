#pragma once

#include <ntape/study/ensemble_study.hpp>

#include "options.hpp"
#include "test_options.hpp"

namespace ntape::tools {

/// What `ensemble` is told.
struct EnsembleOptions {
  data::SourceOptions source;
  std::uint64_t data_seed = 0;
  TestOptions test;
  ModelOptions model;
  Index networks = 100;
  std::uint64_t first_seed = 0;
  std::vector<Index> steps;
  std::vector<double> times;
  std::string rate;  ///< a number, or a multiple of the critical rate; empty: the default
  double momentum = 0;
  std::vector<double> quantiles = {.1, .5, .9};
  bool save_outputs = false;
  MachineOptions machine;
  std::string out;
  TalkOptions talk;
};

void add_ensemble_options(CLI::App& app, EnsembleOptions& o);

/// Throws UserError for what no data could mend.
void require_ensemble(const EnsembleOptions& o);

/// Reads data. Throws UserError.
[[nodiscard]] study::EnsembleStudyPlan ensemble_plan(const EnsembleOptions& o);

}  // namespace ntape::tools
