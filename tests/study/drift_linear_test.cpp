#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/linearized.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/path_track.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace study_drift_linear_test {

using namespace ntape;
using namespace ntape::test;
using study::DriftPlan;

namespace {

DriftPlan plan_of(Index outputs, double momentum) {
  DriftPlan plan;
  plan.architectures = {{.widths = {3, 20, 20, outputs}, .activation = "tanh", .bias_scale = .2}};
  plan.widths = {20};
  plan.seeds = 1;
  plan.first_seed = 8;
  plan.steps = 40;
  plan.track = "0,1,40";
  plan.rate = .3;
  plan.momentum = momentum;
  return plan;
}

data::Dataset<double> data_of(Index examples, Index outputs, std::uint64_t stream) {
  return {normal<double>(examples, 3, stream), normal<double>(examples, outputs, stream + 1), "made", ""};
}

double rms(const Matrix<double>& a, const Matrix<double>& b) {
  double sum = 0;
  for (Index k = 0; k < a.size(); ++k) sum += std::pow(a.data()[k] - b.data()[k], 2);
  return std::sqrt(sum / static_cast<double>(a.shape(0)));
}

}  // namespace

// The law that ties function space to parameter space (tests/laws) holds to 1e-13 here, and so do gaps to it.
TEST_CASE("gaps on training and test inputs are those to the linearized network, trained alike") {
  for (const Index outputs : {Index{1}, Index{2}})
    for (const double momentum : {0.0, 0.7}) {
      const auto data = data_of(6, outputs, 1);
      DriftPlan plan = plan_of(outputs, momentum);
      plan.test = data_of(4, outputs, 5);
      const auto result = study::run_drift(plan, data);
      REQUIRE(result.runs[0].rows.size() == 3);
      const Mlp<double> model(plan.architectures[0]);
      const auto start = model.initialize(Seed{8});
      for (const auto& row : result.runs[0].rows) {
        const DescentOptions options{.rate = .3, .steps = row.step, .momentum = momentum};
        auto theta = start, linear = start;
        gradient_descent(model, theta, data, options);
        gradient_descent(linearize(model, start), linear, data, options);
        const auto at = [&](const Matrix<double>& x) {
          Tape<double> tape;
          const Var f = linearize(model, start)(tape, linear, tape.input(x));
          return rms(evaluate(model, theta, x), tape.value(f));
        };
        REQUIRE(row.test_output_gap);
        CHECK(std::abs(*row.output_gap - at(data.x)) < 1e-10);
        CHECK(std::abs(*row.test_output_gap - at(plan.test.x)) < 1e-10);
        if (row.step == 40) CHECK(*row.test_output_gap > 1e-3);
        const double rms_loss = rms(evaluate(model, theta, plan.test.x), plan.test.y);
        CHECK(*row.test_loss == doctest::Approx(rms_loss * rms_loss / 2).epsilon(1e-14));
      }
    }
}

namespace {

// Descent on outputs by a constant kernel, step by step, on the training set and elsewhere.
struct Iterated {
  Matrix<double> f, there;
};
Iterated iterate(const Matrix<double>& kernel, const Matrix<double>& across, Iterated start,
                 const Matrix<double>& y, const DescentOptions& o) {
  Iterated now = start, last = start;
  for (Index s = 0; s < o.steps; ++s) {
    Matrix<double> u = now.f;
    for (Index k = 0; k < u.size(); ++k) u.data()[k] -= y.data()[k];
    const auto step = [&](Matrix<double>& f, Matrix<double>& before, const Matrix<double>& by) {
      const Matrix<double> move =
          linalg::gram(linalg::view(by), linalg::view(Matrix<double>(xt::transpose(u))));
      const Matrix<double> at = f;
      for (Index k = 0; k < f.size(); ++k)
        f.data()[k] += o.momentum * (at.data()[k] - before.data()[k]) -
                       o.rate / static_cast<double>(y.shape(0)) * move.data()[k];
      before = at;
    };
    step(now.f, last.f, kernel);
    step(now.there, last.there, across);
  }
  return now;
}

}  // namespace

TEST_CASE("network, linearization and infinite width stand side by side, from one start") {
  for (const Index outputs : {Index{1}, Index{2}})
    for (const double momentum : {0.0, 0.7}) {
      const auto data = data_of(6, outputs, 1);
      DriftPlan plan = plan_of(outputs, momentum);
      plan.test = {normal<double>(4, 3, 5), zeros<double>(0, 0), "inputs", ""};
      plan.keep_outputs = true;
      const auto result = study::run_drift(plan, data);
      const auto& run = result.runs[0];
      REQUIRE(run.outputs.size() == 3);
      const Mlp<double> model(plan.architectures[0]);
      const auto start = model.initialize(Seed{8});
      const Iterated f0{evaluate(model, start, data.x), evaluate(model, start, plan.test.x)};
      const auto limit = limit_kernels(plan.architectures[0], data.x).ntk.values,
                 across = limit_kernels(plan.architectures[0], plan.test.x, data.x).ntk.values;
      for (Index t = 0; t < 3; ++t) {
        const auto& now = run.outputs[t];
        const DescentOptions options{.rate = .3, .steps = run.rows[t].step, .momentum = momentum};
        auto theta = start, linear = start;
        gradient_descent(model, theta, data, options);
        gradient_descent(linearize(model, start), linear, data, options);
        const auto linearized = [&](const Matrix<double>& x) {
          Tape<double> tape;
          const Var f = linearize(model, start)(tape, linear, tape.input(x));
          return Matrix<double>(tape.value(f));
        };
        const Iterated infinite = iterate(limit, across, f0, data.y, options);
        CHECK(largest_difference(now.train.network, evaluate(model, theta, data.x)) < 1e-13);
        CHECK(largest_difference(now.test.network, evaluate(model, theta, plan.test.x)) < 1e-13);
        CHECK(largest_difference(now.train.frozen, linearized(data.x)) < 1e-10);
        CHECK(largest_difference(now.test.frozen, linearized(plan.test.x)) < 1e-10);
        // 40 steps of numbers of order 1, stable ones, which forget rounding.
        CHECK(largest_difference(now.train.limit, infinite.f) < 1e-13);
        CHECK(largest_difference(now.test.limit, infinite.there) < 1e-13);
        CHECK(*run.rows[t].limit_gap == doctest::Approx(rms(now.train.network, infinite.f)).epsilon(1e-9));
        CHECK(*run.rows[t].test_limit_gap ==
              doctest::Approx(rms(now.test.network, infinite.there)).epsilon(1e-9));
        if (t > 0) continue;
        CHECK(largest_difference(now.train.network, now.train.limit) == 0);
        CHECK(largest_difference(now.test.frozen, now.test.limit) == 0);
      }
    }
}

TEST_CASE("the gap to infinite width falls as the distance of the kernels at the start, by n^-1/2") {
  const auto data = data_of(6, 1, 1);
  DriftPlan plan;
  for (const Index width : {32, 2048}) {
    plan.architectures.push_back({.widths = {3, width, 1}, .activation = "tanh", .bias_scale = .2});
    plan.widths.push_back(width);
  }
  plan.seeds = 8;
  plan.steps = 20;
  plan.rate_multiple = .25;
  plan.test = data_of(4, 1, 5);
  const auto result = study::run_drift(plan, data);
  for (const auto gap : {&study::DriftRow::limit_gap, &study::DriftRow::test_limit_gap}) {
    double narrow = 0, wide = 0;
    for (Index s = 0; s < 8; ++s) {
      narrow += *(result.runs[s].rows.back().*gap);
      wide += *(result.runs[8 + s].rows.back().*gap);
    }
    // 8, from two means of 8 that scatter by a fifth each: half and twice are three standard errors.
    CHECK(narrow / wide > 4);
    CHECK(narrow / wide < 16);
  }
}

TEST_CASE("a prediction beside that overflows leaves its gap empty and nothing else") {
  const auto data = data_of(1, 1, 1);
  DriftPlan plan = plan_of(1, 0);
  // Far above the critical rate of the limit; the first step switches some of these networks off.
  plan.architectures = {{.widths = {3, 1, 1}, .activation = "relu", .bias_scale = 0}};
  plan.rate = 1e12;
  plan.force_rate = true;
  plan.seeds = 8;
  plan.keep_outputs = true;
  const auto result = study::run_drift(plan, data);
  bool seen = false;
  for (const auto& run : result.runs) {
    CHECK(run.outputs.size() == run.rows.size());
    for (const auto& row : run.rows) {
      seen = seen || !row.limit_gap;
      if (row.limit_gap) CHECK(std::isfinite(*row.limit_gap));
    }
  }
  CHECK(seen);
}

TEST_CASE("what is asked for beside changes no other figure, and without it nothing is there") {
  const auto data = data_of(6, 2, 1);
  const DriftPlan plain = plan_of(2, 0);
  DriftPlan more = plain;
  more.test = {normal<double>(4, 3, 5), zeros<double>(0, 0), "inputs", ""};
  more.certificate = more.keep_outputs = true;
  const auto a = study::run_drift(plain, data), b = study::run_drift(more, data);
  for (Index k = 0; k < 3; ++k) {
    const auto &without = a.runs[0].rows[k], &with = b.runs[0].rows[k];
    CHECK(without.loss == with.loss);
    CHECK(without.kernel_change == with.kernel_change);
    CHECK(without.output_gap == with.output_gap);
    CHECK(without.limit_gap == with.limit_gap);
    CHECK((!without.test_output_gap && !without.test_limit_gap && !without.test_loss && !without.step_size &&
           !without.path_gap));
    CHECK((with.test_output_gap && with.path_gap && !with.test_loss));
    CHECK(with.step_residual.has_value() == (k > 0));
  }
}

// The certificate takes Theta_t u as J_t (J_t^T u) from the tape of training; here kernels are recorded.
TEST_CASE("the certificate is that of recorded kernels, for any objective, momentum and rates by entry") {
  const data::Dataset<double> data = data_of(5, 2, 1);
  data::Dataset<double> signs = data;
  for (double& v : signs.y) v = v < 0 ? -1 : 1;
  const Mlp<double> model({.widths = {3, 12, 2}, .activation = "tanh", .bias_scale = .2});
  struct Both final : Observer<double> {
    const Mlp<double>& model;
    const data::Dataset<double>& data;
    PathTrack<double> track;
    PathPrediction recorded;
    Parameters<double> weights;  // D of the kernel J D J^T
    Index steps = 0;
    Both(const Mlp<double>& m, const data::Dataset<double>& d, const DescentOptions& o)
        : model(m), data(d), track(d.y, o), recorded(o.rate, o.momentum, [this, o](const Matrix<double>& f) {
            Stack<double> slope = make_stack<double>(1, f.shape(0), f.shape(1));
            objective<double>(o.objective)->cotangent(f, data.y, slope);
            Matrix<double> u = f;
            std::copy(slope.begin(), slope.end(), u.begin());
            return u;
          }) {}
    bool observe(const TrainingState<double>& s) override {
      track.observe(s);
      recorded.arrive(s.outputs);
      // 20 steps of numbers of order 1, each rounding by 1e-16 a few times.
      CHECK(largest_difference(track.path().predicted(), recorded.predicted()) < 1e-13);
      CHECK(largest_difference(track.path().residual(), recorded.residual()) < 1e-13);
      CHECK(largest_difference(track.path().step(), recorded.step()) < 1e-13);
      const Matrix<double> kernel =
          network_kernel(model, s.theta, data.x, data.x, KernelOptions<double>{.preconditioner = &weights})
              .kernel.values;
      recorded.depart([&](const Matrix<double>& u) { return kernel_product(kernel, u); });
      ++steps;
      return true;
    }
  };
  for (const char* name : {"mean_square", "logistic"})
    for (const bool uneven : {false, true}) {
      CAPTURE(name);
      DescentOptions options{.rate = .2, .steps = 20, .objective = name, .momentum = .4};
      if (uneven) options.rate_factors = {1, .5, 2, .1};
      auto theta = model.initialize(Seed{2});
      Both both(model, signs, options);
      both.weights = zeros_like(theta);
      for (Index e = 0; e < 4; ++e) both.weights.entries[e].value.fill(uneven ? options.rate_factors[e] : 1);
      gradient_descent(model, theta, signs, options, both);
      CHECK(both.steps == 21);
    }
}

TEST_CASE("between tracked steps the largest residual is kept, and rounding is told from residuals") {
  const auto data = data_of(6, 2, 1);
  DriftPlan every = plan_of(2, .5);
  every.certificate = true;
  every.track = "every:1";
  DriftPlan some = every;
  some.track = "0,7,40";
  const auto all = study::run_drift(every, data).runs[0].rows,
             few = study::run_drift(some, data).runs[0].rows;
  CHECK(!few[0].step_residual_max);
  for (Index k = 1; k < few.size(); ++k) {
    double largest = 0;
    for (Index s = few[k - 1].step + 1; s <= few[k].step; ++s)
      largest = std::max(largest, *all[s].step_residual);
    CHECK(*few[k].step_residual_max == largest);
    CHECK(*few[k].step_residual <= largest);
    CHECK(!few[k].residual_is_rounding);
  }
  for (const auto& row : all) CHECK(row.step_residual_max == row.step_residual);
  // A residual goes as the square of the rate: 1e-10 of outputs of order 1 is seen in double only.
  for (const auto precision : {study::Precision::f32, study::Precision::f64}) {
    DriftPlan slow = plan_of(2, 0);
    slow.certificate = true;
    slow.rate = 1e-5;
    slow.precision = precision;
    CHECK(study::run_drift(slow, data).runs[0].rows[1].residual_is_rounding ==
          (precision == study::Precision::f32));
  }
}

TEST_CASE("test data that do not fit are refused") {
  const auto data = data_of(6, 2, 1);
  const auto refusal = [&](data::Dataset<double> test) {
    DriftPlan plan = plan_of(2, 0);
    plan.test = std::move(test);
    return message_of<UserError>([&] { (void)study::prepare_drift(plan, data); });
  };
  CHECK(contains(refusal({normal<double>(4, 2, 5), zeros<double>(0, 0), "t", ""}), "2 columns"));
  CHECK(contains(refusal({normal<double>(4, 3, 5), zeros<double>(4, 1), "t", ""}), "4 x 2 are needed"));
  auto bad = data_of(4, 2, 5);
  bad.x(1, 0) = std::nan("");
  CHECK(contains(refusal(bad), "row 1, column 0"));
}

}  // namespace study_drift_linear_test
