#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/data/source.hpp>
#include <ntape/run/progress.hpp>
#include <ntape/study/figure_spectrum.hpp>

#include "figure_common.hpp"

namespace ntape::tools {
namespace {

struct SpectrumFigureOptions {
  FigureOptions figure;
  data::SourceOptions source{.spec = "fashion-mnist"};
  std::vector<Index> ranks;
};

void add_spectrum_options(CLI::App& app, SpectrumFigureOptions& o, study::FigureSpectrumPlan& plan) {
  add_figure_options(app, o.figure, "256 examples, widths 64, 256 and 1024");
  app.add_option("--data", o.source.spec, "mnist, fashion-mnist, or as of ntape drift")
      ->type_name("SOURCE")
      ->capture_default_str();
  app.add_option("--examples", o.source.examples, "default: 1000")
      ->transform(whole_number(3))
      ->type_name("N");
  app.add_option("--ranks", o.ranks, "of the fits, from 1; default: 10 to a quarter of the examples")
      ->transform(whole_number(1))
      ->delimiter(',')
      ->type_name("FROM,TO");
  app.add_option("--activation", plan.activation)->type_name("NAME")->capture_default_str();
  app.add_option("--depth", plan.depth, "weight matrices")
      ->transform(whole_number(2))
      ->type_name("L")
      ->capture_default_str();
  for (const char* name : {"--data", "--examples", "--ranks", "--activation", "--depth"})
    app.get_option(name)->group("Figure");
}

}  // namespace

int figure_spectrum_command(const std::vector<std::string>& arguments) {
  SpectrumFigureOptions o;
  o.figure.machine.precision = "f64";  // see FigureSpectrumPlan
  study::FigureSpectrumPlan plan;
  Command app("Figure spectrum: eigenvalues of the kernel on data, and of its limit.",
              "ntape figure spectrum");
  add_spectrum_options(app, o, plan);
  app.footer(
      "examples:\n"
      "  ntape figure spectrum --small\n"
      "  ntape figure spectrum --out runs/figure-spectrum\n"
      "  ntape figure spectrum --data sphere:8 --examples 500 --ranks 10,100");
  if (const auto code = parse(app, arguments)) return *code;
  const bool small = o.figure.small;
  plan.widths = chosen_widths(o.figure, small ? std::vector<Index>{64, 256, 1024} : plan.widths);
  if (o.figure.seeds > 0) plan.seeds = o.figure.seeds;
  if (o.source.examples == 0) o.source.examples = small ? 256 : 1000;
  if (!o.ranks.empty()) {
    if (o.ranks.size() != 2)
      throw UserError("--ranks needs two ranks, the first and the last: --ranks 10,100");
    plan.first_rank = o.ranks[0];
    plan.last_rank = o.ranks[1];
  }
  plan.first_seed = o.figure.first_seed;
  plan.precision = o.figure.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  const data::Dataset<double> data = data::load(o.source);
  return make_figure(o.figure, "figure-spectrum", [&] {
    run::Progress progress("kernels", study::total_work(plan, data), run::automatic_mode(!o.figure.speaks()),
                           std::cerr);
    const auto result =
        study::run_figure_spectrum(plan, data, [&](std::uint64_t done) { progress.advance(done); });
    progress.finish();
    return study::report_figure_spectrum(plan, data, result);
  });
}

}  // namespace ntape::tools
