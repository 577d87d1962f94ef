#pragma once

#include <ntape/dynamics/moment.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data_options.hpp"
#include "options.hpp"

namespace ntape::tools {

/// What `predict` is told.
struct PredictOptions {
  data::SourceOptions source;
  std::uint64_t data_seed = 0;
  Index test = 0;
  std::string against, against_targets;

  std::string kernel = "limit", array, start_outputs, form = "full";
  ModelOptions model;
  std::uint64_t seed = 0;

  std::vector<std::string> times;
  std::vector<Index> steps;
  std::string rate;  ///< a number, or a multiple of the critical rate: "0.5x"; empty: the default
  double momentum = 0;
  std::string objective = "mean_square";
  double tolerance = 1e-8;
  Index solver_steps = 100000;

  bool ensemble = false, nngp = false, covariance = false, early_stopping = false;
  std::optional<double> ridge;
  Index components = 0;

  std::string out;
  MachineOptions machine;
  TalkOptions talk;

  [[nodiscard]] bool on_mean_square() const { return objective == "mean_square"; }
  [[nodiscard]] bool reads_kernel() const { return kernel != "limit" && kernel != "start"; }
};

void add_predict_options(CLI::App& app, PredictOptions& o);

/// Throws UserError for options that contradict each other or that nothing would come of. `app` knows which
/// were given.
void require_predictable(const CLI::App& app, const PredictOptions& o);

/// The times asked for, or the default ones; descent's come later, when its rate is known.
[[nodiscard]] std::vector<double> times_of(const PredictOptions& o);

/// How many times, or steps, are asked for.
[[nodiscard]] Index moments_of(const PredictOptions& o);

}  // namespace ntape::tools
