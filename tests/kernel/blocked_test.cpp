#include <doctest/doctest.h>
#include <omp.h>

#include <cstring>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/blocked.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>

#include "support/instrumented.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace kernel_blocked_test {

using namespace ntape;
using test::normal;

namespace {

template <class Real>
bool same_bits(const Matrix<Real>& a, const Matrix<Real>& b) {
  return shape_of(a) == shape_of(b) && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}

// The smallest budget for a plan.
double least(const EvaluationCost& cost, PlanRequest request) {
  request.budget = 1;
  const std::string refusal = test::message_of<UserError>([&] { (void)plan_kernel(cost, request); });
  const auto at = refusal.rfind(' ');
  REQUIRE(at != std::string::npos);
  return std::stod(refusal.substr(at)) * 0x1p20;
}

// Blocks of the kernel under several budgets, from the least to what keeps everything, against the whole.
template <class Real, class F>
void check_budgets(const F& f, const Parameters<Real>& theta, const EvaluationCost& cost,
                   const Matrix<Real>& x, const Matrix<Real>& x2, KernelForm form) {
  const bool symmetric = &x == &x2;
  const Matrix<Real> whole = empirical_ntk(f, theta, x, x2, form).values;
  PlanRequest request{x.shape(0), x2.shape(0), symmetric, form, sizeof(Real)};
  const double smallest = least(cost, request);
  const double everything = plan_kernel(cost, request).bytes().sum();
  for (const double part : {0.0, 0.5, 1.0}) {
    request.budget = smallest + part * std::max(0.0, everything - smallest);
    KernelPlan plan = plan_kernel(cost, request);
    // What the least memory of all would do, however small the network.
    if (part == 0) plan.panel = plan.block = plan.window = 256;
    CAPTURE(symmetric);
    CAPTURE(static_cast<int>(form));
    CAPTURE(plan.panel);
    CAPTURE(plan.block);
    CAPTURE(plan.window);
    CHECK(plan.bytes().sum() <= request.budget);
    if (part == 0) CHECK(plan.evaluated() > static_cast<double>(x.shape(0) + x2.shape(0)));
    KernelMatrix<Real> sink(plan);
    blocked_ntk<Real>(f, theta, x, x2, plan, sink);
    CHECK(same_bits(sink.kernel().values, whole));
  }
}

// A weight of the middle used twice; two outputs.
struct Twice {
  template <class Real>
  Var operator()(Tape<Real>& tape, const Parameters<Real>& theta, Var x) const {
    const Var first = tape.parameter(theta.entries[0].value), middle = tape.parameter(theta.entries[1].value);
    const Var last = tape.parameter(theta.entries[2].value);
    Var h = activation(tape, "tanh", linear(tape, x, first));
    h = activation(tape, "tanh", linear(tape, h, middle));
    return linear(tape, linear(tape, h, middle), last);
  }
};

template <class Real>
Parameters<Real> twice_parameters() {
  return {
      {{"a", 0, normal<Real>(5, 3, 1)}, {"b", 1, normal<Real>(5, 5, 2)}, {"c", 2, normal<Real>(2, 5, 3)}}};
}

}  // namespace

// Three outputs in the full form fill tiles with 384 rows of 128 examples; 1000 and 999 leave ragged ends in
// both directions.
TEST_CASE_TEMPLATE("a kernel has the same bits in any memory", Real, float, double) {
  const auto x = normal<Real>(1000, 5, 1), x2 = normal<Real>(999, 5, 2);
  for (const std::string activation : {"tanh", "relu"}) {
    if (test::kInstrumented && activation == "relu") continue;
    CAPTURE(activation);
    for (const KernelForm form : {KernelForm::full, KernelForm::trace}) {
      const Mlp<Real> model({.widths = {5, 24, 17, 3}, .activation = activation});
      const auto theta = model.initialize(Seed{3});
      const auto cost = evaluation_cost(model.architecture());
      check_budgets<Real>(model, theta, cost, x, x, form);
      check_budgets<Real>(model, theta, cost, x, x2, form);
    }
  }
  const Mlp<Real> model({.widths = {5, 24, 2}});
  const auto theta = model.initialize(Seed{3});
  check_budgets<Real>(model, theta, evaluation_cost(model.architecture()), x2, x2, KernelForm::diagonal);
}

TEST_CASE("a kernel in blocks has the same bits on any number of threads") {
  const auto x = normal<float>(700, 5, 1);
  const Mlp<float> model({.widths = {5, 300, 290, 1}});
  const auto theta = model.initialize(Seed{3});
  const auto cost = evaluation_cost(model.architecture());
  PlanRequest request{700, 700, true, KernelForm::full, sizeof(float)};
  request.budget = least(cost, request);
  const KernelPlan plan = plan_kernel(cost, request);
  REQUIRE(plan.panel == 256);
  const int before = omp_get_max_threads();
  const Matrix<float> whole = empirical_ntk(model, theta, x).values;
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    KernelMatrix<float> sink(plan);
    blocked_ntk<float>(model, theta, x, x, plan, sink);
    CHECK(same_bits(sink.kernel().values, whole));
  }
  omp_set_num_threads(before);
}

TEST_CASE("a network of one's own passes in blocks, too") {
  const auto theta = twice_parameters<double>();
  const auto x = normal<double>(700, 3, 4), x2 = normal<double>(520, 3, 5);
  Tape<double> tape;
  const auto probe = normal<double>(1, 3, 6);
  const auto cost =
      evaluation_cost(per_example_jacobian(tape, Twice()(tape, theta, tape.input(probe))), theta);
  check_budgets<double>(Twice(), theta, cost, x, x, KernelForm::full);
  check_budgets<double>(Twice(), theta, cost, x, x2, KernelForm::trace);
}

TEST_CASE("what is not wanted is not computed, and plans of other kernels are refused") {
  const auto x = normal<double>(600, 3, 4), x2 = normal<double>(20, 3, 5);
  const Mlp<double> model({.widths = {3, 6, 1}});
  const auto theta = model.initialize(Seed{3});
  const auto cost = evaluation_cost(model.architecture());
  KernelPlan plan = plan_kernel(cost, {.n1 = 600, .n2 = 600});
  plan.panel = plan.block = plan.window = 256;
  struct Diagonal final : KernelSink<double> {
    int windows = 0;
    bool wants(const GramWindow& at) const override { return at.first1 == at.first2; }
    void take(const GramWindow& at, const Kernel<double>& part) override {
      ++windows;
      CHECK(at.first1 == at.first2);
      CHECK(part.values.shape(0) == at.count1);
    }
  } sink;
  blocked_ntk<double>(model, theta, x, x, plan, sink);
  CHECK(sink.windows == 3);
  CHECK_THROWS_AS(blocked_ntk<double>(model, theta, x2, x2, plan, sink), ShapeError);
  CHECK_THROWS_AS(blocked_ntk<double>(model, theta, x, x2, plan, sink), ShapeError);
  plan.panel = 100;
  CHECK_THROWS_AS(blocked_ntk<double>(model, theta, x, x, plan, sink), ShapeError);
}

}  // namespace kernel_blocked_test
