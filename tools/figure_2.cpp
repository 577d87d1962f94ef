#include <iostream>
#include <ntape/run/progress.hpp>
#include <ntape/study/figure_2.hpp>

#include "figure_common.hpp"

namespace ntape::tools {

int figure_2_command(const std::vector<std::string>& arguments) {
  FigureOptions o;
  study::Figure2Plan plan;
  Command app("Figure 2: functions of trained networks and their Gaussian limit.", "ntape figure 2");
  add_figure_options(app, o, "widths 50 and 300, 100 networks");
  auto* networks =
      app.add_option("--networks", plan.networks, "for statistics; --seeds is how many are in the picture")
          ->transform(whole_number(2));
  auto* depth = app.add_option("--depth", plan.depth, "weight matrices")->transform(whole_number(2));
  auto* steps =
      app.add_option("--steps", plan.steps, "of gradient descent at rate 1")->transform(whole_number(1));
  auto* angles =
      app.add_option("--angles", plan.angles, "on the circle, an odd number")->transform(whole_number(3));
  for (auto* option : {networks, depth, steps, angles})
    option->type_name("N")->capture_default_str()->group("Figure");
  app.footer(
      "examples:\n"
      "  ntape figure 2 --small\n"
      "  ntape figure 2 --out runs/figure-2\n"
      "  ntape figure 2 --networks 10        # those of the picture alone");
  if (const auto code = parse(app, arguments)) return *code;
  plan.widths = chosen_widths(o, o.small ? std::vector<Index>{50, 300} : plan.widths);
  if (o.seeds > 0) plan.shown = o.seeds;
  if (o.small && app.count("--networks") == 0) plan.networks = std::max<Index>(100, plan.shown);
  plan.first_seed = o.first_seed;
  plan.precision = o.machine.precision == "f32" ? study::Precision::f32 : study::Precision::f64;
  return make_figure(o, "figure-2", [&] {
    run::Progress progress("training", study::total_work(plan), run::automatic_mode(!o.speaks()), std::cerr);
    const auto result = study::run_figure_2(plan, [&](std::uint64_t done) { progress.advance(done); });
    progress.finish();
    return study::report_figure_2(plan, result);
  });
}

}  // namespace ntape::tools
