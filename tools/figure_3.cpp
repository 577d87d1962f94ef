#include <algorithm>
#include <cstdio>
#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/data/classes.hpp>
#include <ntape/run/progress.hpp>
#include <ntape/study/figure_3.hpp>

#include "figure_common.hpp"

namespace ntape::tools {
namespace {

// Of a centred one-hot code; targets of other kinds are no labels.
std::vector<int> labels_of(const Matrix<double>& y) {
  std::vector<int> labels;
  if (y.shape(1) > 10 || !data::is_centred_one_hot(y)) return labels;
  for (Index i = 0; i < y.shape(0); ++i) {
    const double* of = row(y, i);
    labels.push_back(static_cast<int>(std::max_element(of, of + y.shape(1)) - of));
  }
  return labels;
}

void print_plan(const study::Figure3Plan& plan, const study::Figure3Result& prepared) {
  std::printf("eigenvalues of Theta_inf / N: %.5g, %.5g, %.5g\n", prepared.eigenvalues[0],
              prepared.eigenvalues[1], prepared.eigenvalues[2]);
  for (const auto& n : prepared.networks)
    std::printf("n = %zu, seed %llu: %zu steps of %.4g\n", n.width, static_cast<unsigned long long>(n.seed),
                n.steps, n.rate);
  std::printf("%.3g TFLOP in all, with half the rate up to width %zu\n", 1e-12 * total_flops(plan, prepared),
              plan.check_width);
  std::fflush(stdout);
}

}  // namespace

int figure_3_command(const std::vector<std::string>& arguments) {
  FigureOptions o;
  study::Figure3Plan plan;
  data::SourceOptions source{.spec = "mnist"};
  double rate = 0;
  Command app("Figure 3: training along a kernel principal component.", "ntape figure 3");
  add_figure_options(app, o, "256 examples, time 2000, widths 100, 300 and 1000");
  app.add_option("--data", source.spec, "mnist, fashion-mnist, or as of ntape drift")
      ->type_name("SOURCE")
      ->capture_default_str();
  app.add_option("--examples", source.examples, "default: 512")->transform(whole_number(4))->type_name("N");
  app.add_option("--depth", plan.depth, "weight matrices; the paper does not say")
      ->transform(whole_number(2))
      ->type_name("L")
      ->capture_default_str();
  app.add_option("--time", plan.time, "rate x steps")
      ->check(finite_number())
      ->type_name("T")
      ->capture_default_str();
  app.add_option("--rate", rate,
                 "at most; default: a tenth of the critical rate,\n0.45 of it above width 1000")
      ->check(finite_number())
      ->type_name("X");
  app.add_option("--check-width", plan.check_width, "train up to this width with half the rate, too")
      ->transform(whole_number())
      ->type_name("N")
      ->capture_default_str();
  for (const char* name : {"--data", "--examples", "--depth", "--time", "--rate", "--check-width"})
    app.get_option(name)->group("Figure");
  app.footer(
      "examples:\n"
      "  ntape figure 3 --small\n"
      "  ntape figure 3 --out runs/figure-3\n"
      "  ntape figure 3 --data fashion-mnist --check-width 10000");
  if (const auto code = parse(app, arguments)) return *code;
  plan.widths = chosen_widths(o, o.small ? std::vector<Index>{100, 300, 1000} : plan.widths);
  if (o.seeds > 0) plan.seeds = o.seeds;
  if (app.count("--rate") > 0) plan.rate = rate;
  if (o.small && app.count("--time") == 0) plan.time = 2000;
  if (o.small && app.count("--check-width") == 0) plan.check_width = 300;
  if (source.examples == 0) source.examples = o.small ? 256 : 512;
  plan.first_seed = o.first_seed;
  plan.precision = o.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  const data::Dataset<double> data = data::load(source);
  plan.labels = labels_of(data.y);
  return make_figure(o, "figure-3", [&] {
    auto prepared = study::prepare_figure_3(plan, data);
    if (o.speaks()) print_plan(plan, prepared);
    run::Progress progress("training", study::total_work(plan, prepared), run::automatic_mode(!o.speaks()),
                           std::cerr);
    const auto result = study::run_figure_3(plan, data, std::move(prepared),
                                            [&](std::uint64_t done) { progress.advance(done); });
    progress.finish();
    return study::report_figure_3(plan, data, result);
  });
}

}  // namespace ntape::tools
