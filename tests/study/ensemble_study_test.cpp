#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/study/ensemble_study.hpp>
#include <numeric>

#include "support/matrices.hpp"

namespace study_ensemble_study_test {

using namespace ntape;
using namespace ntape::test;
using study::EnsembleComparison;
using study::EnsembleStudy;
using study::EnsembleStudyPlan;

namespace {

EnsembleStudyPlan plan_of(Index networks, Index width) {
  EnsembleStudyPlan plan;
  plan.data = data::sphere<double>({.dimension = 3, .examples = 8, .seed = Seed{1}});
  plan.test = data::sphere<double>({.dimension = 3, .examples = 3, .seed = Seed{2}});
  plan.ensemble.architecture = {.widths = {3, width, 1}, .activation = "erf"};
  plan.ensemble.networks = networks;
  plan.ensemble.steps = {0, 10, 40};
  plan.quantiles = {.1, .5};
  return plan;
}

}  // namespace

// With one hidden layer outputs at the start have mean 0 and the variance of the limit at any width, and are
// Gaussian but for 1/n; a little later the law is still good to 1/n. 200 networks, seeds 0 to 199.
TEST_CASE("wide networks follow the law of infinite width") {
  const EnsembleStudy study = study::run_ensemble_study(plan_of(200, 256));
  REQUIRE(study.train.size() == 3);
  REQUIRE(study.test.size() == 3);
  for (Index t = 0; t < 2; ++t)
    for (const EnsembleComparison* c : {&study.train[t], &study.test[t]}) {
      CAPTURE(t);
      CHECK(c->compared == (c == &study.train[t] ? 8 : 3));
      CHECK(c->z_mean < c->by_chance.mean);
      CHECK(c->z_variance < c->by_chance.variance);
      CHECK(std::abs(c->variance_ratio.value - 1) < 3 * c->variance_ratio.error);
      CHECK(std::abs(c->coverage.value - .8) < 3 * c->coverage.error);
      CHECK(std::abs(c->loss->value - *c->law_loss) < 3 * c->loss->error);
      CHECK(*c->loss_of_mean < c->loss->value);
    }
}

TEST_CASE("narrow networks do not, and the scores say so") {
  EnsembleStudyPlan plan = plan_of(200, 4);
  plan.ensemble.steps = {400};
  const EnsembleStudy study = study::run_ensemble_study(plan);
  CHECK(study.train[0].z_variance > 3 * study.train[0].by_chance.variance);
}

TEST_CASE("a study's figures are those of its parts") {
  const EnsembleStudyPlan plan = plan_of(5, 12);
  const EnsembleStudy study = study::run_ensemble_study(plan);
  CHECK(study.rate == .25 * study.critical_rate);
  CHECK(study.critical_rate == doctest::Approx(2 / study.law.rates.back()));
  for (Index t = 0; t < 3; ++t) {
    std::vector<double> losses(5);
    for (Index s = 0; s < 5; ++s) losses[s] = study.outputs.losses(t, s);
    CHECK(study.train[t].loss->value == doctest::Approx(study::mean_of(losses).value).epsilon(1e-13));
    CHECK(study.train[t].loss->error == doctest::Approx(study::mean_of(losses).error).epsilon(1e-10));
  }
  // Times are steps of that rate.
  EnsembleStudyPlan timed = plan;
  timed.ensemble.steps.clear();
  timed.times = {40 * study.rate, 0, 10.3 * study.rate, 9.8 * study.rate};
  const EnsembleStudy same = study::run_ensemble_study(timed);
  CHECK(same.steps == std::vector<Index>{0, 10, 40});
  for (Index k = 0; k < same.outputs.values.size(); ++k)
    CHECK(same.outputs.values.data()[k] == study.outputs.values.data()[k]);
  // Without a test set, or without its targets.
  EnsembleStudyPlan bare = plan;
  bare.test.y = zeros<double>(0, 0);
  CHECK(!study::run_ensemble_study(bare).test[0].loss);
  bare.test.x = zeros<double>(0, 0);
  CHECK(study::run_ensemble_study(bare).test.empty());
}

TEST_CASE("what training has fixed is not compared") {
  EnsembleStudyPlan plan = plan_of(4, 12);
  plan.data = data::circle<double>({.examples = 2});
  plan.test = {};
  plan.ensemble.architecture.widths.front() = 2;
  plan.rate_multiple = .5;
  plan.ensemble.steps = {100000};
  const EnsembleStudy study = study::run_ensemble_study(plan);
  CHECK(study.train[0].compared == 0);
  CHECK(std::isnan(study.train[0].variance_ratio.value));
}

TEST_CASE("an ensemble that cannot be compared is refused") {
  const auto refusal = [](EnsembleStudyPlan plan) {
    try {
      (void)study::run_ensemble_study(plan);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EnsembleStudyPlan plan = plan_of(4, 6);
  plan.rate_multiple = 1;
  CHECK(contains(refusal(plan), "below the critical rate of the limit kernel"));
  plan = plan_of(1, 6);
  CHECK(contains(refusal(plan), "an ensemble of 1 networks"));
  plan = plan_of(4, 6);
  plan.ensemble.descent.objective = "logistic";
  CHECK(contains(refusal(plan), "on mean_square only"));
  plan = plan_of(4, 6);
  plan.test.x = zeros<double>(2, 5);
  CHECK(contains(refusal(plan), "the test inputs have 5 columns"));
  plan = plan_of(4, 6);
  plan.test.y = zeros<double>(2, 2);
  CHECK(contains(refusal(plan), "the test targets are 2 x 2"));
  plan = plan_of(4, 6);
  for (double& v : plan.data.y) v *= 1e90;
  CHECK(contains(refusal(plan), "statistics of the outputs overflow"));
  plan = plan_of(4, 6);
  plan.times = {1e30};
  CHECK(contains(refusal(plan), "0 to a billion"));
}

}  // namespace study_ensemble_study_test
