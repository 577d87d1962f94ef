#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/run/table.hpp>

#include "commands.hpp"
#include "interrupt.hpp"
#include "options.hpp"

namespace ntape::tools {
namespace {

struct Options {
  std::string inputs, against, out;
  ModelOptions model;
  LimitOptions limit;
  MachineOptions machine;
  TalkOptions talk;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--inputs", o.inputs, "N1 x n_0")->required()->type_name("X.npy")->group("Data");
  app.add_option("--against", o.against, "N2 x n_0; default: the inputs themselves")
      ->type_name("Z.npy")
      ->group("Data");
  add_depth(app, o.model);
  add_scales(app, o.model);
  app.add_option("--tolerance", o.limit.tolerance,
                 "how good duals without a closed form must be, relative; at most 1e-4")
      ->check(finite_number())
      ->type_name("X")
      ->group("Model")
      ->capture_default_str();
  add_threads(app, o.machine);
  app.add_flag("--layers", o.limit.layers, "also write ntk_layers, (L, N1, N2), which sum to ntk")
      ->group("Output");
  app.add_option("--out", o.out, "a new file: ntk, nngp, and their bounds ntk_bound, nngp_bound")
      ->required()
      ->type_name("T.npz")
      ->group("Output");
  add_talk(app, o.talk);
  app.footer(
      "examples:\n"
      "  ntape limit --inputs X.npy --depth 4 --activation relu --bias-scale 0.1 --out T.npz\n"
      "  ntape limit --inputs X.npy --against Z.npy --activation tanh --tolerance 1e-8 --out T.npz\n"
      "  ntape limit --inputs X.npy --depth 20 --layers --out T.npz");
}

void require_finite(const LimitKernels& limit) {
  for (const auto* k : {&limit.ntk, &limit.nngp})
    if (!std::all_of(k->values.begin(), k->values.end(), [](double v) { return std::isfinite(v); }))
      throw UserError(
          "the limit kernel overflowed to a value that is not finite; smaller inputs or scales are needed");
}

// The largest bound of the NTK over its largest entry.
double relative_bound(const LimitKernels& limit) {
  double bound = 0, entry = 0;
  for (const double b : limit.ntk_bound) bound = std::max(bound, b);
  for (const double v : limit.ntk.values) entry = std::max(entry, std::abs(v));
  return entry > 0 ? bound / entry : 0;
}

void add_layers(io::NpzWriter& file, const std::vector<Matrix<double>>& layers) {
  std::vector<double> all;
  for (const Matrix<double>& m : layers) all.insert(all.end(), m.begin(), m.end());
  file.add<double>("ntk_layers", {layers.size(), layers.front().shape(0), layers.front().shape(1)}, all);
}

}  // namespace

int limit_command(const std::vector<std::string>& arguments) {
  Options o;
  Command app("The infinite-width NTK and NNGP kernels.", "ntape limit");
  add_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(o.machine);
  require_activation(o.model.activation);
  require_new_file(o.out, "--out");

  const Matrix<double> x = read_inputs(o.inputs);
  const std::optional<Matrix<double>> z =
      o.against.empty() ? std::nullopt : std::optional(read_inputs(o.against));
  const double n1 = static_cast<double>(x.shape(0)), n2 = z ? static_cast<double>(z->shape(0)) : n1;
  const double layers = o.limit.layers ? 2 * static_cast<double>(o.model.depth) : 0;
  run::require_memory((10 + layers) * sizeof(double) * n1 * n2,
                      "kernels of " + std::to_string(x.shape(0)) + " inputs");
  const Architecture architecture = equal_architecture(o.model, x.shape(1), 1, 1);
  const LimitKernels limit =
      z ? limit_kernels(architecture, x, *z, o.limit) : limit_kernels(architecture, x, o.limit);
  require_finite(limit);
  {
    const SignalsHeld held;
    io::NpzWriter file(o.out);
    file.add("ntk", limit.ntk.values);
    file.add("nngp", limit.nngp.values);
    file.add("ntk_bound", limit.ntk_bound);
    file.add("nngp_bound", limit.nngp_bound);
    if (o.limit.layers) add_layers(file, limit.layers);
    file.close();
  }
  const Shape shape = shape_of(limit.ntk.values);
  const double bound = relative_bound(limit);
  if (o.talk.json)
    std::cout << nlohmann::json{{"out", o.out}, {"shape", {shape.rows, shape.cols}}, {"bound", bound}}.dump(2)
              << '\n';
  else if (!o.talk.quiet)
    std::cout << o.out << ": limit NTK and NNGP, " << to_string(shape) << ", within "
              << run::significant(bound, 2) << " of the largest entry\n";
  return 0;
}

}  // namespace ntape::tools
