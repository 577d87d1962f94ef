#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/figure_lee.hpp>
#include <ntape/train/descent.hpp>

namespace study_figure_lee_test {

using namespace ntape;
using namespace ntape::study;

namespace {

const data::Dataset<double>& sphere() {
  static const auto data = data::sphere<double>({.dimension = 3, .examples = 10, .seed = Seed{3}});
  return data;
}

FigureLeePlan tiny() {
  FigureLeePlan plan;
  plan.widths = {8, 16, 32};
  plan.seeds = 3;
  plan.first_seed = 5;
  plan.steps = 6;
  plan.test.x = data::sphere<double>({.dimension = 3, .examples = 4, .seed = Seed{4}}).x;
  return plan;
}

DriftResult trained(const FigureLeePlan& plan) {
  return run_figure_lee(plan, sphere(), prepare_figure_lee(plan, sphere()));
}

const Claim& claim_of(const Verdict& verdict, const std::string& statement) {
  for (const Claim& c : verdict.claims)
    if (c.statement.find(statement) != std::string::npos) return c;
  throw std::runtime_error("no claim says: " + statement);
}

const FigureReport::Array& array_of(const FigureReport& report, const std::string& name) {
  for (const auto& array : report.arrays)
    if (array.name == name) return array;
  throw std::runtime_error("no array is called " + name);
}

// Rows of networks in which everything falls as theory says, but for the kernel, which falls as `kernel`.
DriftResult made_up(const FigureLeePlan& plan, double kernel) {
  DriftResult result;
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s) {
      const double n = static_cast<double>(width), prefactor = 1 + static_cast<double>(s);
      DriftRow row;
      row.kernel_change = prefactor * std::pow(n, kernel);
      row.output_gap = row.test_output_gap = prefactor / n;
      const double thin = prefactor / std::sqrt(n), full = prefactor / n;
      for (const double change : {thin, full, full, thin}) row.layers.push_back({{}, {}, change});
      DriftRun run;
      run.width = width;
      run.seed = s;
      run.rows = {row};
      result.runs.push_back(run);
    }
  return result;
}

}  // namespace

TEST_CASE("figure lee: numbers are those of the networks, and all work is told") {
  const FigureLeePlan plan = tiny();
  const DriftResult prepared = prepare_figure_lee(plan, sphere());
  std::uint64_t told = 0;
  const DriftResult result =
      run_figure_lee(plan, sphere(), prepared, [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan, sphere(), prepared));

  // The second network of width 16 once more, by hand.
  const Mlp<double> model(
      {.widths = {3, 16, 16, 16, 1}, .activation = "erf", .weight_scale = 1.5, .bias_scale = 0.5});
  const Parameters<double> start = model.initialize(Seed{6});
  Parameters<double> theta = start;
  (void)gradient_descent(model, theta, sphere(), {.rate = prepared.rate, .steps = 6});
  const auto change = [&](Index l) {
    const Parameters<double> now{{theta.entries[2 * l]}}, then{{start.entries[2 * l]}};
    return distance(now, then) / distance(then, zeros_like(then));
  };
  const FigureReport report = report_figure_lee(plan, sphere(), result);
  const auto measured = [&](const std::string& name) { return array_of(report, name).values[3 + 1]; };
  // The same sums of some hundred terms.
  CHECK(measured("input_weights") == doctest::Approx(change(0)).epsilon(1e-13));
  CHECK(measured("hidden_weights") ==
        doctest::Approx(std::sqrt((change(1) * change(1) + change(2) * change(2)) / 2)).epsilon(1e-13));
  CHECK(measured("output_weights") == doctest::Approx(change(3)).epsilon(1e-13));
  const DriftRun& run = result.runs[3 + 1];
  CHECK(measured("kernel") == run.rows.back().kernel_change);
  double gap = 0, test_gap = 0;
  for (const DriftRow& row : run.rows) {
    gap = std::max(gap, row.output_gap.value());
    test_gap = std::max(test_gap, row.test_output_gap.value());
  }
  CHECK(measured("training_gap") == gap);
  CHECK(measured("test_gap") == test_gap);
  CHECK(gap > 0);

  CHECK(report.sheet.panels.size() == 3);
  CHECK(report.verdict.claims.size() == 7);
  CHECK(claim_of(report.verdict, "stable at the start").outcome() == Outcome::holds);
}

TEST_CASE("figure lee: exponents are claimed with their intervals, and can fail") {
  FigureLeePlan plan = tiny();
  const Verdict good = report_figure_lee(plan, sphere(), made_up(plan, -1)).verdict;
  for (const Claim& c : good.claims) CHECK(c.outcome() == Outcome::holds);
  CHECK(claim_of(good, "hidden weights").measured.value == doctest::Approx(-1));
  CHECK(claim_of(good, "input weights").measured.value == doctest::Approx(-0.5));
  const Verdict bad = report_figure_lee(plan, sphere(), made_up(plan, -0.5)).verdict;
  CHECK(claim_of(bad, "the kernel moves").outcome() == Outcome::fails);
  CHECK(claim_of(bad, "hidden weights").outcome() == Outcome::holds);

  plan.widths = {8, 16, 32, 64};
  CHECK(claim_of(report_figure_lee(plan, sphere(), made_up(plan, -1)).verdict, "the kernel moves")
            .quantity.find("-1 from n = 32 on") != std::string::npos);
  plan = tiny();

  // Twice the error is the interval of the fit; one seed has none, and decides nothing.
  const FigureReport report = report_figure_lee(plan, sphere(), trained(plan));
  CHECK(interval95(claim_of(report.verdict, "the kernel moves").measured) ==
        doctest::Approx(array_of(report, "exponents_ci95").values[3]));
  plan.seeds = 1;
  CHECK(
      claim_of(report_figure_lee(plan, sphere(), made_up(plan, -1)).verdict, "the kernel moves").outcome() ==
      Outcome::undecided);
}

TEST_CASE("figure lee: without test inputs there is no test gap") {
  FigureLeePlan plan = tiny();
  plan.test = {};
  const FigureReport report = report_figure_lee(plan, sphere(), trained(plan));
  CHECK(report.verdict.claims.size() == 6);
  CHECK_THROWS_AS((void)array_of(report, "test_gap"), std::runtime_error);
}

TEST_CASE("figure lee: networks that were stopped are left out and named") {
  const FigureLeePlan plan = tiny();
  DriftResult result = made_up(plan, -1);
  result.runs[4].stopped = true;
  result.runs[4].message = "width 16, seed 1: it diverged";
  const FigureReport report = report_figure_lee(plan, sphere(), result);
  CHECK(std::isnan(array_of(report, "kernel").values[4]));
  bool named = false;
  for (const std::string& note : report.verdict.notes)
    named |= note.find("seed 1: it div") != std::string::npos;
  CHECK(named);
  CHECK(claim_of(report.verdict, "stable at the start").outcome() == Outcome::fails);
  CHECK(claim_of(report.verdict, "the kernel moves").outcome() == Outcome::holds);
  for (DriftRun& run : result.runs) run.stopped = true;
  CHECK_THROWS_AS((void)report_figure_lee(plan, sphere(), result), UserError);
}

TEST_CASE("figure lee: plans that cannot be followed are refused") {
  const auto refused = [](auto&& change) {
    FigureLeePlan plan = tiny();
    change(plan);
    CHECK_THROWS_AS((void)prepare_figure_lee(plan, sphere()), UserError);
  };
  refused([](FigureLeePlan& p) { p.widths = {8}; });
  refused([](FigureLeePlan& p) { p.depth = 2; });
  refused([](FigureLeePlan& p) { p.steps = 0; });
  refused([](FigureLeePlan& p) { p.seeds = 0; });
  refused([](FigureLeePlan& p) { p.activation = "none"; });
  refused([](FigureLeePlan& p) { p.widths = {8, 3000000}; });
}

}  // namespace study_figure_lee_test
