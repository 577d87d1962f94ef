#include <doctest/doctest.h>

#include <ntape/data/synthetic.hpp>
#include <ntape/study/drift_figures.hpp>

#include "support/temp_dir.hpp"

namespace study_drift_figures_test {

using namespace ntape;
using namespace ntape::test;
using report::Series;

namespace {

study::DriftPlan plan_of(std::vector<Index> widths) {
  study::DriftPlan plan;
  for (const Index width : widths) plan.architectures.push_back({.widths = {2, width, 1}});
  plan.widths = std::move(widths);
  plan.seeds = 2;
  plan.steps = 4;
  plan.track = "every:2";
  return plan;
}

std::string names(const std::vector<study::NamedFigure>& figures) {
  std::string text;
  for (const auto& f : figures) text += (text.empty() ? "" : " ") + f.name;
  return text;
}

}  // namespace

TEST_CASE("the figures show the rows of the study") {
  const auto data = data::circle<double>({.examples = 5});
  const auto plan = plan_of({4, 8, 16});
  const auto result = study::run_drift(plan, data);
  const auto figures = study::drift_figures(plan, result);
  REQUIRE(names(figures) == "drift scaling spectrum");

  const auto& drift = figures[0].figure;
  REQUIRE(drift.series.size() == 3);
  CHECK(drift.series[1].label == "width 8");
  CHECK(drift.series[1].x == std::vector<double>{2 * result.rate, 4 * result.rate});
  const double a = result.runs[2].rows[1].kernel_change, b = result.runs[3].rows[1].kernel_change;
  CHECK(drift.series[1].y[0] == (a + b) / 2);
  CHECK(drift.series[1].low[0] == std::min(a, b));
  CHECK(drift.series[1].high[0] == std::max(a, b));

  const auto& scaling = figures[1].figure;
  REQUIRE(scaling.series.size() == 4);
  CHECK(scaling.series[0].style == Series::Style::points);
  CHECK(scaling.series[1].style == Series::Style::fit);
  CHECK(scaling.series[0].x == std::vector<double>{4, 8, 16});
  CHECK(scaling.x_tics == scaling.series[0].x);
  CHECK(contains(scaling.series[1].label, "width^("));

  const auto& spectrum = figures[2].figure;
  REQUIRE(spectrum.series.size() == 3);
  CHECK(contains(spectrum.title, "width 16, seed 0"));
  for (const auto& s : spectrum.series) {
    CHECK(s.x == std::vector<double>{1, 2, 3, 4, 5});
    CHECK(std::is_sorted(s.y.rbegin(), s.y.rend()));
  }
  CHECK(spectrum.series[2].style == Series::Style::reference);
}

TEST_CASE("what stopped, or is one, or stands still, is left out") {
  const auto data = data::circle<double>({.examples = 5});
  auto plan = plan_of({8});
  CHECK(names(study::drift_figures(plan, study::run_drift(plan, data))) == "drift spectrum");
  plan.steps = 0;
  CHECK(names(study::drift_figures(plan, study::run_drift(plan, data))) == "spectrum");

  plan = plan_of({4, 8});
  for (auto& a : plan.architectures) a.weight_scale = 0;  // the kernel is constant: distances 0 on log axes
  CHECK(names(study::drift_figures(plan, study::run_drift(plan, data))) == "spectrum");

  plan = plan_of({4, 8});
  plan.rate = 1e30;
  plan.force_rate = true;
  const auto stopped = study::drift_figures(plan, study::run_drift(plan, data));
  REQUIRE(names(stopped) == "scaling spectrum");
  CHECK(stopped[0].figure.series.size() == 2);  // initial distance and its fit: there is no drift
  CHECK(stopped[0].figure.series[0].x == std::vector<double>{4, 8});
  CHECK(stopped[1].figure.series.size() == 2);  // start and infinite width: there is no end

  plan.rate.reset();
  plan.force_rate = false;
  for (auto& a : plan.architectures) a.activation = "tanh";
  const auto smooth = study::drift_figures(plan, study::run_drift(plan, data));
  REQUIRE(names(smooth) == "drift scaling spectrum");
  CHECK(smooth[1].figure.series.size() == 4);  // drift and distance to the limit, each with its fit
}

}  // namespace study_drift_figures_test
