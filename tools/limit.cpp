#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/ops/activation.hpp>

#include "commands.hpp"
#include "options.hpp"

namespace ntape::tools {

int limit_command(const std::vector<std::string>& arguments) {
  std::string inputs, against, out;
  ModelOptions model;
  MachineOptions machine;
  bool quiet = false, json = false;
  CLI::App app("The infinite-width NTK and NNGP kernels.", "ntape limit");
  app.add_option("--inputs", inputs, "X.npy, N1 x n_0")->required();
  app.add_option("--against", against, "Z.npy, N2 x n_0; default: the inputs themselves");
  add_depth(app, model);
  add_scales(app, model);
  add_threads(app, machine);
  app.add_option("--out", out, "T.npz: ntk and nngp, (N1, N2)")->required();
  app.add_flag("--quiet", quiet, "print nothing");
  app.add_flag("--json", json, "print a JSON summary");
  app.footer(
      "example:\n  ntape limit --inputs X.npy --depth 4 --activation relu --bias-scale 0.1 --out T.npz");
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(machine);
  require_new_file(out);
  (void)activation_op<double>(model.activation);  // an unknown activation is refused with the known ones

  const Matrix<double> x = read_inputs(inputs);
  const Architecture architecture{.widths = equal_widths(x.shape(1), 1, 1, model.depth),
                                  .activation = model.activation,
                                  .weight_scale = model.weight_scale,
                                  .bias_scale = model.bias_scale};
  const LimitKernels limit =
      against.empty() ? limit_kernels(architecture, x) : limit_kernels(architecture, x, read_inputs(against));
  for (const auto* k : {&limit.ntk, &limit.nngp})
    if (!std::all_of(k->values.begin(), k->values.end(), [](double v) { return std::isfinite(v); }))
      throw UserError(
          "the limit kernel overflowed to a value that is not finite; use smaller inputs or scales");
  io::NpzWriter file(out);
  file.add("ntk", limit.ntk.values);
  file.add("nngp", limit.nngp.values);
  file.close();
  const std::vector<Index> shape = {limit.ntk.rows(), limit.ntk.cols()};
  if (json)
    std::cout << nlohmann::json{{"out", out}, {"shape", shape}}.dump(2) << '\n';
  else if (!quiet)
    std::cout << out << ": limit NTK and NNGP, " << to_string(Shape{shape[0], shape[1]}) << '\n';
  return 0;
}

}  // namespace ntape::tools
