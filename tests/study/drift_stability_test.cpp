#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/regime.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

using namespace ntape;
using namespace ntape::test;
using study::DriftPlan;
using study::DriftResult;
using study::Regime;

namespace {

const data::Dataset<double>& two_points() {
  static const auto data = data::sphere<double>({.dimension = 3, .examples = 2});
  return data;
}

DriftPlan plan_of(const std::string& activation, double multiple, double momentum = 0) {
  DriftPlan plan;
  plan.architectures = {{.widths = {3, 200, 1}, .activation = activation, .bias_scale = 0}};
  plan.widths = {200};
  plan.seeds = 4;
  plan.steps = 300;
  plan.rate_multiple = multiple;
  plan.momentum = momentum;
  return plan;
}

std::string refusal(const DriftPlan& plan) {
  return message_of<UserError>([&] { (void)study::prepare_drift(plan, two_points()); });
}

}  // namespace

// Two-layer networks on two examples, whose kernels at width 200 are within a few percent of the limit's. Up
// to 2/lambda_max they are stable, from there to about 4/lambda_max (linear networks; relu ones go further)
// they are catapulted to where the kernel is flatter, and beyond they diverge (Lewkowycz et al. 2020).
TEST_CASE("stable, catapult and divergence are told apart, by what each network did") {
  for (const char* activation : {"identity", "relu"})
    for (const auto& [multiple, expected] : {std::pair{0.5, Regime::stable}, {1.5, Regime::catapult}}) {
      CAPTURE(activation);
      CAPTURE(multiple);
      const DriftPlan plan = plan_of(activation, multiple);
      const DriftResult result = study::run_drift(plan, two_points());
      CHECK(result.rate == multiple * result.critical_rate);
      const double edge = study::edge_of_stability(result);
      for (const auto& run : result.runs) {
        CAPTURE(run.seed);
        REQUIRE(study::regime_of(run, result));
        CHECK(*study::regime_of(run, result) == expected);
        const auto &first = run.rows.front(), &last = run.rows.back();
        CHECK(last.loss < 1e-3 * first.loss);
        CHECK(last.lambda_max < edge);
        CHECK((first.lambda_max > edge) == (expected == Regime::catapult));
        CHECK((run.peak_loss > 1.1 * first.loss) == (expected == Regime::catapult));
        CHECK((run.peak_step > 0) == (expected == Regime::catapult));
      }
    }
  const DriftResult result = study::run_drift(plan_of("identity", 4), two_points());
  for (const auto& run : result.runs) CHECK(study::regime_of(run, result) == Regime::diverged);
  const auto summary =
      nlohmann::json::parse(study::summary_json(plan_of("identity", 4), two_points(), result));
  REQUIRE(summary["regimes"].size() == 4);
  CHECK(summary["regimes"][0]["regime"] == "diverged");
  CHECK(summary["regimes"][0]["lambda_max_end"].is_null());
  CHECK(summary["regimes"][0]["rate_over_own_critical"].get<double>() > 3);
}

TEST_CASE("a network on its way is neither stable nor catapulted") {
  DriftPlan plan = plan_of("identity", 1.5);
  plan.steps = 2;
  plan.track = "0,2";
  const DriftResult result = study::run_drift(plan, two_points());
  for (const auto& run : result.runs) CHECK(study::regime_of(run, result) == Regime::unsettled);
}

TEST_CASE("momentum widens the stable rates by 1 + m, and descent keeps to that") {
  const DriftResult plain = study::prepare_drift(plan_of("relu", 0.5), two_points());
  const DriftResult heavy = study::prepare_drift(plan_of("relu", 0.5, 0.8), two_points());
  CHECK(heavy.critical_rate == doctest::Approx(1.8 * plain.critical_rate).epsilon(1e-14));
  CHECK(heavy.balanced_rate == doctest::Approx(1.8 * plain.balanced_rate).epsilon(1e-14));
  CHECK(plain.balanced_rate < plain.critical_rate);
  // 1.4 times the critical rate without momentum is 0.8 of that with it.
  for (const auto& [multiple, momentum, expected] :
       {std::tuple{1.4, 0.0, Regime::catapult}, {1.4 / 1.8, 0.8, Regime::stable}}) {
    const DriftResult result = study::run_drift(plan_of("relu", multiple, momentum), two_points());
    for (const auto& run : result.runs) CHECK(study::regime_of(run, result) == expected);
  }
}

TEST_CASE("a multiple is an explicit request, a rate above the critical one is not, and both are too much") {
  CHECK(refusal(plan_of("relu", 1.5)).empty());
  DriftPlan plan = plan_of("relu", 1.5);
  plan.rate = 1;
  CHECK(contains(refusal(plan), "give one of them"));
  plan.rate_multiple.reset();
  plan.rate = 1000;
  CHECK(contains(refusal(plan), "--force-rate"));
  CHECK(contains(refusal(plan_of("relu", -1)), "-1 times the critical one"));
  CHECK(contains(refusal(plan_of("relu", 1, 1)), "momentum is 1"));
}
