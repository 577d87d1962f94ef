#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/dynamics/lazy.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/study/drift_memory.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace study_drift_study_test {

using namespace ntape;
using namespace ntape::test;
using study::DriftPlan;
using study::DriftResult;

namespace {

const data::Dataset<double>& circle() {
  static const auto data = data::circle<double>({.examples = 6});
  return data;
}

DriftPlan plan_of(std::vector<Index> widths, const std::string& activation = "relu") {
  DriftPlan plan;
  for (const Index width : widths)
    plan.architectures.push_back({.widths = {2, width, width, 1}, .activation = activation});
  plan.widths = std::move(widths);
  plan.seeds = 3;
  plan.first_seed = 10;
  plan.steps = 8;
  plan.track = "0,3,8";
  return plan;
}

// Linear networks: no unit dies of a large step. At rate 5 both networks of width 2 explode, the others do
// not.
DriftPlan plan_where_narrow_ones_explode() {
  DriftPlan plan = plan_of({2, 32, 64}, "identity");
  plan.seeds = 2;
  plan.first_seed = 6;
  plan.rate = 5;
  plan.force_rate = true;
  return plan;
}

std::string refusal(const DriftPlan& plan) {
  return message_of<UserError>([&] { (void)study::prepare_drift(plan, circle()); });
}

}  // namespace

TEST_CASE("a study has a row for each width, seed and tracked step, in order") {
  const DriftPlan plan = plan_of({4, 8});
  const DriftResult result = study::run_drift(plan, circle());
  CHECK(result.tracked == std::vector<Index>{0, 3, 8});
  REQUIRE(result.runs.size() == 6);
  for (Index k = 0; k < 6; ++k) {
    const auto& run = result.runs[k];
    CHECK(run.width == (k < 3 ? 4 : 8));
    CHECK(run.seed == 10 + k % 3);
    CHECK(!run.stopped);
    REQUIRE(run.rows.size() == 3);
    for (Index r = 0; r < 3; ++r) {
      CHECK(run.rows[r].step == result.tracked[r]);
      CHECK(run.rows[r].time == result.rate * static_cast<double>(result.tracked[r]));
      CHECK(run.rows[r].layers.size() == 3);
    }
    CHECK(run.start.has_value() == (k % 3 == 0));
    CHECK(run.end.has_value() == (k % 3 == 0));
  }
}

TEST_CASE("the default rate is a quarter of the critical rate of the limit kernel") {
  DriftPlan plan = plan_of({4});
  const DriftResult prepared = study::prepare_drift(plan, circle());
  const auto limit = limit_ntk(plan.architectures[0], circle().x);
  const double lambda_max = linalg::symmetric_eigenvalues(limit.values).back();
  // Two ways to write 2N / lambda_max, a few roundings apart.
  CHECK(prepared.critical_rate == doctest::Approx(critical_rate(lambda_max, 6)).epsilon(1e-14));
  CHECK(prepared.rate == 0.25 * prepared.critical_rate);
  CHECK(largest_difference(prepared.limit->values, limit.values) == 0);
  plan.rate = prepared.critical_rate;
  CHECK(contains(refusal(plan), "is not below the critical rate"));
  plan.force_rate = true;
  CHECK(study::prepare_drift(plan, circle()).rate == prepared.critical_rate);
  plan.rate = std::nextafter(prepared.critical_rate, 0);
  plan.force_rate = false;
  CHECK(refusal(plan).empty());
}

TEST_CASE("a time becomes the steps that reach it, and rounding adds none") {
  DriftPlan plan = plan_of({4});
  plan.steps.reset();
  for (const auto& [rate, time, steps] :
       {std::tuple{0.1, 42.0, 420}, {0.1, 42.05, 421}, {0.3, 0.9, 3}, {0.7, 1e-9, 1}}) {
    plan.rate = rate;
    plan.time = time;
    plan.track = "log:3";
    CHECK(study::prepare_drift(plan, circle()).steps == static_cast<Index>(steps));
  }
}

TEST_CASE("plans that cannot be are refused, each in a sentence") {
  const auto changed = [](auto&& change) {
    DriftPlan plan = plan_of({4});
    change(plan);
    return refusal(plan);
  };
  CHECK(contains(changed([](auto& p) { p.architectures.clear(); }), "no width"));
  CHECK(contains(changed([](auto& p) { p.seeds = 0; }), "at least 1"));
  CHECK(contains(changed([](auto& p) { p.time = 1.0; }), "both steps and time"));
  CHECK(contains(changed([](auto& p) { p.rate = -1.0; }), "rate is -1"));
  CHECK(contains(changed([](auto& p) { p.rate = std::nan(""); }), "rate is nan"));
  CHECK(contains(changed([](auto& p) { p.steps = 2'000'000'000; }), "a billion"));
  CHECK(contains(changed([](auto& p) { p.architectures[0].activation = "rellu"; }),
                 "identity, relu, leaky_relu(0.1), abs"));
  CHECK(contains(changed([](auto& p) { p.architectures[0].weight_scale = 1e200; }), "overflows"));
  CHECK(contains(changed([](auto& p) { p.architectures[0].widths[1] = Index{1} << 33; }), "memory"));
  CHECK(contains(changed([](auto& p) {
                   p.architectures[0].weight_scale = 0;
                   p.architectures[0].bias_scale = 0;
                 }),
                 "nothing can be trained"));
  CHECK(contains(changed([](auto& p) {
                   p.rate = 1e-46;
                   p.precision = study::Precision::f32;
                 }),
                 "out of the range of f32"));
  CHECK(contains(changed([](auto& p) {
                   p = plan_of({4, 8});
                   for (auto& a : p.architectures) a.parametrization = Parametrization::standard;
                 }),
                 "give one width"));
  CHECK(contains(changed([](auto& p) { p.first_seed = std::numeric_limits<std::uint64_t>::max() - 1; }),
                 "2^64"));
}

TEST_CASE("progress adds up to the whole work, also when networks diverge") {
  for (const double rate : {0.5, 5.0, 1e30}) {
    CAPTURE(rate);
    DriftPlan plan = plan_where_narrow_ones_explode();
    plan.rate = rate;
    std::uint64_t done = 0, calls = 0;
    const DriftResult result = study::run_drift(plan, circle(), [&](std::uint64_t work) {
#pragma omp critical(drift_study_test)
      {
        done += work;
        ++calls;
      }
    });
    CHECK(done == study::total_work(plan, result.steps));
    CHECK(calls >= 6);
    const auto stopped =
        std::count_if(result.runs.begin(), result.runs.end(), [](const auto& r) { return r.stopped; });
    CHECK(stopped == (rate < 1 ? 0 : rate < 10 ? 2 : 6));
  }
}

TEST_CASE("a width whose networks all stopped leaves the fit at the end, which the others still have") {
  const DriftPlan plan = plan_where_narrow_ones_explode();
  const DriftResult result = study::run_drift(plan, circle());
  for (Index k = 0; k < 6; ++k) {
    const auto& run = result.runs[k];
    REQUIRE(run.stopped == (k < 2));
    CHECK(run.end.has_value() == (k == 2 || k == 4));
    if (k >= 2) continue;
    CHECK(contains(run.message, "width 2, seed " + std::to_string(6 + k) + ": training diverged at step "));
    CHECK(!run.rows.empty());
  }
  for (const auto& fit : {result.kernel_change_fit, result.limit_distance_fit}) {
    REQUIRE(fit);
    CHECK(fit->seeds == 2);
  }
  CHECK(result.kernel_change_fit->left_out == 2);
  CHECK(result.limit_distance_fit->left_out == 0);
  const auto slope = [&](Index seed) {
    return std::log2(result.runs[4 + seed].rows.back().kernel_change /
                     result.runs[2 + seed].rows.back().kernel_change);
  };
  // Through two points the least-squares line is the line.
  CHECK(result.kernel_change_fit->exponent == doctest::Approx((slope(0) + slope(1)) / 2).epsilon(1e-12));
  const auto summary = study::summarize(plan, result);
  CHECK(summary[0].seeds == 0);
  CHECK(!summary[0].kernel_change);
  CHECK(!summary[0].last_loss);
  CHECK(summary[0].started == 2);
  const double distances = *result.runs[0].rows[0].limit_distance + *result.runs[1].rows[0].limit_distance;
  CHECK(summary[0].limit_distance == distances / 2);
  CHECK(summary[1].seeds == 2);
  const double mean =
      (result.runs[2].rows.back().kernel_change + result.runs[3].rows.back().kernel_change) / 2;
  CHECK(summary[1].kernel_change == mean);
}

TEST_CASE("when no network has a row, there is no study") {
  const auto data = data::Dataset<double>{Matrix<double>(3e19 * normal<double>(4, 2, 1)),
                                          normal<double>(4, 1, 2), "huge", ""};
  DriftPlan plan = plan_of({4});
  plan.precision = study::Precision::f32;
  plan.rate = 1e-37;
  plan.force_rate = true;
  const std::string message = message_of<UserError>([&] { (void)study::run_drift(plan, data); });
  CHECK(contains(message, "no network can be tracked: width 4, seed 10: "));
  CHECK(contains(message, "overflowed at step 0"));
  CHECK(contains(message, "or --precision f64"));
  // The loss of these targets overflows in double, which double does not mend.
  auto far = circle();
  far.y *= 1e200;
  const std::string already = message_of<UserError>([&] { (void)study::run_drift(plan_of({4}), far); });
  CHECK(contains(already, "training cannot begin: the loss is inf"));
  CHECK(!contains(already, "f64"));
}

TEST_CASE("zero targets have no alignment, zero shares no change") {
  auto data = circle();
  data.y.fill(0);
  DriftPlan plan = plan_of({4});
  plan.architectures[0].bias_scale = 0;
  for (const auto& run : study::run_drift(plan, data).runs)
    for (const auto& row : run.rows) {
      CHECK(!row.alignment);
      CHECK(row.kernel_distance);
      for (const auto& layer : row.layers) CHECK(layer.change);
    }
}

TEST_CASE("above the critical rate the frozen prediction may overflow alone, and its cell is empty") {
  // One example: the kernel is a number, and far above the rate 2/lambda the frozen network explodes while
  // the real one, relu units dying, stands still.
  const auto data = data::circle<double>({.examples = 1});
  DriftPlan plan = plan_of({4});
  plan.architectures[0] = {.widths = {2, 4, 1}, .activation = "relu", .bias_scale = 0};
  plan.seeds = 12;
  plan.steps = 300;
  plan.track = "300";
  plan.rate = 40;
  plan.force_rate = true;
  Index empty = 0;
  for (const auto& run : study::run_drift(plan, data).runs)
    for (const auto& row : run.rows) {
      CHECK(std::isfinite(row.output_gap.value_or(0)));
      if (!row.output_gap) ++empty;
    }
  CHECK(empty > 0);
}

TEST_CASE("the least memory counts networks that train together, in floating point") {
  DriftPlan plan = plan_of({100, 1000});
  const double one = study::least_memory(plan, 10, 1), two = study::least_memory(plan, 10, 2),
               all = study::least_memory(plan, 10, 6), more = study::least_memory(plan, 10, 7);
  // 3 P doubles at least of the widest, P = 3 * 1000 + 1001 * 1000 + 1001.
  CHECK(one > 3 * 8 * 1005001.0);
  CHECK(one < 1.2 * 3 * 8 * 1005001.0);
  const double shared = 8 * 10 * (2 + 2 * 10);  // inputs, and the limit with its eigenvectors
  CHECK(two - shared == 2 * (one - shared));
  CHECK(all > 3 * one);
  CHECK(all < 6 * one);
  CHECK(more == one);  // fewer networks than threads go one after another
  plan.precision = study::Precision::f32;
  CHECK(study::least_memory(plan, 10, 1) < 0.6 * one);
  DriftPlan long_inputs = plan;
  for (auto& a : long_inputs.architectures) a.widths.front() = 100'000'000;
  // Per network P and 2 parameter vectors more, and once the inputs.
  CHECK(study::least_memory(long_inputs, 1000, 1) > 4.0 * 1e8 * (3 * 1000 + 1000));
  plan.architectures[1].widths[1] = plan.architectures[1].widths[2] = Index{1} << 40;
  CHECK(study::least_memory(plan, 10, 1) > 0x1p80);
  CHECK(study::parameter_count(2, 1000, 1, 3) == 1005001);
  CHECK(study::parameter_count(2, 1000, 1, 1) == 3);
}

}  // namespace study_drift_study_test
