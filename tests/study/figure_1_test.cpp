#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/figure_1.hpp>

namespace study_figure_1_test {

using namespace ntape;
using namespace ntape::study;

namespace {

Figure1Plan tiny() {
  return {.widths = {6, 12},
          .seeds = 3,
          .first_seed = 4,
          .steps = 3,
          .rate = 0.5,
          .full_rate_width = 12,
          .examples = 8,
          .angles = 5,
          .check_width = 6,
          .precision = Precision::f64};
}

const Claim& claim_of(const Verdict& verdict, const std::string& statement) {
  for (const Claim& c : verdict.claims)
    if (c.statement.find(statement) != std::string::npos) return c;
  throw std::runtime_error("no claim says: " + statement);
}

// Networks of the paper's widths whose kernels all grow by these factors, with a spread of 1/sqrt(n), not the
// same for both widths.
Figure1Result made_up(const Figure1Plan& plan, double narrow, double wide) {
  Figure1Result result;
  result.angles.assign(plan.angles, 0);
  result.limit.assign(plan.angles, 1);
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s) {
      const double odd = width == 500 ? 1 + 0.01 * static_cast<double>(s) : 1;
      const double away = (s % 2 == 0 ? odd : -odd) / std::sqrt(static_cast<double>(width));
      const double factor = (width == 500 ? narrow : wide) + 0.001 * away;
      result.networks.push_back({.width = width,
                                 .seed = s,
                                 .start = std::vector<double>(plan.angles, 1 + away),
                                 .end = std::vector<double>(plan.angles, factor * (1 + away)),
                                 .halved = {},
                                 .coarse = {},
                                 .start_lambda = 0.2,
                                 .end_lambda = 0.3,
                                 .diverged = ""});
    }
  return result;
}

}  // namespace

TEST_CASE("figure 1: curves are those of the kernel, and all work is told") {
  const Figure1Plan plan = tiny();
  std::uint64_t told = 0;
  const Figure1Result result = run_figure_1(plan, [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan));
  REQUIRE(result.networks.size() == 6);
  CHECK(result.networks[4].width == 12);
  CHECK(result.networks[4].seed == 5);
  CHECK(result.angles[0] == -result.angles[4]);
  CHECK(result.angles[2] == 0);

  const Mlp<double> model({.widths = {2, 12, 12, 12, 1}, .activation = "relu", .bias_scale = 0.1});
  const Parameters<double> theta = model.initialize(Seed{5});
  Matrix<double> one = {{1, 0}}, up = {{0, 1}};
  // The same sums over other tiles.
  CHECK(result.networks[4].start[3] ==
        doctest::Approx(empirical_ntk(model, theta, one, up, KernelForm::trace).values(0, 0)).epsilon(1e-12));
  CHECK(result.networks[4].start[2] ==
        doctest::Approx(empirical_ntk(model, theta, one, KernelForm::trace).values(0, 0)).epsilon(1e-12));
  for (const auto& n : result.networks) {
    CHECK(n.diverged.empty());
    CHECK(n.end[2] != n.start[2]);
  }
  // Reference values as far as they are printed.
  CHECK(std::abs(result.limit[2] - 0.2825) < 5e-5);
  CHECK(std::abs(result.limit[3] - 0.0927021) < 5e-8);
  CHECK(std::abs(result.limit[4] - 0.0643538) < 5e-8);

  const FigureReport report = report_figure_1(plan, result);
  CHECK(report.sheet.panels.size() == 2);
  CHECK(claim_of(report.verdict, "limit curve at 0").outcome() == Outcome::holds);
  for (const Claim& c : report.verdict.claims) CHECK(c.statement.find("n = 500") == std::string::npos);
}

TEST_CASE("figure 1: claims of the paper are judged at its widths, and can fail") {
  const Figure1Plan plan{.seeds = 4, .angles = 5};
  const auto verdict = [&](double narrow, double wide) {
    return report_figure_1(plan, made_up(plan, narrow, wide)).verdict;
  };
  const Verdict good = verdict(1.2, 1.01);
  CHECK(claim_of(good, "n = 500 by about a fifth").outcome() == Outcome::holds);
  CHECK(claim_of(good, "n = 10000 by about a hundredth").outcome() == Outcome::holds);
  CHECK(claim_of(good, "inflation falls").outcome() == Outcome::holds);
  CHECK(claim_of(good, "spread").outcome() == Outcome::holds);
  // The made-up limit is none.
  CHECK(claim_of(good, "limit curve at 0").outcome() == Outcome::fails);
  const Verdict bad = verdict(1.02, 1.1);
  CHECK(claim_of(bad, "n = 500 by about a fifth").outcome() == Outcome::fails);
  CHECK(claim_of(bad, "n = 10000 by about a hundredth").outcome() == Outcome::fails);
  CHECK(claim_of(bad, "inflation falls").outcome() == Outcome::fails);
}

TEST_CASE("figure 1: networks that diverge are left out and named") {
  Figure1Plan plan = tiny();
  plan.rate = 1e4;
  plan.steps = 40;
  std::uint64_t told = 0;
  const Figure1Result result = run_figure_1(plan, [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan));
  const FigureReport report = report_figure_1(plan, result);
  bool named = false;
  for (const std::string& note : report.verdict.notes) named |= note.find("diverged") != std::string::npos;
  CHECK(named);
  CHECK(claim_of(report.verdict, "inflation falls").outcome() == Outcome::not_measured);
  CHECK(claim_of(report.verdict, "stable at the start").outcome() == Outcome::fails);
}

TEST_CASE("figure 1: half the rate where it is asked for, and the change is measured") {
  const Figure1Plan plan = tiny();
  const Figure1Result result = run_figure_1(plan);
  double highest = 0;
  for (const auto& n : result.networks) {
    CHECK(n.end_lambda > 0);
    CHECK(n.halved.size() == (n.width == 6 ? 5 : 0));
    CHECK(n.coarse.size() == (n.width == 6 ? 5 : 0));
    for (const auto* curve : {&n.start, &n.end})
      for (const double y : *curve) highest = std::max(highest, y);
  }
  for (const double y : result.limit) highest = std::max(highest, y);
  const FigureReport report = report_figure_1(plan, result);
  // The axis ends 4% above the highest curve; their means are not above it.
  CHECK(report.sheet.panels.back().y_range->high == doctest::Approx(1.04 * highest).epsilon(1e-12));
  double most = 0;
  for (const auto& n : result.networks)
    if (!n.halved.empty())
      most = std::max(
          most, report::lines_apart(report.sheet, {result.angles.front(), result.angles.back()},
                                    *report.sheet.panels.back().y_range, result.angles, n.end, n.halved));
  CHECK(most > 0);
  CHECK(claim_of(report.verdict, "half the rate").measured.value == most);
}

TEST_CASE("figure 1: narrow networks take shorter steps to the same time, and the rate's own curve is kept") {
  Figure1Plan plan = tiny();
  CHECK(halvings(plan, 12) == 0);
  CHECK(halvings(plan, 6) == 1);
  CHECK(halvings(plan, 1) == 4);
  CHECK(rate_of(plan, 6) == 0.25);
  const Figure1Result result = run_figure_1(plan);
  plan.full_rate_width = 6;
  const Figure1Result whole = run_figure_1(plan);
  for (Index s = 0; s < plan.seeds; ++s) {
    CHECK(result.networks[s].coarse == whole.networks[s].end);
    CHECK(result.networks[s].end == whole.networks[s].halved);
    CHECK(whole.networks[s].coarse.empty());
  }
}

TEST_CASE("figure 1: other depths and times than the paper's are not held against it") {
  Figure1Plan plan{.seeds = 4, .steps = 100, .angles = 5};
  const auto judged = [&] {
    for (const Claim& c : report_figure_1(plan, made_up(plan, 1.2, 1.01)).verdict.claims)
      if (c.statement.find("about a fifth") != std::string::npos) return true;
    return false;
  };
  CHECK_FALSE(judged());
  plan.steps = 200;
  CHECK(judged());
  plan.depth = 3;
  CHECK_FALSE(judged());
}

TEST_CASE("figure 1: plans that cannot be followed are refused") {
  Figure1Plan plan = tiny();
  plan.angles = 6;
  CHECK_THROWS_AS((void)run_figure_1(plan), UserError);
  plan = tiny();
  plan.widths = {3000000};
  CHECK_THROWS_AS((void)run_figure_1(plan), UserError);
}

}  // namespace study_figure_1_test
