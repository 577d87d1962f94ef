#include "drift_print.hpp"

#include <cstdio>
#include <ntape/run/table.hpp>
#include <ntape/study/drift_record.hpp>
#include <ostream>

namespace ntape::tools {
namespace {

std::string number(double value) {
  return run::significant(value, 4);
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string describe_fit(const std::string& what, const std::optional<ScalingFit>& fit) {
  if (!fit) return what + ": no exponent (it needs two widths, and a seed with a positive value at each)\n";
  char text[96];
  std::snprintf(text, sizeof text, " ~ width^%.3f", fit->exponent);
  std::string line = what + text;
  if (!fit->ci95) return line + "  (one seed: no confidence interval)\n";
  std::snprintf(text, sizeof text, "  (95%% interval +- %.3f, %zu seeds)\n", *fit->ci95, fit->seeds);
  return line + text;
}

}  // namespace

void print_intro(std::ostream& out, const study::DriftPlan& plan, const data::Dataset<double>& data,
                 const study::DriftResult& r) {
  const Architecture& shape = plan.architectures.front();
  out << data.description << ": " << counted(data.x.shape(0), "example") << ", "
      << counted(data.x.shape(1), "input") << ", " << counted(data.y.shape(1), "output") << "\ndepth "
      << shape.depth() << ", " << shape.activation << ", " << counted(plan.widths.size(), "width") << ", "
      << counted(plan.seeds, "seed") << "\nrate " << number(r.rate) << " = "
      << number(r.rate / r.critical_rate) << " x the critical rate " << number(r.critical_rate) << " of "
      << r.critical_source << "; " << counted(r.steps, "step") << ", time "
      << number(r.rate * static_cast<double>(r.steps)) << std::endl;
}

// Drift ~ width^-1 is the first order of a kernel that hardly moves.
constexpr double kSmallDrift = 0.5;

void note_large_drift(std::ostream& out, const std::vector<study::WidthSummary>& summary) {
  const study::WidthSummary* largest = nullptr;
  for (const auto& row : summary)
    if (row.seeds > 0 && (!largest || row.kernel_change > largest->kernel_change)) largest = &row;
  if (!largest || largest->kernel_change <= kSmallDrift) return;
  out << "note: at width " << largest->width << " the kernel moved by " << number(largest->kernel_change)
      << " times its size, far from the regime where drift ~ width^-1; metrics.csv has earlier times, and "
         "wider "
         "networks come closer\n";
}

void print_results(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result) {
  std::vector<std::vector<std::string>> rows;
  std::size_t stopped = 0;
  const std::vector<study::WidthSummary> summary = study::summarize(plan, result);
  for (const auto& row : summary) {
    const auto figure = [&](double v) { return row.seeds > 0 ? number(v) : std::string("stopped"); };
    rows.push_back({std::to_string(row.width), row.limit_distance ? number(*row.limit_distance) : "-",
                    figure(row.kernel_change), figure(row.first_loss), figure(row.last_loss)});
    stopped += plan.seeds - row.seeds;
  }
  out << '\n'
      << run::format_table({"width", "start vs limit", "drift at end", "loss at start", "loss at end"}, rows)
      << (stopped == 0 ? "(means over seeds)\n\n" : "(means over the seeds that were not stopped)\n\n")
      << describe_fit("drift at end", result.kernel_change_fit);
  out << describe_fit("start vs limit", result.limit_distance_fit);
  note_large_drift(out, summary);
  for (const auto& run : result.runs)
    if (run.stopped) out << "stopped: " << run.message << '\n';
}

}  // namespace ntape::tools
