#include "drift_options.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <ntape/base/errors.hpp>

#include "data_options.hpp"
#include "rate_option.hpp"
#include "toml.hpp"

namespace ntape::tools {
namespace {

constexpr const char* kDataOptions[] = {"--data",     "--inputs",  "--targets",
                                        "--examples", "--classes", "--data-seed"};

void add_checked_data(CLI::App& app, DriftOptions& o) {
  add_data(app, o.source, o.data_seed);
  app.add_option("--data-checksum", o.data_checksum, "stop unless the data have it; saved configs ask for it")
      ->type_name("SUM");
  app.get_option("--data-checksum")->group("Data");
  add_test(app, o.test);
}

void add_model(CLI::App& app, DriftOptions& o) {
  auto* depth = add_depth(app, o.model);
  auto* width = app.add_option("--width", o.model.widths, "equal hidden widths; a list is a sweep")
                    ->transform(whole_number(1))
                    ->delimiter(',')
                    ->type_name("N,...")
                    ->capture_default_str()
                    ->group("Model");
  app.add_option("--hidden", o.model.hidden, "one explicit shape instead of --depth and --width")
      ->transform(whole_number(1))
      ->delimiter(',')
      ->type_name("N,M,...")
      ->group("Model")
      ->excludes(width)
      ->excludes(depth);
  add_layers(app, o.model);
  app.add_option("--outputs", o.outputs, "must agree with the targets; default: as they have")
      ->transform(whole_number(1))
      ->configurable(false)
      ->type_name("C")
      ->group("Model");
}

void add_training(CLI::App& app, DriftOptions& o) {
  app.add_option("--rate", o.rate,
                 "eta, or 1.5x: so many times the critical rate of the\n"
                 "limit kernel, also above 1; default: 0.25x")
      ->check(rate_number())
      ->type_name("X");
  app.add_option("--momentum", o.momentum, "m of the heavy ball, 0 <= m < 1")
      ->check(finite_number())
      ->type_name("M")
      ->capture_default_str();
  auto* steps = app.add_option("--steps", o.steps,
                               "of gradient descent; default: " + std::to_string(study::kDefaultSteps))
                    ->transform(whole_number())
                    ->type_name("N");
  app.add_option("--time", o.time, "rate x steps, instead of --steps")
      ->check(finite_number())
      ->type_name("X")
      ->excludes(steps);
  app.add_option("--track", o.track, "log:N, every:K or a list of steps: 0,10,100")
      ->type_name("WHEN")
      ->capture_default_str();
  app.add_flag("--force-rate", o.force_rate, "run a rate above the critical one anyway");
  app.add_flag("--certificate", o.certificate,
               "measure how far each step is from a step of its kernel:\n"
               "tracked ones, and the largest in between; every one with\n--track every:1");
  app.add_option("--seeds", o.seeds, "networks per width")
      ->transform(whole_number(1))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--seed", o.first_seed, "the first of them")
      ->transform(whole_number())
      ->type_name("S")
      ->capture_default_str();
  for (const char* name : {"--rate", "--momentum", "--steps", "--time", "--track", "--force-rate",
                           "--certificate", "--seeds", "--seed"})
    app.get_option(name)->group("Training");
}

template <class Value>
std::string toml_list(const std::vector<Value>& values) {
  std::string list;
  for (const Value value : values) list += (list.empty() ? "" : ", ") + std::to_string(value);
  return "[" + list + "]";
}

}  // namespace

void add_options(CLI::App& app, DriftOptions& o) {
  add_checked_data(app, o);
  add_model(app, o);
  add_training(app, o);
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  // What a saved config must not say: a run is reproduced elsewhere and shown differently.
  app.add_option("--out", o.out, "new directory; default: runs/<data>-<time>[-2, ...]")
      ->configurable(false)
      ->type_name("DIR")
      ->group("Output");
  app.add_flag("--save-outputs", o.save_outputs,
               "outputs.npz, too: the network, its linearization and infinite\n"
               "width side by side, at every tracked step")
      ->group("Output");
  app.add_flag("--save-kernels", o.save_kernels,
               "in kernels.npz, too: Theta_t on training and test inputs together,\n"
               "at every tracked step, of the first seed; of several outputs full")
      ->group("Output");
  app.set_config("--config", "", "a saved config.toml; the command line wins over it")
      ->type_name("FILE")
      ->group("Output");
  add_talk(app, o.talk);
  app.config_formatter(std::make_shared<TomlReader>(app));
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.footer(
      "examples:\n"
      "  ntape drift\n"
      "  ntape drift --width 64,128,256,512,1024,2048 --seeds 8 --out runs/paper\n"
      "  ntape drift --data fashion-mnist --classes 0,1 --examples 256 --precision f32\n"
      "  ntape drift --inputs X.npy --targets Y.npy --hidden 512,256 --time 100\n"
      "  ntape drift --data fashion-mnist --classes 0,1 --test-examples 256 --certificate\n"
      "  ntape drift --width 64,512 --test-examples 64 --save-outputs --out runs/beside\n"
      "  ntape drift --data circle --depth 2 --rate 1.5x --momentum 0.5\n"
      "  ntape drift --config runs/paper/config.toml --out runs/again");
}

void require_same_data(const DriftOptions& o, const std::vector<std::string>& given,
                       const data::Dataset<double>& data) {
  const std::string sum = data::checksum(data);
  if (o.data_checksum.empty() || o.data_checksum == sum) return;
  const auto is_given = [&](const char* name) {
    return std::find(given.begin(), given.end(), name) != given.end();
  };
  if (!is_given("--data-checksum") && std::any_of(std::begin(kDataOptions), std::end(kDataOptions), is_given))
    return;
  throw UserError("the data '" + data.name + "' have the checksum " + sum + ", and those with " +
                  o.data_checksum +
                  " are needed: they have changed since, or are made differently here; without " +
                  "data-checksum in the config any data will do");
}

study::DriftPlan make_plan(const DriftOptions& o, const data::Dataset<double>& data) {
  const Index inputs = data.x.shape(1), outputs = data.y.shape(1);
  if (o.outputs != 0 && o.outputs != outputs)
    throw UserError("--outputs is " + std::to_string(o.outputs) + ", but the targets of '" + data.name +
                    "' have " + std::to_string(outputs) + (outputs == 1 ? " column" : " columns"));
  study::DriftPlan plan;
  if (!o.model.hidden.empty()) {
    plan.architectures.push_back(explicit_architecture(o.model, inputs, outputs));
    plan.widths.push_back(*std::min_element(o.model.hidden.begin(), o.model.hidden.end()));
  } else {
    plan.widths = o.model.widths;
    if (o.model.depth == 1 && !o.width_given) plan.widths = {0};  // no hidden layer, so no width
    std::sort(plan.widths.begin(), plan.widths.end());
    const auto twice = std::adjacent_find(plan.widths.begin(), plan.widths.end());
    if (twice != plan.widths.end()) throw UserError("--width names " + std::to_string(*twice) + " twice");
    if (o.model.depth == 1 && plan.widths.size() > 1)
      throw UserError("--depth 1 has no hidden layer, and --width names " +
                      std::to_string(plan.widths.size()) + " of its widths");
    for (const Index width : plan.widths)
      plan.architectures.push_back(equal_architecture(o.model, inputs, width, outputs));
  }
  const Rate rate = rate_of(o.rate);
  plan.rate = rate.number;
  plan.rate_multiple = rate.multiple;
  plan.momentum = o.momentum;
  plan.certificate = o.certificate;
  plan.keep_outputs = o.save_outputs;
  plan.keep_kernels = o.save_kernels;
  plan.steps = o.steps;
  plan.time = o.time;
  plan.track = o.track;
  plan.seeds = o.seeds;
  plan.first_seed = o.first_seed;
  plan.precision = o.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  plan.force_rate = o.force_rate;
  return plan;
}

std::string saved_config(const DriftOptions& o, const data::Dataset<double>& data,
                         const study::DriftPlan& plan, const study::DriftResult& result) {
  std::string text = "# A run of ntape " NTAPE_VERSION "; again: ntape drift --config THIS_FILE\n";
  const auto add = [&](const char* option, const std::string& value) {
    text += std::string(option) + " = " + value + "\n";
  };
  const data::SourceOptions source = data::resolved(o.source, data);
  if (!source.spec.empty()) add("data", toml_string(source.spec));
  if (!source.inputs.empty()) {
    add("inputs", toml_string(source.inputs));
    add("targets", toml_string(source.targets));
  }
  add("examples", std::to_string(source.examples));
  if (!source.classes.empty()) add("classes", toml_list(source.classes));
  add("data-seed", std::to_string(o.data_seed));
  add("data-checksum", toml_string(data::checksum(data)));
  if (!o.test.inputs.empty()) {
    add("test-inputs", toml_string(std::filesystem::absolute(o.test.inputs).string()));
    if (!o.test.targets.empty())
      add("test-targets", toml_string(std::filesystem::absolute(o.test.targets).string()));
  } else if (o.test.examples > 0) {
    add("test-examples", std::to_string(o.test.examples));
  }
  if (plan.test.x.size() > 0) add("test-checksum", toml_string(data::checksum(plan.test)));
  if (!o.model.hidden.empty()) {
    add("hidden", toml_list(o.model.hidden));
  } else {
    add("depth", std::to_string(o.model.depth));
    if (plan.widths != std::vector<Index>{0}) add("width", toml_list(plan.widths));
  }
  add("activation", toml_string(o.model.activation));
  add("weight-scale", toml_number(o.model.weight_scale));
  add("bias-scale", toml_number(o.model.bias_scale));
  if (o.model.residual) add("residual", "true");
  if (o.model.layer_norm) add("layer-norm", "true");
  add("rate", toml_number(result.rate));
  add("steps", std::to_string(result.steps));
  add("track", toml_string(o.track));
  // A multiple of the critical rate is saved as the rate that it was.
  if (o.force_rate || result.rate >= result.critical_rate) add("force-rate", "true");
  add("momentum", toml_number(o.momentum));
  if (o.certificate) add("certificate", "true");
  if (o.save_outputs) add("save-outputs", "true");
  if (o.save_kernels) add("save-kernels", "true");
  add("seeds", std::to_string(o.seeds));
  add("seed", std::to_string(o.first_seed));
  add("precision", toml_string(o.machine.precision));
  return text;
}

}  // namespace ntape::tools
