#include "ensemble_options.hpp"

#include <algorithm>
#include <ntape/base/errors.hpp>

#include "data_options.hpp"
#include "rate_option.hpp"

namespace ntape::tools {
namespace {

void add_network(CLI::App& app, EnsembleOptions& o) {
  auto* depth = add_depth(app, o.model);
  auto* width = app.add_option("--width", o.model.widths, "of every hidden layer")
                    ->transform(whole_number(1))
                    ->expected(1)
                    ->type_name("N")
                    ->group("Model")
                    ->default_str("256");
  app.add_option("--hidden", o.model.hidden, "one explicit shape instead of --depth and --width")
      ->transform(whole_number(1))
      ->delimiter(',')
      ->type_name("N,M,...")
      ->group("Model")
      ->excludes(width)
      ->excludes(depth);
  add_layers(app, o.model);
}

void add_training(CLI::App& app, EnsembleOptions& o) {
  app.add_option("--networks", o.networks, "how many, from one seed each")
      ->transform(whole_number(2))
      ->type_name("S")
      ->capture_default_str();
  app.add_option("--seed", o.first_seed, "the first of them")
      ->transform(whole_number())
      ->type_name("S")
      ->capture_default_str();
  auto* steps =
      app.add_option("--steps", o.steps, "of gradient descent, when to look; default: 0,10,100,1000")
          ->transform(whole_number())
          ->delimiter(',')
          ->type_name("K,...");
  app.add_option("--times", o.times, "instead: rate x steps, each rounded to a step")
      ->check(finite_number())
      ->delimiter(',')
      ->type_name("T,...")
      ->excludes(steps);
  app.add_option("--rate", o.rate,
                 "eta, or 0.5x: a multiple of the critical rate of the limit\nkernel; default: 0.25x")
      ->check(rate_number())
      ->type_name("X");
  app.add_option("--momentum", o.momentum, "m of the heavy ball, 0 <= m < 1")
      ->check(finite_number())
      ->type_name("M")
      ->capture_default_str();
  for (const char* name : {"--networks", "--seed", "--steps", "--times", "--rate", "--momentum"})
    app.get_option(name)->group("Training");
}

}  // namespace

void add_ensemble_options(CLI::App& app, EnsembleOptions& o) {
  add_data(app, o.source, o.data_seed);
  add_test(app, o.test);
  app.get_option("--test-inputs")->description("M x n_0: look at outputs there, too");
  add_network(app, o);
  add_training(app, o);
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  app.add_option("--quantiles", o.quantiles, "levels of those in --out")
      ->check(finite_number())
      ->delimiter(',')
      ->type_name("P,...")
      ->group("Output")
      ->default_str("0.1,0.5,0.9");
  app.add_flag("--save-outputs", o.save_outputs, "in --out, too: the outputs of every network")
      ->group("Output");
  app.add_option("--out", o.out, "a new file: moments, quantiles and the law, see README")
      ->type_name("E.npz")
      ->group("Output");
  add_talk(app, o.talk);
  app.footer(
      "examples:\n"
      "  ntape ensemble --test-examples 32\n"
      "  ntape ensemble --data fashion-mnist --classes 0,1 --examples 64 --networks 400 --precision f32\n"
      "  ntape ensemble --inputs X.npy --targets Y.npy --test-inputs Z.npy --times 0,10,100 --out E.npz");
}

void require_ensemble(const EnsembleOptions& o) {
  require_activations(o.model.activation);
  if (!(o.momentum >= 0 && o.momentum < 1))
    throw UserError("the momentum is " + std::to_string(o.momentum) +
                    "; it must be at least 0 and less than 1");
  for (const double level : o.quantiles)
    if (!(level >= 0 && level <= 1))
      throw UserError("--quantiles has " + std::to_string(level) + ", and levels from 0 to 1 are needed");
  for (const double t : o.times)
    if (!(t >= 0)) throw UserError("--times has " + std::to_string(t) + ", and times from 0 on are needed");
  if (o.out.empty() && o.save_outputs)
    throw UserError("--save-outputs has no effect here: outputs are written to --out, and it is not given");
  if (o.out.empty()) return;
  if (!o.out.ends_with(".npz"))
    throw UserError("--out is '" + o.out + "', and a name that ends in .npz is needed: it will hold arrays");
  require_new_file(o.out, "--out");
}

study::EnsembleStudyPlan ensemble_plan(const EnsembleOptions& o) {
  data::SourceOptions source = o.source;
  source.seed = Seed{o.data_seed};
  data::Split loaded = load_with_test(source, o.test);
  study::EnsembleStudyPlan plan;
  plan.data = std::move(loaded.train);
  plan.test = std::move(loaded.test);
  const Index inputs = plan.data.x.shape(1), outputs = plan.data.y.shape(1);
  plan.ensemble.architecture = o.model.hidden.empty()
                                   ? equal_architecture(o.model, inputs, o.model.widths.front(), outputs)
                                   : explicit_architecture(o.model, inputs, outputs);
  plan.ensemble.networks = o.networks;
  plan.ensemble.first_seed = o.first_seed;
  plan.ensemble.descent.momentum = o.momentum;
  plan.ensemble.steps = o.steps.empty() ? std::vector<Index>{0, 10, 100, 1000} : o.steps;
  std::sort(plan.ensemble.steps.begin(), plan.ensemble.steps.end());
  plan.ensemble.steps.erase(std::unique(plan.ensemble.steps.begin(), plan.ensemble.steps.end()),
                            plan.ensemble.steps.end());
  plan.ensemble.precision = o.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  plan.times = o.times;
  const Rate rate = rate_of(o.rate);
  plan.rate = rate.number;
  plan.rate_multiple = rate.multiple.value_or(plan.rate_multiple);
  plan.quantiles = o.quantiles;
  return plan;
}

}  // namespace ntape::tools
