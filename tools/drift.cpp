#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/report/figure.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/run/progress.hpp>
#include <ntape/run/run_directory.hpp>
#include <ntape/study/drift_figures.hpp>
#include <ntape/study/drift_record.hpp>

#include "commands.hpp"
#include "drift_options.hpp"
#include "drift_print.hpp"
#include "interrupt.hpp"

namespace ntape::tools {
namespace {

// Of the data's file, its name alone is enough.
std::string default_directory(const std::string& data) {
  std::string safe;
  for (const char c : data.substr(data.rfind('/') + 1))
    safe += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  return "runs/" + safe + "-" + stamp;
}

void write_figures(const run::RunDirectory& directory, const study::DriftPlan& plan,
                   const study::DriftResult& result) {
  for (const auto& figure : study::drift_figures(plan, result)) {
    try {
      directory.write_text("figures/" + figure.name + ".svg", report::draw_svg(figure.figure));
    } catch (const report::GnuplotError& e) {
      // The numbers are worth keeping without their pictures.
      std::cerr << "ntape: warning: the run has no figures: " << e.what() << '\n';
      return;
    }
  }
}

study::DriftResult train(const study::DriftPlan& plan, const data::Dataset<double>& data,
                         study::DriftResult prepared, bool talk) {
  run::Progress progress("training", study::total_work(plan, prepared.steps), run::automatic_mode(!talk),
                         std::cerr);
  study::DriftResult result =
      study::run_drift(plan, data, std::move(prepared), [&](std::uint64_t done) { progress.advance(done); });
  progress.finish();
  return result;
}

}  // namespace

int drift_command(const std::vector<std::string>& arguments) {
  DriftOptions o;
  Command app("Train networks of several widths from several seeds and track their kernels.", "ntape drift");
  add_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  o.width_given = app.count("--width") > 0;
  Interrupts interrupts;
  apply_threads(o.machine);
  require_activations(o.model.activation);
  o.source.seed = Seed{o.data_seed};
  const bool talk = !o.talk.quiet && !o.talk.json;

  // Before data of that number are made: their kernel is the least that is needed.
  const double examples = static_cast<double>(o.source.examples);
  run::require_memory(sizeof(double) * examples * examples,
                      "kernels of " + std::to_string(o.source.examples) + " examples");
  run::require_memory(data::least_bytes(o.source), "data of this size");
  const auto started = std::chrono::steady_clock::now();
  data::Split loaded = load_with_test(o.source, o.test);
  const data::Dataset<double>& data = loaded.train;
  require_same_data(o, options_given(arguments), data);
  study::DriftPlan plan = make_plan(o, data);
  plan.test = std::move(loaded.test);
  using run::RunDirectory;
  RunDirectory directory(o.out.empty() ? default_directory(data.name) : o.out,
                         o.out.empty() ? RunDirectory::Taken::number : RunDirectory::Taken::refuse);
  // The lock that comes back is never opened: the program ends.
  const Interrupts::Cleanup cleanup(interrupts, [&] { (void)directory.abandon().release(); });

  study::DriftResult prepared = study::prepare_drift(plan, data);
  if (talk) print_intro(std::cout, plan, data, prepared);
  const study::DriftResult result = train(plan, data, std::move(prepared), talk);
  print_warnings(std::cerr, plan, result);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  study::write_drift_record(directory, plan, data, result, saved_config(o, data, plan, result), wall.count());
  write_figures(directory, plan, result);
  if (!directory.commit() && !o.out.empty())
    std::cerr << "ntape: warning: '" << o.out << "' has come to exist meanwhile; the report is in '"
              << directory.final_path().string() << "'" << std::endl;

  if (o.talk.json) {
    nlohmann::ordered_json printed = {{"out", directory.final_path().string()}};
    printed.update(nlohmann::ordered_json::parse(study::summary_json(plan, data, result)));
    std::cout << printed.dump(2) << '\n';
  } else if (talk) {
    print_results(std::cout, plan, result);
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f", wall.count());
    std::cout << "\n" << seconds << " s; report in " << directory.final_path().string() << '\n';
  }
  return 0;
}

}  // namespace ntape::tools
