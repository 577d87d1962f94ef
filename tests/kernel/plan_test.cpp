#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/kernel/plan.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>
#include <sstream>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace kernel_plan_test {

using namespace ntape;
using test::contains;
using test::message_of;
using test::normal;

namespace {

const Architecture kWide{.widths = {784, 1024, 1024, 1024, 1}};

EvaluationCost recorded(const Architecture& architecture) {
  const Mlp<double> model(architecture);
  const auto theta = model.initialize(Seed{1});
  const auto x = normal<double>(2, architecture.widths.front(), 2);
  Tape<double> tape;
  return evaluation_cost(per_example_jacobian(tape, model(tape, theta, tape.input(x))), theta);
}

}  // namespace

TEST_CASE("an architecture costs what its tape says") {
  for (const Architecture& a :
       {Architecture{.widths = {3, 2}}, Architecture{.widths = {3, 7, 5, 2}},
        Architecture{.widths = {3, 7, 7, 7, 2}, .residual = true},
        Architecture{.widths = {3, 7, 7, 4, 1}, .activation = "tanh", .residual = true, .layer_norm = true}})
    CHECK(evaluation_cost(a) == recorded(a));
}

TEST_CASE("a network with dense blocks is not planned") {
  const auto w = normal<double>(4, 3, 1), x = normal<double>(2, 3, 2);
  const Parameters<double> theta{{{"w", 0, w}}};
  Tape<double> tape;
  const Var weight = tape.parameter(theta.entries[0].value), h = linear(tape, tape.input(x), weight);
  const Var y = linear(tape, h, transpose(tape, weight));
  CHECK(contains(message_of<UserError>([&] { (void)evaluation_cost(per_example_jacobian(tape, y), theta); }),
                 "outer products"));
}

// Memory grows by a factor until everything fits: plans keep to it and evaluate fewer and fewer examples.
TEST_CASE("plans keep to their budget and use it") {
  const EvaluationCost cost = evaluation_cost(kWide);
  for (const bool symmetric : {true, false})
    for (const Index n2 : {Index{60000}, Index{700}}) {
      if (symmetric && n2 != 60000) continue;
      PlanRequest request{60000, n2, symmetric, KernelForm::trace, sizeof(float)};
      const double once = symmetric ? 60000.0 : 60000.0 + static_cast<double>(n2);
      double before = HUGE_VAL, evaluated = 0;
      for (request.budget = 0x1p29; request.budget < 0x1p34; request.budget *= 1.5) {
        CAPTURE(symmetric);
        CAPTURE(n2);
        CAPTURE(request.budget);
        const KernelPlan plan = plan_kernel(cost, request);
        CHECK(plan.bytes().sum() <= request.budget);
        evaluated = plan.evaluated();
        CHECK(evaluated >= once);
        // Larger windows may cost a twentieth of them, and panels are rounded to 256 examples each.
        CHECK(evaluated <= 1.06 * before);
        before = evaluated;
        CHECK((plan.panel % 256 == 0 || plan.panel == request.n1));
        CHECK((plan.block % 256 == 0 || plan.block == request.n2));
      }
      CHECK(evaluated == once);
    }
}

TEST_CASE("the smallest budget that is named would do, and less would not") {
  const EvaluationCost cost = evaluation_cost(kWide);
  for (const Index n : {Index{10}, Index{256}, Index{3000}}) {
    CAPTURE(n);
    PlanRequest request{n, n, true, KernelForm::trace, sizeof(float), 1000, 1e8};
    const std::string refusal = message_of<UserError>([&] { (void)plan_kernel(cost, request); });
    CHECK(contains(refusal, "does not fit in 0.977 KiB"));
    const double named = std::stod(refusal.substr(refusal.rfind(' ')));
    CHECK(refusal.ends_with("MiB"));
    request.budget = named * 0x1p20;
    CHECK_NOTHROW((void)plan_kernel(cost, request));
    request.budget = (named - 1) * 0x1p20;
    CHECK_THROWS_AS((void)plan_kernel(cost, request), UserError);
  }
  CHECK_THROWS_AS((void)plan_kernel(cost, {.n1 = 0, .n2 = 0}), UserError);
  CHECK_THROWS_AS((void)plan_kernel(cost, {.n1 = 2, .n2 = 3}), ShapeError);
}

// By hand: 2 n_l n_{l+1} a forward product and example; a reverse one in every layer but the first; pairs of
// examples times 2 n, half of them for a symmetric kernel.
TEST_CASE("flops are those of the products, layer by layer") {
  const EvaluationCost cost = evaluation_cost(Architecture{.widths = {10, 20, 3}});
  const KernelPlan plan = plan_kernel(cost, {.n1 = 100, .n2 = 100, .form = KernelForm::full});
  const auto first = plan.flops(0), last = plan.flops(1);
  CHECK(first.forward == 100 * 2 * 10 * 20);
  CHECK(first.reverse == 0);
  CHECK(first.input_grams == 100 * 100 * 10);
  CHECK(first.cotangent_grams == 9 * 100 * 100 * 20);
  CHECK(last.reverse == 100 * 3 * 2 * 20 * 3);
  CHECK(last.sum() == last.forward + last.reverse + 100 * 100 * 20 + 9 * 100 * 100 * 3);
}

TEST_CASE("a plan says in words what is kept, what is done again, bytes and flops") {
  std::ostringstream text;
  const EvaluationCost cost = evaluation_cost(kWide);
  PlanRequest request{60000, 60000, true, KernelForm::trace, sizeof(float), 0x1p30};
  explain(plan_kernel(cost, request), text);
  for (const char* part : {"trace, 60000 x 60000 examples, 1 output, f32, symmetric",
                           "evaluated again for each", "of a budget of 1 GiB", "at the peak", "layer", "all"})
    CHECK(contains(text.str(), part));
  std::ostringstream small;
  request.n1 = request.n2 = 100;
  explain(plan_kernel(cost, request), small);
  CHECK(contains(small.str(), "all 100 evaluated once and kept"));
}

}  // namespace kernel_plan_test
