#include <iostream>
#include <ntape/run/progress.hpp>
#include <ntape/study/figure_1.hpp>

#include "figure_common.hpp"

namespace ntape::tools {

int figure_1_command(const std::vector<std::string>& arguments) {
  FigureOptions o;
  study::Figure1Plan plan;
  Command app("Figure 1: the kernel on the circle at the start and after training.", "ntape figure 1");
  add_figure_options(app, o, "widths 500 and 2000, 6 seeds");
  auto* depth = app.add_option("--depth", plan.depth, "weight matrices")->transform(whole_number(2));
  auto* steps =
      app.add_option("--steps", plan.steps,
                     "of rate 1; networks narrower than 2000\ntake more and shorter ones to the same time")
          ->transform(whole_number(1));
  auto* examples = app.add_option("--examples", plan.examples, "to train on; the paper does not say")
                       ->transform(whole_number(1));
  auto* angles =
      app.add_option("--angles", plan.angles, "on the circle, an odd number")->transform(whole_number(3));
  auto* data_seed = app.add_option("--data-seed", plan.data_seed, "of the inputs")->transform(whole_number());
  auto* check =
      app.add_option("--check-width", plan.check_width, "train up to this width with half of its rate, too")
          ->transform(whole_number());
  for (auto* option : {depth, steps, examples, angles, data_seed, check})
    option->type_name("N")->capture_default_str()->group("Figure");
  app.footer(
      "examples:\n"
      "  ntape figure 1 --small\n"
      "  ntape figure 1 --out runs/figure-1\n"
      "  ntape figure 1 --width 100,1000 --seeds 20");
  if (const auto code = parse(app, arguments)) return *code;
  plan.widths = chosen_widths(o, o.small ? std::vector<Index>{500, 2000} : plan.widths);
  plan.seeds = o.seeds > 0 ? o.seeds : o.small ? 6 : plan.seeds;
  plan.first_seed = o.first_seed;
  plan.precision = o.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  return make_figure(o, "figure-1", [&] {
    run::Progress progress("training", study::total_work(plan), run::automatic_mode(!o.speaks()), std::cerr);
    const auto result = study::run_figure_1(plan, [&](std::uint64_t done) { progress.advance(done); });
    progress.finish();
    return study::report_figure_1(plan, result);
  });
}

}  // namespace ntape::tools
