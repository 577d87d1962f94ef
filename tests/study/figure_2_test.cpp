#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/study/figure_2.hpp>

namespace study_figure_2_test {

using namespace ntape;
using namespace ntape::study;

namespace {

Figure2Plan tiny() {
  Figure2Plan plan;
  plan.widths = {4, 8};
  plan.shown = 3;
  plan.networks = 6;
  plan.steps = 20;
  plan.angles = 5;
  plan.precision = Precision::f64;
  return plan;
}

const Claim& claim_of(const Verdict& verdict, const std::string& statement) {
  for (const Claim& c : verdict.claims)
    if (c.statement.find(statement) != std::string::npos) return c;
  throw std::runtime_error("no claim says: " + statement);
}

// The networks of a width are the limit's mean and `deviations` of its deviation, above and below in turn.
Figure2Result made_up(const Figure2Plan& plan, double deviations) {
  Figure2Result result = run_figure_2(plan);
  for (EnsembleOutputs& ensemble : result.ensembles)
    for (Index s = 0; s < ensemble.seeds.size(); ++s)
      for (Index m = 0; m < result.mean.size(); ++m)
        ensemble.values(0, s, m) = result.mean[m] + (s % 2 == 0 ? 1 : -1) * deviations * result.deviation[m];
  return result;
}

}  // namespace

TEST_CASE("figure 2: the limit has its reference values, and all work is told") {
  const Figure2Plan plan = tiny();
  std::uint64_t told = 0;
  const Figure2Result result = run_figure_2(plan, [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan));
  REQUIRE(result.ensembles.size() == 2);
  CHECK(result.ensembles[1].values.shape(1) == 6);
  CHECK(result.ensembles[1].values.shape(2) == 5 + plan.probes.size());
  const FigureReport report = report_figure_2(plan, result);
  CHECK(report.sheet.panels.size() == 3);
  Index references = 0;
  for (const Claim& c : report.verdict.claims)
    if (c.why.find("reference") != std::string::npos) {
      ++references;
      CHECK(c.outcome() == Outcome::holds);
    }
  CHECK(references == 8);
}

TEST_CASE("figure 2: claims are judged by the networks, and can fail") {
  Figure2Plan plan = tiny();
  plan.widths = {1000};
  plan.shown = 2;
  plan.networks = 100;
  plan.steps = 1;
  // One deviation above and below: inside P10 to P90, of variance S / (S - 1) times the limit's.
  const Verdict one = report_figure_2(plan, made_up(plan, 1)).verdict;
  CHECK(claim_of(one, "P10 to P90").measured.value == 1);
  CHECK(claim_of(one, "P10 to P90").outcome() == Outcome::fails);  // all of them are no 80%
  CHECK(claim_of(one, "the variance of networks").measured.value ==
        doctest::Approx(100 / 99.).epsilon(1e-12));
  // Without one of them there are 50 and 49, whichever it is.
  CHECK(claim_of(one, "the variance of networks").measured.error < 1e-9);
  CHECK(claim_of(one, "means of n = 1000").outcome() == Outcome::holds);
  // Ten deviations: none inside, and a z-score of (100 S / (S - 1) - 1) sqrt((S - 1) / 2).
  const Verdict ten = report_figure_2(plan, made_up(plan, 10)).verdict;
  CHECK(claim_of(ten, "P10 to P90").measured.value == 0);
  CHECK(claim_of(ten, "the variance of networks").outcome() == Outcome::fails);
  CHECK(claim_of(ten, "variances of n = 1000").measured.value ==
        doctest::Approx((10000 / 99. - 1) * std::sqrt(99 / 2.)).epsilon(1e-9));
  CHECK(claim_of(ten, "variances of n = 1000").outcome() == Outcome::fails);
  // Of two networks, which cannot reject anything, nothing holds, and that both are inside is no 100%.
  plan.networks = 2;
  const Verdict two = report_figure_2(plan, made_up(plan, 1)).verdict;
  CHECK(claim_of(two, "means of n = 1000").outcome() == Outcome::not_measured);
  CHECK(claim_of(two, "P10 to P90").outcome() == Outcome::undecided);
}

TEST_CASE("figure 2: the error of the variance is that of its networks, and three tell nothing") {
  Figure2Plan plan = tiny();
  plan.widths = {1000};
  plan.shown = 2;
  plan.steps = 1;
  plan.networks = 5;
  Figure2Result result = made_up(plan, 0);
  // Deviations of 0, 1, -1, 2, -2: 10 / 4; without them 10 / 3, 8.75 / 3 and 5 / 3 twice each but the first.
  EnsembleOutputs& ensemble = result.ensembles.front();
  const double deviations[] = {0, 1, -1, 2, -2};
  for (Index s = 0; s < 5; ++s)
    for (Index m = 0; m < result.mean.size(); ++m)
      ensemble.values(0, s, m) = result.mean[m] + deviations[s] * result.deviation[m];
  const Measured variance =
      claim_of(report_figure_2(plan, result).verdict, "the variance of networks").measured;
  CHECK(variance.value == doctest::Approx(2.5).epsilon(1e-12));
  const double parts[] = {10 / 3., 8.75 / 3, 8.75 / 3, 5 / 3., 5 / 3.};
  double mean = 0, squares = 0;
  for (const double part : parts) mean += part / 5;
  for (const double part : parts) squares += (part - mean) * (part - mean);
  CHECK(variance.error == doctest::Approx(std::sqrt(.8 * squares)).epsilon(1e-9));
  CHECK(variance.freedom == 4);
  plan.networks = 3;
  CHECK(claim_of(report_figure_2(plan, made_up(plan, 1)).verdict, "the variance of networks").outcome() ==
        Outcome::not_measured);
}

TEST_CASE("figure 2: plans that cannot be followed are refused") {
  Figure2Plan plan = tiny();
  plan.networks = 2;
  CHECK_THROWS_AS((void)run_figure_2(plan), UserError);
  plan = tiny();
  plan.angles = 4;
  CHECK_THROWS_AS((void)run_figure_2(plan), UserError);
}

}  // namespace study_figure_2_test
