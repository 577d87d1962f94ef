#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/train/descent.hpp>
#include <ntape/train/gradient.hpp>

#include "support/cases.hpp"
#include "support/matrices.hpp"

namespace train_gradient_test {

using namespace ntape;
using test::normal;

namespace {

const Architecture kNet{
    .widths = {3, 8, 8, 2}, .activation = "tanh", .bias_scale = 0.3, .residual = true, .layer_norm = true};

double largest_difference(const Parameters<double>& a, const Parameters<double>& b) {
  double top = 0;
  for (Index e = 0; e < a.entries.size(); ++e)
    top = std::max(top, test::largest_difference(a.entries[e].value, b.entries[e].value));
  return top;
}

}  // namespace

// Central differences with h = 1e-5: truncation h^2 times third derivatives of order 10, rounding 1e-16 / h.
TEST_CASE("the gradient of every objective is its derivative, the Hessian product that of the gradient") {
  const Mlp<double> model(kNet);
  const auto theta = model.initialize(Seed{1}), v = model.initialize(Seed{2});
  const auto x = normal<double>(5, 3, 1);
  for (const auto& c : test::objective_cases()) {
    CAPTURE(c.name);
    const auto y = c.targets(5, 2);
    auto ahead = theta, behind = theta;
    add_scaled(ahead, 1e-5, v);
    add_scaled(behind, -1e-5, v);
    const auto cost = objective<double>(c.name);
    const auto slope =
        (cost->value(evaluate(model, ahead, x), y) - cost->value(evaluate(model, behind, x), y)) / 2e-5;
    CHECK(std::abs(dot(gradient(model, theta, x, y, c.name), v) - slope) < 1e-8);

    const auto product = hessian_vector_product(Mlp<Dual<double>>(kNet), theta, v, x, y, c.name);
    auto difference = gradient(model, ahead, x, y, c.name);
    add_scaled(difference, -1, gradient(model, behind, x, y, c.name));
    for (auto& entry : difference.entries)
      for (double& d : entry.value) d /= 2e-5;
    CHECK(largest_difference(product, difference) < 1e-8);
    CHECK(std::sqrt(dot(product, product)) > 1e-3);
  }
}

// <u, H v> = <H u, v>: sums of a hundred products, each a few roundings deep.
TEST_CASE("the Hessian is symmetric") {
  const Mlp<Dual<double>> model(kNet);
  const Mlp<double> plain(kNet);
  const auto theta = plain.initialize(Seed{1}), u = plain.initialize(Seed{2}), v = plain.initialize(Seed{3});
  const auto x = normal<double>(5, 3, 1), y = normal<double>(5, 2, 2);
  const double there = dot(u, hessian_vector_product(model, theta, v, x, y));
  CHECK(std::abs(there - dot(hessian_vector_product(model, theta, u, x, y), v)) <
        1e-12 * (1 + std::abs(there)));
}

TEST_CASE("one step of descent goes down the gradient, on every objective, for a function too") {
  const Mlp<double> model(kNet);
  const auto function = [&](auto& tape, const auto& theta, Var x) { return model(tape, theta, x); };
  const auto x = normal<double>(5, 3, 1);
  for (const auto& c : test::objective_cases()) {
    const data::Dataset<double> data{x, c.targets(5, 2), c.name, ""};
    auto theta = model.initialize(Seed{1});
    auto expected = theta, other = theta;
    add_scaled(expected, -0.1, gradient(model, theta, x, data.y, c.name));
    gradient_descent(model, theta, data, {.rate = 0.1, .steps = 1, .objective = c.name});
    gradient_descent(function, other, data, {.rate = 0.1, .steps = 1, .objective = c.name});
    // A step subtracts eta d^T a as one product, whose sums of 5 examples are rounded elsewhere.
    CHECK(largest_difference(theta, expected) < 1e-15 * 5);
    CHECK(largest_difference(theta, other) == 0);
  }
  auto theta = model.initialize(Seed{1});
  const data::Dataset<double> data{x, normal<double>(5, 2, 2), "", ""};
  CHECK_THROWS_AS(gradient_descent(model, theta, data, {.steps = 1, .objective = "hinge"}), UserError);
}

}  // namespace train_gradient_test
