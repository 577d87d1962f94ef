#pragma once

#include <CLI/CLI.hpp>
#include <ntape/data/source.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/model/architecture.hpp>
#include <optional>
#include <string>
#include <vector>

/// What several commands share: option groups, and how CLI11's outcomes become ours.
namespace ntape::tools {

/// Parses; returns an exit code when there is nothing more to do (help was asked for and printed).
/// Throws UserError for anything CLI11 refuses.
[[nodiscard]] std::optional<int> parse(CLI::App& app, const std::vector<std::string>& arguments);

struct ModelOptions {
  Index depth = 4;
  std::vector<Index> widths = {64, 128, 256, 512};
  std::vector<Index> hidden;
  std::string activation = "relu";
  double weight_scale = 1.0;
  double bias_scale = 0.1;
};
void add_depth(CLI::App& app, ModelOptions& model);
void add_scales(CLI::App& app, ModelOptions& model);

struct MachineOptions {
  std::string precision = "f64";
  int threads = 0;  ///< 0: as many as OpenMP would use
};
void add_precision(CLI::App& app, MachineOptions& machine);
void add_threads(CLI::App& app, MachineOptions& machine);
/// Throws UserError for a negative number.
void apply_threads(const MachineOptions& machine);

/// A rank-2 .npy file of finite numbers with at least one row. Throws UserError.
[[nodiscard]] Matrix<double> read_inputs(const std::string& path);

/// Throws UserError when `path` exists already: nothing is overwritten.
void require_new_file(const std::string& path);

}  // namespace ntape::tools
