#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/drift/scaling.hpp>
#include <ntape/dynamics/moment.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/regime.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace study_drift_stability_test {

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

TEST_CASE("below the edge a mode under a constant kernel is never more than the overshoot of momentum") {
  for (const double momentum : {0.0, 0.3, 0.8}) {
    const double edge = 2 * (1 + momentum);
    double most = 0;
    for (Index i = 1; i < 200; ++i) {
      // Close to the edge, where the overshoot is largest, too: 1e-1 to 1e-7 of it away.
      const double away = i < 100 ? static_cast<double>(i) / 100 : std::pow(10, -.06 * double(i - 100) - 1);
      for (Index k = 1; k < 200; ++k)
        most = std::max(most, std::abs(Moment::descent(k, 1, momentum).response(edge * (1 - away)).decay));
    }
    // 200 roundings of 1e-16, each amplified by no more than 9.
    CHECK(most <= study::overshoot(momentum) * (1 + 1e-12));
    // 1e-7 from the edge a factor of -1 is one of 1 - 2e-7, whose 200th power is off by 4e-5.
    CHECK(most > study::overshoot(momentum) * (1 - 1e-3));
  }
}

TEST_CASE("a regime is what the loss and the kernel did on the way, not where they ended") {
  DriftResult result;
  result.rate = 2;
  result.momentum = 0;  // the edge is 1
  const auto regime = [&](std::vector<double> lambda_max, double peak, double last, bool off = false) {
    study::DriftRun run;
    for (const double lambda : lambda_max) {
      study::DriftRow row;
      row.lambda_max = lambda;
      row.loss = last;
      run.rows.push_back(row);
    }
    run.rows.front().loss = 1;
    run.peak_loss = peak;
    if (off) run.rows.back().layers.push_back({.trace_share = 0.0, .change = {}, .weight_change = {}});
    return *study::regime_of(run, result);
  };
  CHECK(regime({.9, .8, .9}, 1, .1) == Regime::stable);
  CHECK(regime({.9, .8, .9}, 1 + 1e-5, 1) == Regime::stable);  // the rounding of floats that stand still
  CHECK(regime({.9, .8, .1}, 50, .1) == Regime::rose);
  CHECK(regime({.9, 1.1, .1}, 1, .1) == Regime::sharpened);
  CHECK(regime({.9, 1.1, .1}, 50, 2) == Regime::sharpened);
  CHECK(regime({1.1, .8, .9}, 50, .1) == Regime::catapult);
  CHECK(regime({1.1, .8, .9}, 1, .1) == Regime::flattened);
  CHECK(regime({1.1, .8, .9}, 50, .1, true) == Regime::dead);
  CHECK(regime({1.1, .8, .9}, 1, .1, true) == Regime::dead);
  CHECK(regime({.9, .8, .9}, 1, .1, true) == Regime::dead);
  CHECK(regime({.9, 1.1, .1}, 1, .1, true) == Regime::dead);
  CHECK(regime({1.1, .8, .9}, 50, 2, true) == Regime::dead);
  CHECK(regime({1.1, .8, .9}, 50, 2) == Regime::unsettled);
  CHECK(regime({1.1, .8, 1.1}, 50, .1) == Regime::unsettled);
  CHECK(regime({1.1, .8, 1.1}, 1, .1) == Regime::unsettled);
  result.rate = 3;
  result.momentum = .5;  // the edge is 1 again, and a loss of 9 is what momentum makes of a frozen kernel
  CHECK(regime({.9, .8, .9}, 8.9, .1) == Regime::stable);
  CHECK(regime({.9, .8, .9}, 9.1, .1) == Regime::rose);
}

// Deep, narrow networks at just below the critical rate of the limit: above that of some of them, whose
// layers are switched off by too large a step.
TEST_CASE("a network whose loss rises and whose kernel dies is not called stable") {
  DriftPlan plan;
  plan.architectures = {{.widths = {2, 4, 4, 4, 4, 4, 1}, .activation = "relu", .bias_scale = .1}};
  plan.widths = {4};
  plan.seeds = 6;
  plan.steps = 400;
  plan.rate_multiple = .99;
  const auto data = data::gaussian_product<double>({.examples = 16});
  const DriftResult result = study::run_drift(plan, data);
  bool risen = false, died = false;
  for (const auto& run : result.runs) {
    if (run.stopped) continue;
    if (run.peak_loss > 2 * run.rows.front().loss) {
      risen = true;
      CHECK(study::regime_of(run, result) != Regime::stable);
    }
    const auto& last = run.rows.back();
    if (!study::is_dead(last)) continue;
    died = true;
    // All that is left is one number for all inputs.
    CHECK(last.lambda_min < 1e-12 * last.lambda_max);
  }
  CHECK(risen);
  CHECK(died);
}

TEST_CASE("the fit of the drift leaves out networks that died") {
  DriftPlan plan;
  plan.architectures = {{.widths = {2, 4, 4, 4, 1}, .activation = "relu", .bias_scale = .1},
                        {.widths = {2, 32, 32, 32, 1}, .activation = "relu", .bias_scale = .1}};
  plan.widths = {4, 32};
  plan.seeds = 8;
  plan.steps = 60;
  plan.rate_multiple = 1.5;
  const DriftResult result = study::run_drift(plan, data::gaussian_product<double>({.examples = 16}));
  std::vector<std::vector<double>> change(8);
  Index dead = 0;
  for (Index a = 0; a < 2; ++a)
    for (Index s = 0; s < 8; ++s) {
      const auto& run = result.runs[a * 8 + s];
      const bool off = !run.stopped && study::is_dead(run.rows.back());
      dead += off ? 1 : 0;
      change[s].push_back(run.stopped || off ? std::numeric_limits<double>::quiet_NaN()
                                             : run.rows.back().kernel_change);
    }
  REQUIRE(dead > 0);
  const auto expected = fit_scaling(std::vector<double>{4, 32}, change);
  REQUIRE(result.kernel_change_fit);
  CHECK(result.kernel_change_fit->exponent == expected->exponent);
}

// A network of several outputs couples them: the mean of its kernel over outputs has a smaller top.
TEST_CASE("with several outputs stability is a matter of the full kernel") {
  const data::Dataset<double> data{normal<double>(12, 3, 1), normal<double>(12, 4, 2), "made", ""};
  for (const study::Precision precision : {study::Precision::f64, study::Precision::f32}) {
    DriftPlan plan;
    plan.architectures = {{.widths = {3, 20, 20, 4}, .activation = "tanh", .bias_scale = .2}};
    plan.widths = {20};
    plan.seeds = 1;
    plan.first_seed = 3;
    plan.steps = 1;
    plan.track = "0";
    plan.rate = .1;
    plan.precision = precision;
    const DriftResult result = study::run_drift(plan, data);
    const Mlp<double> model(plan.architectures[0]);
    const auto theta = model.initialize(Seed{3});
    const auto top = [&](KernelForm form) {
      return linalg::symmetric_eigen(empirical_ntk(model, theta, data.x, form).values).values.back() / 12;
    };
    const double full = top(KernelForm::full), measured = result.runs[0].rows[0].lambda_max;
    CHECK(full > 1.05 * top(KernelForm::trace));
    // A residual of 1e-8, of floats 1e-5, over the gap, squared; and what floats make of products.
    CHECK(std::abs(measured / full - 1) < (precision == study::Precision::f64 ? 1e-10 : 1e-5));
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

}  // namespace study_drift_stability_test
