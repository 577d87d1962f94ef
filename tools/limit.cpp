#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/run/memory.hpp>

#include "commands.hpp"
#include "interrupt.hpp"
#include "options.hpp"

namespace ntape::tools {
namespace {

struct LimitOptions {
  std::string inputs, against, out;
  ModelOptions model;
  MachineOptions machine;
  TalkOptions talk;
};

void add_options(CLI::App& app, LimitOptions& o) {
  app.add_option("--inputs", o.inputs, "N1 x n_0")->required()->type_name("X.npy")->group("Data");
  app.add_option("--against", o.against, "N2 x n_0; default: the inputs themselves")
      ->type_name("Z.npy")
      ->group("Data");
  add_depth(app, o.model);
  add_scales(app, o.model);
  add_threads(app, o.machine);
  app.add_option("--out", o.out, "a new file: ntk and nngp, (N1, N2)")
      ->required()
      ->type_name("T.npz")
      ->group("Output");
  add_talk(app, o.talk);
  app.footer(
      "examples:\n"
      "  ntape limit --inputs X.npy --depth 4 --activation relu --bias-scale 0.1 --out T.npz\n"
      "  ntape limit --inputs X.npy --against Z.npy --activation erf --out T.npz");
}

void require_finite(const LimitKernels& limit) {
  for (const auto* k : {&limit.ntk, &limit.nngp})
    if (!std::all_of(k->values.begin(), k->values.end(), [](double v) { return std::isfinite(v); }))
      throw UserError(
          "the limit kernel overflowed to a value that is not finite; smaller inputs or scales are needed");
}

}  // namespace

int limit_command(const std::vector<std::string>& arguments) {
  LimitOptions o;
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
  run::require_memory(4 * sizeof(double) * n1 * n2, "kernels of " + std::to_string(x.shape(0)) + " inputs");
  const Architecture architecture = equal_architecture(o.model, x.shape(1), 1, 1);
  const LimitKernels limit = z ? limit_kernels(architecture, x, *z) : limit_kernels(architecture, x);
  require_finite(limit);
  {
    const SignalsHeld held;
    io::NpzWriter file(o.out);
    file.add("ntk", limit.ntk.values);
    file.add("nngp", limit.nngp.values);
    file.close();
  }
  const Shape shape = shape_of(limit.ntk.values);
  if (o.talk.json)
    std::cout << nlohmann::json{{"out", o.out}, {"shape", {shape.rows, shape.cols}}}.dump(2) << '\n';
  else if (!o.talk.quiet)
    std::cout << o.out << ": limit NTK and NNGP, " << to_string(shape) << '\n';
  return 0;
}

}  // namespace ntape::tools
