#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/mean_square.hpp>
#include <ntape/train/descent.hpp>
#include <vector>

#include "support/allocations.hpp"

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

TEST_CASE("a step allocates nothing: twenty steps allocate what ten do") {
  const Mlp<double> model(kSmall);
  const auto data = data::gaussian_product<double>({.examples = 16});
  const auto allocations_of = [&](Index steps) {
    auto theta = model.initialize(Seed{1});
    const std::size_t before = test::allocations();
    gradient_descent(model, theta, data, {.rate = .2, .steps = steps});
    return test::allocations() - before;
  };
  CHECK(allocations_of(20) == allocations_of(10));
  CHECK(allocations_of(10) > 0);
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
  auto wide = data;
  wide.y = zeros<double>(8, 2);
  CHECK_THROWS_AS(gradient_descent(model, theta, wide, {.rate = 1, .steps = 1}), ShapeError);
}
