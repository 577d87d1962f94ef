#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>
#include <ntape/ops/mean_square.hpp>
#include <ntape/train/descent.hpp>
#include <ntape/train/gradient.hpp>
#include <vector>

#include "support/allocations.hpp"
#include "support/instrumented.hpp"
#include "support/matrices.hpp"

namespace train_descent_test {

using namespace ntape;

namespace {

class Recorder final : public Observer<double> {
 public:
  explicit Recorder(Index stop_at = 1000000) : stop_at_(stop_at) {}
  bool observe(const TrainingState<double>& s) override {
    steps.push_back(s.step);
    losses.push_back(s.loss);
    return s.step < stop_at_;
  }
  void finish(const TrainingState<double>&) override { ++finished; }
  std::vector<Index> steps;
  std::vector<double> losses;
  int finished = 0;

 private:
  Index stop_at_;
};

// Asks for the Jacobian at every step, as one that tracks a kernel does.
class Watcher final : public Observer<double> {
 public:
  bool observe(const TrainingState<double>& s) override {
    const Jacobian<double>& j = s.jacobian();
    CHECK(&j == &s.jacobian());
    j.require_current();
    uses = j.uses.size();
    return true;
  }
  Index uses = 0;
};

// A weight used twice, once behind a batch-free op; a gain, whose block is dense.
const auto tied = [](auto& tape, const auto& theta, Var x) {
  const Var w = tape.parameter(theta.entries[0].value), g = tape.parameter(theta.entries[1].value),
            b = tape.parameter(theta.entries[2].value);
  Var h = activation(tape, "tanh", affine(tape, x, w, b));
  h = row_gain(tape, linear(tape, h, transpose(tape, w)), g);
  return linear(tape, h, g);
};

// An op that mixes examples on the way: no per-example Jacobian exists.
const auto centred = [](auto& tape, const auto& theta, Var x) {
  const Var h = linear(tape, x, tape.parameter(theta.entries[0].value));
  const Var apart = subtract(tape, h, mean_examples(tape, h));
  return linear(tape, slice_columns(tape, apart, 0, 2), tape.parameter(theta.entries[1].value));
};

double largest_difference(const Parameters<double>& a, const Parameters<double>& b) {
  double top = 0;
  for (Index e = 0; e < a.entries.size(); ++e)
    top = std::max(top, test::largest_difference(a.entries[e].value, b.entries[e].value));
  return top;
}

const Architecture kSmall{.widths = {2, 24, 24, 1}, .activation = "tanh"};

}  // namespace

TEST_CASE("the observer sees every step once, and losses fall at a small rate") {
  const Mlp<double> model(kSmall);
  auto theta = model.initialize(Seed{1});
  const auto data = data::gaussian_product<double>({.examples = 32});
  Recorder recorder;
  const auto result = gradient_descent(model, theta, data, {.rate = .1, .steps = 20}, recorder);
  REQUIRE(recorder.steps.size() == 21);
  for (Index k = 0; k <= 20; ++k) CHECK(recorder.steps[k] == k);
  for (Index k = 1; k <= 20; ++k) CHECK(recorder.losses[k] < recorder.losses[k - 1]);
  CHECK(recorder.finished == 1);
  CHECK(result.steps == 20);
  CHECK_FALSE(result.diverged);
  CHECK(result.loss == mean_square(evaluate(model, theta, data.x), data.y));
}

TEST_CASE("an observer can stop the run") {
  const Mlp<double> model(kSmall);
  auto theta = model.initialize(Seed{1});
  Recorder recorder(5);
  CHECK(gradient_descent(model, theta, data::gaussian_product<double>({.examples = 8}),
                         {.rate = .1, .steps = 20}, recorder)
            .steps == 5);
}

TEST_CASE("twenty steps are ten and ten more, bit for bit") {
  const Mlp<double> model(kSmall);
  const auto data = data::gaussian_product<double>({.examples = 16});
  auto once = model.initialize(Seed{1}), twice = model.initialize(Seed{1});
  gradient_descent(model, once, data, {.rate = .2, .steps = 20});
  gradient_descent(model, twice, data, {.rate = .2, .steps = 10});
  gradient_descent(model, twice, data, {.rate = .2, .steps = 10});
  CHECK(distance(once, twice) == 0);
}

TEST_CASE("momentum is the heavy ball from rest, whichever way a step is made") {
  const auto data = data::gaussian_product<double>({.examples = 7});
  const Mlp<double> model(kSmall);
  const Parameters<double> other{{{"w", 0, test::normal<double>(2, 2, 1)},
                                  {"g", 0, test::normal<double>(1, 2, 2)},
                                  {"b", 0, test::normal<double>(1, 2, 3)}}};
  constexpr double kRate = .05, kMomentum = .8;
  const auto check = [&](const auto& f, const Parameters<double>& start) {
    auto now = start, before = start;
    for (Index k = 0; k < 12; ++k) {
      auto next = now;
      add_scaled(next, -kRate, gradient(f, now, data.x, data.y));
      add_scaled(next, kMomentum, now);
      add_scaled(next, -kMomentum, before);
      before = now;
      now = next;
    }
    auto theta = start;
    gradient_descent(f, theta, data, {.rate = kRate, .steps = 12, .momentum = kMomentum});
    // 12 steps of numbers of order 1, each rounding by 1e-16 or so.
    CHECK(largest_difference(theta, now) < 1e-13);
    auto plain = start;
    gradient_descent(f, plain, data, {.rate = kRate, .steps = 12});
    CHECK(largest_difference(theta, plain) > 1e-3);
  };
  check(model, model.initialize(Seed{1}));  // by blocks
  check(tied, other);                       // by a sweep, one block dense
}

TEST_CASE("a step allocates nothing: twenty steps allocate what ten do") {
  const Mlp<double> model(kSmall);
  const auto data = data::gaussian_product<double>({.examples = 16});
  for (const double momentum : {0.0, 0.9}) {
    const auto allocations_of = [&](Index steps) {
      auto theta = model.initialize(Seed{1});
      const std::size_t before = test::allocations();
      gradient_descent(model, theta, data, {.rate = .02, .steps = steps, .momentum = momentum});
      return test::allocations() - before;
    };
    CHECK(allocations_of(20) == allocations_of(10));
    CHECK((test::kInstrumented || allocations_of(10) > 0));
  }
}

TEST_CASE("watching the Jacobian changes no bit of training, and allocates only once") {
  for (const Index outputs : {1, 2}) {
    CAPTURE(outputs);
    const Mlp<double> model({.widths = {2, 24, 24, outputs}, .activation = "tanh"});
    const auto x = test::normal<double>(16, 2, 1), y = test::normal<double>(16, outputs, 2);
    const data::Dataset<double> data{x, y, "", ""};
    const auto start = model.initialize(Seed{1});
    auto watched = start, alone = start;
    Watcher watcher;
    const auto allocations_of = [&](Index steps) {
      auto theta = start;
      const std::size_t before = test::allocations();
      gradient_descent(model, theta, data, {.rate = .1, .steps = steps}, watcher);
      return test::allocations() - before;
    };
    gradient_descent(model, watched, data, {.rate = .1, .steps = 20}, watcher);
    gradient_descent(model, alone, data, {.rate = .1, .steps = 20});
    CHECK(largest_difference(watched, alone) == 0);
    CHECK(watcher.uses == 6);
    if (outputs == 1) CHECK(allocations_of(20) == allocations_of(10));
  }
}

// Rounding of sums of 16 examples apart, by whichever way a parameter is used.
TEST_CASE("twenty steps are twenty gradients, whatever the uses of the parameters") {
  const Mlp<double> plain({.widths = {2, 7, 1}, .activation = "tanh"});
  const Mlp<double> wide({.widths = {2, 7, 3}, .activation = "tanh", .layer_norm = true});
  const Parameters<double> shared{{{"W", 0, test::normal<double>(5, 2, 4)},
                                   {"g", 0, test::normal<double>(1, 2, 5)},
                                   {"b", 0, test::normal<double>(1, 5, 6)}}};
  const auto check = [](const auto& network, Parameters<double> theta, Index outputs) {
    const auto x = test::normal<double>(16, 2, 1), y = test::normal<double>(16, outputs, 2);
    auto expected = theta;
    for (int step = 0; step < 20; ++step) add_scaled(expected, -0.1, gradient(network, expected, x, y));
    gradient_descent(network, theta, data::Dataset<double>{x, y, "", ""}, {.rate = .1, .steps = 20});
    CHECK(largest_difference(theta, expected) < 1e-15 * 16 * 20);
  };
  check(plain, plain.initialize(Seed{1}), 1);
  check(wide, wide.initialize(Seed{2}), 3);
  check(tied, shared, 1);
  check(centred, shared, 1);
}

TEST_CASE("training cannot begin at a loss that is not finite") {
  const Mlp<double> model(kSmall);
  auto theta = model.initialize(Seed{1});
  auto data = data::gaussian_product<double>({.examples = 8});
  for (double& target : data.y) target = 1e200;  // its square is not a double
  const auto result = gradient_descent(model, theta, data, {.rate = .1, .steps = 3});
  CHECK(result.diverged);
  CHECK(result.steps == 0);
  CHECK(largest_difference(theta, model.initialize(Seed{1})) == 0);
}

// An observer that looks at one of two inputs does not share what was computed of both.
TEST_CASE("a training state knows whether a matrix is its only input") {
  Matrix<double> x = test::normal<double>(4, 2, 1), z = test::normal<double>(4, 2, 2);
  const Parameters<double> theta{{{"W", 0, test::normal<double>(1, 2, 3)}}};
  for (const bool both : {false, true}) {
    Tape<double> tape;
    const Var w = tape.parameter(theta.entries[0].value);
    Var y = linear(tape, tape.input(x), w);
    if (both) y = add(tape, y, linear(tape, tape.input(z), w));
    const TrainingState<double> state{0, 0, 0, theta, tape.value(y), tape, y, {}};
    CHECK(state.reads(x) == !both);
    CHECK_FALSE(state.reads(z));
  }
}

TEST_CASE("divergence stops the run and says so") {
  const Mlp<double> model({.widths = {2, 24, 24, 1}, .activation = "relu"});
  auto theta = model.initialize(Seed{1});
  const auto result = gradient_descent(model, theta, data::gaussian_product<double>({.examples = 16}),
                                       {.rate = 1e6, .steps = 100});
  CHECK(result.diverged);
  CHECK(result.message.find("diverged at step") != std::string::npos);
  CHECK(result.steps < 100);
}

TEST_CASE("bad rates and shapes are refused") {
  const Mlp<double> model(kSmall);
  auto theta = model.initialize(Seed{1});
  const auto data = data::gaussian_product<double>({.examples = 8});
  for (const double rate : {0., -1., std::numeric_limits<double>::infinity(), std::nan("")})
    CHECK_THROWS_AS(gradient_descent(model, theta, data, {.rate = rate, .steps = 1}), UserError);
  for (const double momentum : {-.1, 1., std::nan("")})
    CHECK_THROWS_AS(gradient_descent(model, theta, data, {.rate = 1, .steps = 1, .momentum = momentum}),
                    UserError);
  auto wide = data;
  wide.y = zeros<double>(8, 2);
  CHECK_THROWS_AS(gradient_descent(model, theta, wide, {.rate = 1, .steps = 1}), ShapeError);
}

}  // namespace train_descent_test
