#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/report/figure.hpp>
#include <ntape/run/progress.hpp>
#include <ntape/run/run_directory.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/drift_figures.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/drift_study.hpp>

#include "commands.hpp"
#include "options.hpp"

namespace ntape::tools {
namespace {

struct DriftOptions {
  data::SourceOptions source;
  std::uint64_t data_seed = 0;
  ModelOptions model;
  Index outputs = 0;  // 0: as the data have
  double rate = 0, time = 0;
  Index steps = 0;
  std::string track = "log:12";
  Index seeds = 4;
  std::uint64_t first_seed = 0;
  MachineOptions machine;
  std::string out;
  bool force_rate = false, quiet = false, json = false;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string default_directory(const std::string& name) {
  std::string safe;
  for (const char c : name) safe += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  return "runs/" + safe + "-" + stamp;
}

study::DriftPlan make_plan(const CLI::App& app, const DriftOptions& o, const data::Dataset<double>& data) {
  if (o.outputs != 0 && o.outputs != data.y.shape(1))
    throw UserError("--outputs is " + std::to_string(o.outputs) + ", but the targets of '" + data.name +
                    "' have " + std::to_string(data.y.shape(1)) + " columns");
  study::DriftPlan plan;
  const auto add = [&](std::vector<Index> widths, Index name) {
    plan.architectures.push_back({.widths = std::move(widths),
                                  .activation = o.model.activation,
                                  .weight_scale = o.model.weight_scale,
                                  .bias_scale = o.model.bias_scale});
    plan.widths.push_back(name);
  };
  const Index inputs = data.x.shape(1), outputs = data.y.shape(1);
  if (!o.model.hidden.empty()) {
    std::vector<Index> widths = o.model.hidden;
    widths.insert(widths.begin(), inputs);
    widths.push_back(outputs);
    add(std::move(widths), *std::min_element(o.model.hidden.begin(), o.model.hidden.end()));
  } else {
    std::vector<Index> sweep = o.model.widths;
    std::sort(sweep.begin(), sweep.end());
    if (const auto twice = std::adjacent_find(sweep.begin(), sweep.end()); twice != sweep.end())
      throw UserError("--width names " + std::to_string(*twice) + " twice");
    for (const Index width : sweep) add(equal_widths(inputs, width, outputs, o.model.depth), width);
  }
  if (app.count("--rate")) plan.rate = o.rate;
  if (app.count("--steps")) plan.steps = o.steps;
  if (app.count("--time")) plan.time = o.time;
  plan.track = o.track;
  plan.seeds = o.seeds;
  plan.first_seed = o.first_seed;
  plan.precision = o.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  plan.force_rate = o.force_rate;
  return plan;
}

void print_intro(const study::DriftPlan& plan, const data::Dataset<double>& data,
                 const study::DriftResult& r) {
  std::cout << data.description << ": " << data.x.shape(0) << " examples, " << data.x.shape(1) << " inputs, "
            << data.y.shape(1) << (data.y.shape(1) == 1 ? " output\n" : " outputs\n") << "depth "
            << plan.architectures.front().depth() << ", " << plan.architectures.front().activation << ", "
            << plan.widths.size() << (plan.widths.size() == 1 ? " width, " : " widths, ") << plan.seeds
            << (plan.seeds == 1 ? " seed\n" : " seeds\n") << "rate " << number(r.rate) << " = "
            << number(r.rate / r.critical_rate) << " x the critical rate " << number(r.critical_rate)
            << " of " << r.critical_source << "; " << r.steps << " steps, time "
            << number(r.rate * static_cast<double>(r.steps)) << std::endl;
  if (!r.limit) std::cout << "note: " << r.no_limit_reason << '\n';
}

std::string describe_fit(const char* what, const std::optional<ScalingFit>& fit) {
  std::string line = std::string(what) + " ~ width^";
  if (!fit) return std::string(what) + ": no exponent (needs two widths and a seed without divergence)\n";
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", fit->exponent);
  line += text;
  if (!fit->ci95) return line + "  (one seed: no confidence interval)\n";
  std::snprintf(text, sizeof text, "  (95%% interval +- %.3f, %zu seeds)\n", *fit->ci95, fit->seeds);
  return line + text;
}

void print_results(const study::DriftPlan& plan, const study::DriftResult& result) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : study::summarize(plan, result)) {
    const auto figure = [&](double v) { return row.seeds > 0 ? number(v) : std::string("diverged"); };
    rows.push_back({std::to_string(row.width), row.limit_distance ? number(*row.limit_distance) : "-",
                    figure(row.kernel_change), figure(row.first_loss), figure(row.last_loss)});
  }
  std::cout << '\n'
            << run::format_table({"width", "start vs limit", "drift at end", "loss at start", "loss at end"},
                                 rows)
            << "(means over seeds)\n\n"
            << describe_fit("drift at end", result.kernel_change_fit);
  if (result.limit) std::cout << describe_fit("start vs limit", result.limit_distance_fit);
  for (const auto& run : result.runs)
    if (run.diverged) std::cout << "note: " << run.message << '\n';
}

void write_figures(const run::RunDirectory& directory, const study::DriftPlan& plan,
                   const study::DriftResult& result) {
  try {
    for (const auto& figure : study::drift_figures(plan, result))
      report::write_svg(figure.figure, directory.file("figures/" + figure.name + ".svg"));
  } catch (const UserError& e) {
    // The numbers are worth keeping without their pictures.
    std::cerr << "ntape: no figures: " << e.what() << '\n';
  }
}

void add_options(CLI::App& app, DriftOptions& o) {
  app.add_option(
      "--data", o.source.spec,
      "circle, gaussian-product, sphere:D, fashion-mnist, idx:IMAGES,LABELS, FILE.npz or FILE.csv; "
      "default: x_1 x_2 on 128 standard normal points in the plane");
  app.add_option("--examples", o.source.examples, "examples to take; default: by data source")
      ->check(CLI::PositiveNumber);
  app.add_option("--classes", o.source.classes, "labels to keep; two become targets -1 and +1")
      ->delimiter(',');
  app.add_option("--inputs", o.source.inputs, "X.npy, instead of --data");
  app.add_option("--targets", o.source.targets, "Y.npy, with --inputs");
  app.add_option("--data-seed", o.data_seed, "of synthetic data")->capture_default_str();
  auto* depth = app.add_option("--depth", o.model.depth, "weight matrices L; L = 4 has three hidden layers");
  depth->capture_default_str();
  auto* width = app.add_option("--width", o.model.widths, "equal hidden widths; a list is a sweep");
  width->delimiter(',')->capture_default_str();
  app.add_option("--hidden", o.model.hidden, "one explicit shape instead, e.g. 512,256")
      ->delimiter(',')
      ->excludes(width)
      ->excludes(depth);
  add_scales(app, o.model);
  app.add_option("--outputs", o.outputs, "must agree with the targets; default: as they have");
  app.add_option("--rate", o.rate, "eta; default: a quarter of the critical rate of the limit kernel");
  auto* steps = app.add_option("--steps", o.steps, "gradient steps; default: 200");
  app.add_option("--time", o.time, "rate x steps, instead of --steps")->excludes(steps);
  app.add_option("--track", o.track, "log:N, every:K or steps 0,10,100")->capture_default_str();
  app.add_option("--seeds", o.seeds, "networks per width")->capture_default_str();
  app.add_option("--seed", o.first_seed, "the first seed")->capture_default_str();
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  app.add_flag("--force-rate", o.force_rate, "run a rate above the critical one anyway");
  // What a saved config must not say: a run is reproduced elsewhere and shown differently.
  app.add_option("--out", o.out, "new directory; default: runs/<data>-<time>")->configurable(false);
  app.add_flag("--quiet", o.quiet, "print nothing but errors")->configurable(false);
  app.add_flag("--json", o.json, "print the summary as JSON")->configurable(false);
  app.set_config("--config", "", "a saved config.toml; the command line wins over it");
  app.allow_config_extras(false);
  app.footer(
      "examples:\n"
      "  ntape drift\n"
      "  ntape drift --width 64,128,256,512,1024,2048 --seeds 8 --out runs/paper\n"
      "  ntape drift --data fashion-mnist --classes 0,1 --examples 256 --precision f32\n"
      "  ntape drift --config runs/paper/config.toml --out runs/again");
}

}  // namespace

int drift_command(const std::vector<std::string>& arguments) {
  DriftOptions o;
  CLI::App app("Train networks of several widths and track their kernels.", "ntape drift");
  add_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(o.machine);
  if (app.count("--width") && o.model.widths.empty()) throw UserError("--width was given no widths");
  o.source.seed = Seed{o.data_seed};

  const auto started = std::chrono::steady_clock::now();
  const data::Dataset<double> data = data::load(o.source);
  const study::DriftPlan plan = make_plan(app, o, data);
  run::RunDirectory directory(o.out.empty() ? default_directory(data.name) : o.out);
  const study::DriftResult prepared = study::prepare_drift(plan, data);
  const bool talk = !o.quiet && !o.json;
  if (talk) print_intro(plan, data, prepared);

  run::Progress progress("training", study::total_work(plan, prepared.steps), run::automatic_mode(!talk),
                         std::cerr);
  const study::DriftResult result =
      study::run_drift(plan, data, [&](std::uint64_t done) { progress.advance(done); });
  progress.finish();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  study::write_drift_record(directory, plan, data, result, app.config_to_str(true, false), wall.count());
  write_figures(directory, plan, result);
  directory.commit();

  if (o.json) {
    std::cout << study::summary_json(plan, data, result);
  } else if (talk) {
    print_results(plan, result);
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f", wall.count());
    std::cout << "\n" << seconds << " s; report in " << directory.final_path().string() << '\n';
  }
  return 0;
}

}  // namespace ntape::tools
