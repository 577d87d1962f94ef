#include "options.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy.hpp>

namespace ntape::tools {

std::optional<int> parse(CLI::App& app, const std::vector<std::string>& arguments) {
  // CLI11 takes the words last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::Success& e) {
    return app.exit(e, std::cout, std::cerr);
  } catch (const CLI::ParseError& e) {
    throw UserError(std::string(e.what()) + " (see " + app.get_name() + " --help)");
  }
  return std::nullopt;
}

void add_depth(CLI::App& app, ModelOptions& model) {
  app.add_option("--depth", model.depth, "weight matrices L; L = 4 has three hidden layers")
      ->capture_default_str();
}

void add_scales(CLI::App& app, ModelOptions& model) {
  app.add_option("--activation", model.activation, "relu, erf, tanh or identity")->capture_default_str();
  app.add_option("--weight-scale", model.weight_scale, "sigma_w")->capture_default_str();
  app.add_option("--bias-scale", model.bias_scale, "beta")->capture_default_str();
}

void add_precision(CLI::App& app, MachineOptions& machine) {
  app.add_option("--precision", machine.precision, "f32 or f64")
      ->check(CLI::IsMember({"f32", "f64"}))
      ->capture_default_str();
}

void add_threads(CLI::App& app, MachineOptions& machine) {
  app.add_option("--threads", machine.threads, "0: all; results do not depend on it")->capture_default_str();
}

void apply_threads(const MachineOptions& machine) {
  if (machine.threads < 0)
    throw UserError("the number of threads is " + std::to_string(machine.threads) +
                    "; it must be 0 (all) or more");
  if (machine.threads > 0) omp_set_num_threads(machine.threads);
}

Matrix<double> read_inputs(const std::string& path) {
  const Matrix<double> x = io::to_matrix<double>(io::read_npy(path), path);
  if (x.shape(0) == 0 || x.shape(1) == 0)
    throw UserError(path + ": the inputs are " + to_string(shape_of(x)) +
                    "; at least one row and column are needed");
  for (Index i = 0; i < x.shape(0); ++i)
    for (Index j = 0; j < x.shape(1); ++j)
      if (!std::isfinite(x(i, j)))
        throw UserError(path + ": row " + std::to_string(i) + ", column " + std::to_string(j) +
                        " (counted from 0) is " + std::to_string(x(i, j)) + "; inputs must be finite");
  return x;
}

void require_new_file(const std::string& path) {
  if (std::filesystem::exists(path))
    throw UserError("'" + path + "' exists already; give a new file with --out");
}

}  // namespace ntape::tools
