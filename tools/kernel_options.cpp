#include "kernel_options.hpp"

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/gram.hpp>

#include "weights.hpp"

namespace ntape::tools {
namespace {

void add_files(CLI::App& app, KernelCommandOptions& o, bool plan_only) {
  auto* inputs = app.add_option("--inputs", o.inputs, "N1 x n_0")->type_name("X.npy")->group("Data");
  auto* against = app.add_option("--against", o.against, "N2 x n_0; default: the inputs themselves")
                      ->type_name("Z.npy")
                      ->group("Data");
  if (!plan_only) {
    inputs->required();
    return;
  }
  const auto add = [&](const char* name, Index& value, const char* what) {
    return app.add_option(name, value, what)
        ->transform(whole_number(1))
        ->type_name("N")
        ->group("Data")
        ->excludes(inputs)
        ->excludes(against);
  };
  auto* examples = add("--examples", o.examples, "instead of --inputs: N1");
  add("--against-examples", o.more_examples, "instead of --against: N2")->needs(examples);
  add("--dimension", o.dimension, "with --examples: n_0")->needs(examples);
}

void add_network(CLI::App& app, KernelCommandOptions& o) {
  auto* weights = app.add_option("--weights", o.weights, "W0, b0, W1, ...: they give depth and widths")
                      ->type_name("W.npz")
                      ->group("Model");
  auto* depth = add_depth(app, o.model);
  auto* width = app.add_option("--width", o.model.widths, "of every hidden layer")
                    ->transform(whole_number(1))
                    ->expected(1)
                    ->type_name("N")
                    ->group("Model")
                    ->default_str("512");
  auto* hidden =
      app.add_option("--hidden", o.model.hidden, "one explicit shape instead of --depth and --width")
          ->transform(whole_number(1))
          ->delimiter(',')
          ->type_name("N,M,...")
          ->group("Model");
  auto* outputs = app.add_option("--outputs", o.outputs, "how many")
                      ->transform(whole_number(1))
                      ->type_name("C")
                      ->group("Model")
                      ->capture_default_str();
  auto* seed = app.add_option("--seed", o.seed, "of the initialization")
                   ->transform(whole_number())
                   ->type_name("S")
                   ->group("Model")
                   ->capture_default_str();
  hidden->excludes(width)->excludes(depth);
  for (auto* other : {width, hidden, outputs, seed, depth}) weights->excludes(other);
  add_layers(app, o.model);
  add_parametrization(app, o.model);
}

// Beyond what the plan counts, evaluations and a window of the whole kernel. One after the other there are
// the shares of all layers, with evaluations and copies of cotangents; their sum beside them and the NNGP,
// when of the evaluations only values are left; and, when all is written, what is written in the order of
// files, too.
double archive_bytes(const KernelCommandOptions& o, const KernelPlan& plan) {
  const PlanRequest& r = plan.request;
  const EvaluationCost& c = plan.cost;
  const auto number = [](Index n) { return static_cast<double>(n); };
  const double size = number(r.bytes_per_number), outputs = number(c.outputs);
  const double examples = number(r.n1 + (r.symmetric ? 0 : r.n2)), layers = number(c.layers.size());
  double kernel = size;
  for (const Index extent : file_shape(r.form, r.n1, r.n2, c.outputs)) kernel *= number(extent);
  const double nngp = size * number(r.n1) * number(r.n2);
  const double copies =
      r.form == KernelForm::full && c.outputs > 1 ? size * examples * outputs * c.copied : 0;
  const double values = size * examples * (number(c.inputs) + c.values);
  const KernelPlan::Bytes counted = plan.bytes();
  const double shares = counted.evaluations + copies + layers * kernel;
  const double sum = values + (layers + 1) * kernel + nngp;
  const double writing = (o.layer_shares ? 2 * layers + 2 : 2) * kernel + nngp;
  return std::max(0.0, std::max({shares, sum, writing}) - counted.evaluations - counted.windows);
}

}  // namespace

void add_kernel_options(CLI::App& app, KernelCommandOptions& o, bool plan_only) {
  add_files(app, o, plan_only);
  add_network(app, o);
  app.add_option("--kernel", o.form, "full, diagonal, or trace (averaged over outputs)")
      ->check(CLI::IsMember({"full", "diagonal", "trace"}).description(""))
      ->type_name("FORM")
      ->group("Output")
      ->capture_default_str();
  app.add_flag("--layer-shares", o.layer_shares, "also write ntk_layers, which sum to ntk")->group("Output");
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  add_memory(app, o.memory);
  if (!plan_only)
    app.add_flag("--explain", o.explain, "print the plan: blocks, bytes, flops by layer")->group("Output");
  auto* out = app.add_option("--out", o.out,
                             "a new file: ntk, nngp, outputs [, ntk_layers];\n"
                             "K.npy instead: the NTK alone, written as it is made,\n"
                             "however large; the same command continues it")
                  ->type_name("K.npz")
                  ->group("Output");
  if (!plan_only) out->required();
  app.add_option("--save-weights", o.save_weights, "a new file: the weights used")
      ->type_name("W.npz")
      ->group("Output");
  add_talk(app, o.talk);
}

KernelForm form_of(const KernelCommandOptions& o) {
  return o.form == "full"       ? KernelForm::full
         : o.form == "diagonal" ? KernelForm::diagonal
                                : KernelForm::trace;
}

bool streams(const KernelCommandOptions& o) {
  return o.out.ends_with(".npy");
}

void require_kernel_file(const KernelCommandOptions& o) {
  if (!streams(o) && !o.out.ends_with(".npz"))
    throw UserError("--out is '" + o.out +
                    "', and a name that ends in .npz, or in .npy for the NTK alone, is needed");
  if (streams(o) && o.layer_shares)
    throw UserError("--layer-shares needs an archive, --out K.npz; '" + o.out + "' takes the NTK alone");
}

Architecture architecture_of(const KernelCommandOptions& o, Index inputs, const std::vector<Index>& given) {
  if (given.empty())
    return o.model.hidden.empty() ? equal_architecture(o.model, inputs, o.model.widths.front(), o.outputs)
                                  : explicit_architecture(o.model, inputs, o.outputs);
  return architecture_of_weights(o.model, given);
}

KernelPlan plan_of(const KernelCommandOptions& o, const Architecture& architecture, Index n1, Index n2) {
  const EvaluationCost cost = evaluation_cost(architecture);
  const Index bytes = o.machine.precision == "f32" ? sizeof(float) : sizeof(double);
  PlanRequest request{n1, n2 > 0 ? n2 : n1, n2 == 0, form_of(o), bytes, budget_of(o.memory), program_bytes()};
  if (streams(o)) return plan_kernel(cost, request);
  const double budget = request.budget;
  request.budget = std::numeric_limits<double>::infinity();
  KernelPlan plan = plan_kernel(cost, request);
  plan.request.budget = budget;
  // All at once: one window.
  plan.window = (std::max(request.n1, request.n2) + kGramBlock - 1) / kGramBlock * kGramBlock;
  plan.request.held += archive_bytes(o, plan);
  if (plan.bytes().sum() > budget)
    throw UserError("kernels of this network on " + to_string(Shape{request.n1, request.n2}) +
                    " examples do not fit in " + in_bytes(budget) +
                    " of memory; the smallest budget that would do is " + budget_text(plan.bytes().sum()) +
                    ", or less with --out K.npy, which holds no kernel in memory");
  return plan;
}

std::vector<Index> file_shape(KernelForm form, Index n1, Index n2, Index outputs) {
  std::vector<Index> shape = {n1, n2};
  if (form != KernelForm::trace) shape.push_back(outputs);
  if (form == KernelForm::full) shape.push_back(outputs);
  return shape;
}

}  // namespace ntape::tools
