#include "drift_print.hpp"

#include <cstdio>
#include <ntape/run/table.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/regime.hpp>
#include <ostream>

#include "options.hpp"

namespace ntape::tools {
namespace {

std::string four_digits(double value) {
  return run::significant(value, 4);
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// `networks` is how many there are.
std::string describe_fit(const std::string& what, const std::optional<ScalingFit>& fit,
                         std::size_t networks) {
  if (!fit) return what + ": no exponent (it needs a seed with positive values at two widths)\n";
  char text[96];
  std::snprintf(text, sizeof text, " ~ width^%.3f  (", fit->exponent);
  std::string line = what + text;
  if (fit->ci95) {
    std::snprintf(text, sizeof text, "95%% interval +- %.3f, %zu seeds", *fit->ci95, fit->seeds);
    line += text;
  } else {
    line += "one seed: no confidence interval";
  }
  if (fit->left_out > 0)
    line += "; without " + std::to_string(fit->left_out) + " of " + counted(networks, "network");
  return line + ")\n";
}

std::string figure(const std::optional<double>& value, const char* none) {
  return value ? four_digits(*value) : none;
}

}  // namespace

void print_intro(std::ostream& out, const study::DriftPlan& plan, const data::Dataset<double>& data,
                 const study::DriftResult& r) {
  const Architecture& shape = plan.architectures.front();
  out << data.description << ": " << counted(data.x.shape(0), "example") << ", "
      << counted(data.x.shape(1), "input") << ", " << counted(data.y.shape(1), "output") << "\ndepth "
      << shape.depth() << ", " << layers_in_words(shape) << ", " << counted(plan.widths.size(), "width")
      << ", " << counted(plan.seeds, "seed") << "\nrate " << four_digits(r.rate) << " = "
      << four_digits(r.rate / r.critical_rate) << " x the critical rate " << four_digits(r.critical_rate)
      << " of " << r.critical_source << " (the slowest mode is fastest at " << four_digits(r.balanced_rate)
      << ")";
  if (r.momentum > 0) out << ", momentum " << run::shortest(r.momentum);
  out << "; " << counted(r.steps, "step") << ", time " << four_digits(r.rate * static_cast<double>(r.steps))
      << std::endl;
}

// What the rate did to each network, where it did anything, or was meant to.
void print_regimes(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result) {
  std::vector<std::vector<std::string>> rows;
  std::string dead;
  bool notable = plan.rate_multiple.value_or(0) >= 1;
  for (const auto& run : result.runs) {
    const auto regime = study::regime_of(run, result);
    if (!regime) continue;
    notable = notable || *regime != study::Regime::stable;
    const bool ended = *regime != study::Regime::diverged;
    if (ended && study::is_dead(run.rows.back()))
      dead += (dead.empty() ? "width " : "; width ") + std::to_string(run.width) + ", seed " +
              std::to_string(run.seed);
    rows.push_back({std::to_string(run.width), std::to_string(run.seed), std::string(to_string(*regime)),
                    four_digits(run.rows.front().lambda_max), four_digits(study::peak_lambda_max(run)),
                    ended ? four_digits(run.rows.back().lambda_max) : "-", four_digits(run.rows.front().loss),
                    four_digits(run.peak_loss) + " (step " + std::to_string(run.peak_step) + ")",
                    ended ? four_digits(run.rows.back().loss) : "-"});
  }
  if (!notable || rows.empty()) return;
  out << "\na frozen kernel is unstable where lambda_max of Theta/N is above "
      << four_digits(study::edge_of_stability(result)) << " = 2 (1 + momentum) / rate\n"
      << run::format_table({"width", "seed", "regime", "lambda_max at start", "largest", "at end",
                            "loss at start", "largest", "at end"},
                           rows);
  if (!dead.empty())
    out << "dead: " << dead
        << "; at the end a hidden layer is off on every example, and only what biases feed can train\n";
}

// Drift ~ width^-1 is the first order of a kernel that hardly moves.
constexpr double kSmallDrift = 0.5;

void note_large_drift(std::ostream& out, const std::vector<study::WidthSummary>& summary) {
  const study::WidthSummary* largest = nullptr;
  for (const auto& row : summary)
    if (row.kernel_change && (!largest || *row.kernel_change > *largest->kernel_change)) largest = &row;
  if (!largest || *largest->kernel_change <= kSmallDrift) return;
  out << "note: at width " << largest->width << " the kernel moved by "
      << four_digits(*largest->kernel_change)
      << " times its size, far from the regime where drift ~ width^-1; metrics.csv has earlier times, and "
         "wider "
         "networks come closer\n";
}

void print_results(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result) {
  std::vector<std::vector<std::string>> rows;
  std::size_t stopped = 0;
  const std::vector<study::WidthSummary> summary = study::summarize(plan, result);
  for (const auto& row : summary) {
    rows.push_back({std::to_string(row.width), figure(row.limit_distance, "-"),
                    figure(row.kernel_change, "stopped"), figure(row.first_loss, "-"),
                    figure(row.last_loss, "stopped")});
    stopped += plan.seeds - row.seeds;
  }
  out << '\n'
      << run::format_table({"width", "start vs limit", "drift at end", "loss at start", "loss at end"}, rows)
      << "(means over seeds";
  if (stopped > 0)
    out << "; " << stopped << " of " << counted(result.runs.size(), "network")
        << " stopped early and count at the start only";
  out << ")\n\n" << describe_fit("drift at end", result.kernel_change_fit, result.runs.size());
  out << describe_fit("start vs limit", result.limit_distance_fit, result.runs.size());
  note_large_drift(out, summary);
  print_regimes(out, plan, result);
}

void print_warnings(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result) {
  std::size_t rounding = 0, measured = 0;
  for (const auto& run : result.runs) {
    if (run.stopped) out << "ntape: warning: stopped: " << run.message << std::endl;
    for (const auto& row : run.rows) {
      measured += row.step_residual ? 1 : 0;
      rounding += row.residual_is_rounding ? 1 : 0;
    }
  }
  // In doubles it takes a network that stands still, which is no loss.
  if (plan.precision == study::Precision::f32 && rounding > 0)
    out << "ntape: warning: the certificate measures rounding: in f32, " << rounding << " of "
        << counted(measured, "step_residual") << " are at most " << four_digits(study::kRounding)
        << " eps times the outputs; --precision f64 shows what is below" << std::endl;
}

}  // namespace ntape::tools
