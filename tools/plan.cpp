#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>

#include "commands.hpp"
#include "kernel_options.hpp"
#include "weights.hpp"

namespace ntape::tools {
namespace {

nlohmann::json facts_of(const KernelPlan& plan) {
  const KernelPlan::Bytes bytes = plan.bytes();
  nlohmann::json layers = nlohmann::json::array();
  for (Index l = 0; l < plan.cost.layers.size(); ++l) {
    const KernelPlan::Flops f = plan.flops(l);
    layers.push_back({{"forward", f.forward},
                      {"reverse", f.reverse},
                      {"input_grams", f.input_grams},
                      {"cotangent_grams", f.cotangent_grams}});
  }
  return {{"examples", {plan.request.n1, plan.request.n2}},
          {"symmetric", plan.request.symmetric},
          {"panel", plan.panel},
          {"block", plan.block},
          {"window", plan.window},
          {"evaluations", plan.evaluated()},
          {"budget", plan.request.budget},
          {"bytes",
           {{"program", bytes.held},
            {"parameters", bytes.parameters},
            {"inputs", bytes.inputs},
            {"evaluations", bytes.evaluations},
            {"windows", bytes.windows},
            {"peak", bytes.sum()}}},
          {"flops", layers}};
}

}  // namespace

int plan_command(const std::vector<std::string>& arguments) {
  KernelCommandOptions o;
  o.model.widths = {512};
  Command app("What `ntape kernel` would do with the same options, without doing it.", "ntape plan");
  add_kernel_options(app, o, true);
  app.footer(
      "examples:\n"
      "  ntape plan --inputs X.npy --width 1024 --precision f32 --memory 2GiB --out K.npy\n"
      "  ntape plan --examples 60000 --dimension 784 --width 10000 --precision f32 --memory 8GiB\n"
      "  ntape plan --examples 512 --dimension 784 --width 1024 --outputs 10 --out K.npz --json");
  if (const auto code = parse(app, arguments)) return *code;
  if (o.out.empty()) o.out = o.layer_shares ? "K.npz" : "K.npy";
  require_kernel_file(o);
  apply_threads(o.machine);
  require_activations(o.model.activation);
  if (o.inputs.empty() && (o.examples == 0 || o.dimension == 0))
    throw UserError("a plan needs --inputs, or --examples and --dimension");
  const Shape x = o.inputs.empty() ? Shape{o.examples, o.dimension} : inputs_shape(o.inputs);
  std::vector<Index> given;
  if (!o.weights.empty()) {
    given = weight_widths(o.weights);
    o.machine.precision == "f32" ? check_weights<float>(o.weights) : check_weights<double>(o.weights);
    const Index needed = given.front();
    if (o.inputs.empty() && x.cols != needed)
      throw UserError("--dimension is " + std::to_string(x.cols) + ", and the weights W0 of '" + o.weights +
                      "' need " + std::to_string(needed));
    require_columns(x, o.inputs, needed, "weights W0 of '" + o.weights + "'");
  }
  Index n2 = o.more_examples;
  if (!o.against.empty()) {
    const Shape z = inputs_shape(o.against);
    require_columns(z, o.against, x.cols, "inputs of '" + o.inputs + "'");
    n2 = z.rows;
  }
  const KernelPlan plan = plan_of(o, architecture_of(o, x.cols, given), x.rows, n2);
  if (o.talk.json)
    std::cout << facts_of(plan).dump(2) << '\n';
  else if (!o.talk.quiet)
    explain(plan, std::cout);
  return 0;
}

}  // namespace ntape::tools
