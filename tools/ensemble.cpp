#include <iostream>
#include <ntape/run/progress.hpp>

#include "commands.hpp"
#include "ensemble_print.hpp"

namespace ntape::tools {

int ensemble_command(const std::vector<std::string>& arguments) {
  EnsembleOptions o;
  o.model.widths = {256};
  Command app("Many networks trained alike, from one seed each, against the Gaussian law of infinite width.",
              "ntape ensemble");
  add_ensemble_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(o.machine);
  require_ensemble(o);
  const study::EnsembleStudyPlan plan = ensemble_plan(o);
  run::Progress progress("training", plan.ensemble.networks, run::automatic_mode(o.talk.quiet || o.talk.json),
                         std::cerr);
  const study::EnsembleStudy study =
      study::run_ensemble_study(plan, [&](std::uint64_t done) { progress.advance(done); });
  progress.finish();
  for (const std::string& why : study.outputs.stopped)
    std::cerr << "ntape: warning: a network is left out, " << why << '\n';
  if (!o.out.empty()) write_ensemble(o, plan, study);
  if (o.talk.json) {
    nlohmann::json facts = ensemble_facts(plan, study);
    if (!o.out.empty()) facts["out"] = o.out;
    std::cout << facts.dump(2) << '\n';
  } else if (!o.talk.quiet) {
    print_ensemble(plan, study, std::cout);
    if (!o.out.empty()) std::cout << "\narrays in " << o.out << '\n';
  }
  return 0;
}

}  // namespace ntape::tools
