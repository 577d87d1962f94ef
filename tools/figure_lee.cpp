#include <cstdio>
#include <iostream>
#include <ntape/data/split.hpp>
#include <ntape/run/progress.hpp>
#include <ntape/study/figure_lee.hpp>

#include "figure_common.hpp"

namespace ntape::tools {
namespace {

struct LeeOptions {
  FigureOptions figure;
  data::SourceOptions source{.spec = "sphere:4", .examples = 64};
  Index test_examples = 64;
};

void add_lee_options(CLI::App& app, LeeOptions& o, study::FigureLeePlan& plan) {
  add_figure_options(app, o.figure, "widths 64 to 1024");
  app.add_option("--data", o.source.spec, "mnist, fashion-mnist, or as of ntape drift")
      ->type_name("SOURCE")
      ->capture_default_str();
  app.add_option("--examples", o.source.examples, "to train on")
      ->transform(whole_number(1))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--test-examples", o.test_examples, "the next M of the same source")
      ->transform(whole_number())
      ->type_name("M")
      ->capture_default_str();
  app.add_option("--activation", plan.activation, "smooth; a kink bends the exponents at early times")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--depth", plan.depth, "weight matrices")
      ->transform(whole_number(3))
      ->type_name("L")
      ->capture_default_str();
  app.add_option("--steps", plan.steps, "of gradient descent")
      ->transform(whole_number(1))
      ->type_name("N")
      ->capture_default_str();
  for (const char* name : {"--data", "--examples", "--test-examples", "--activation", "--depth", "--steps"})
    app.get_option(name)->group("Figure");
}

}  // namespace

int figure_lee_command(const std::vector<std::string>& arguments) {
  LeeOptions o;
  o.figure.machine.precision = "f64";  // see FigureLeePlan
  study::FigureLeePlan plan;
  Command app("Figure lee: how far training moves weights, kernel and outputs, against width.",
              "ntape figure lee");
  add_lee_options(app, o, plan);
  app.footer(
      "examples:\n"
      "  ntape figure lee --small\n"
      "  ntape figure lee --out runs/figure-lee\n"
      "  ntape figure lee --data fashion-mnist --activation tanh --width 64,256,1024");
  if (const auto code = parse(app, arguments)) return *code;
  plan.widths =
      chosen_widths(o.figure, o.figure.small ? std::vector<Index>{64, 128, 256, 512, 1024} : plan.widths);
  if (o.figure.seeds > 0) plan.seeds = o.figure.seeds;
  plan.first_seed = o.figure.first_seed;
  plan.precision = o.figure.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  data::Split split = o.test_examples > 0 ? data::load_split(o.source, o.test_examples)
                                          : data::Split{data::load(o.source), {}};
  plan.test = std::move(split.test);
  return make_figure(o.figure, "figure-lee", [&] {
    auto prepared = study::prepare_figure_lee(plan, split.train);
    if (o.figure.speaks()) {
      std::printf("%zu steps of %.4g, widths %zu to %zu, %zu seeds each\n", prepared.steps, prepared.rate,
                  plan.widths.front(), plan.widths.back(), plan.seeds);
      std::fflush(stdout);
    }
    run::Progress progress("training", study::total_work(plan, split.train, prepared),
                           run::automatic_mode(!o.figure.speaks()), std::cerr);
    const auto result = study::run_figure_lee(plan, split.train, std::move(prepared),
                                              [&](std::uint64_t done) { progress.advance(done); });
    progress.finish();
    return study::report_figure_lee(plan, split.train, result);
  });
}

}  // namespace ntape::tools
