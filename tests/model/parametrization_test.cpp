#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace model_parametrization_test {

using namespace ntape;
using test::largest;
using test::largest_difference;
using test::normal;

namespace {

Architecture with(Parametrization p) {
  return {.widths = {3, 12, 9, 2},
          .activation = "tanh",
          .weight_scale = 1.3,
          .bias_scale = 0.4,
          .parametrization = p};
}

constexpr Parametrization kAll[] = {Parametrization::ntk, Parametrization::standard,
                                    Parametrization::mean_field};

}  // namespace

// Sums of at most 12 products of order 1 in another order, through three layers.
TEST_CASE("a converted network is the same function, its kernel is J D J^T of the other") {
  const auto x = normal<double>(5, 3, 1);
  for (const auto p : kAll)
    for (const auto q : kAll) {
      const Architecture from = with(p), to = with(q);
      const Mlp<double> f(from), g(to);
      const auto theta = f.initialize(Seed{3});
      const auto other = convert(theta, from, to);
      CHECK(largest_difference(evaluate(f, theta, x), evaluate(g, other, x)) < 1e-14);
      const auto weights = kernel_weights(theta, from, to);
      const auto expected = empirical_ntk(g, other, x).values;
      const auto got = empirical_ntk(f, theta, x, KernelOptions<double>{.preconditioner = &weights}).values;
      CHECK(largest_difference(got, expected) < 1e-13 * largest(expected));
    }
}

TEST_CASE("one seed is one network in the ntk and standard parametrizations") {
  const Architecture from = with(Parametrization::ntk), to = with(Parametrization::standard);
  const auto converted = convert(Mlp<double>(from).initialize(Seed{3}), from, to);
  const auto drawn = Mlp<double>(to).initialize(Seed{3});
  CHECK(distance(converted, drawn) < 1e-14 * std::sqrt(dot(drawn, drawn)));
}

// 20 steps: rounding of 1e-16 grows by less than a factor 10 a step at this rate, and far less here.
TEST_CASE("descent with converted rates is the same descent") {
  const data::Dataset<double> data{normal<double>(6, 3, 1), normal<double>(6, 2, 2), "normal", ""};
  for (const auto q : {Parametrization::standard, Parametrization::mean_field}) {
    const Architecture from = with(Parametrization::ntk), to = with(q);
    const Mlp<double> f(from), g(to);
    auto theta = f.initialize(Seed{3});
    auto other = convert(theta, from, to);
    gradient_descent(f, theta, data, {.rate = 0.3, .steps = 20});
    gradient_descent(g, other, data, {.rate = 0.3, .steps = 20, .rate_factors = rate_factors(from, to)});
    CHECK(largest_difference(evaluate(f, theta, data.x), evaluate(g, other, data.x)) < 1e-12);
    CHECK_THROWS_AS(gradient_descent(f, theta, data, {.rate = 0.3, .steps = 1, .rate_factors = {1.0}}),
                    UserError);
  }
}

TEST_CASE("residual connections add the layer before, where the widths agree") {
  const Architecture a{.widths = {3, 4, 4, 5, 1}, .activation = "erf", .residual = true};
  CHECK_FALSE(a.adds_previous(1));
  CHECK(a.adds_previous(2));
  CHECK_FALSE(a.adds_previous(3));
  // With the second layer's parameters at zero (erf(0) = 0), that layer passes the first one on.
  const Mlp<double> model({.widths = {3, 4, 4, 1}, .activation = "erf", .residual = true});
  const Mlp<double> shallow({.widths = {3, 4, 1}, .activation = "erf"});
  auto theta = model.initialize(Seed{1});
  theta.entries[2].value.fill(0);
  theta.entries[3].value.fill(0);
  const Parameters<double> rest{{theta.entries[0], theta.entries[1], theta.entries[4], theta.entries[5]}};
  const auto x = normal<double>(5, 3, 1);
  CHECK(largest_difference(evaluate(model, theta, x), evaluate(shallow, rest, x)) == 0);
}

TEST_CASE("layers may have activations of their own") {
  const Mlp<double> own({.widths = {3, 4, 5, 1}, .activations = {"erf", "erf"}});
  const Mlp<double> same({.widths = {3, 4, 5, 1}, .activation = "erf"});
  const Mlp<double> mixed({.widths = {3, 4, 5, 1}, .activations = {"erf", "gelu"}});
  const auto theta = same.initialize(Seed{1});
  const auto x = normal<double>(5, 3, 1);
  CHECK(largest_difference(evaluate(own, theta, x), evaluate(same, theta, x)) == 0);
  CHECK(largest_difference(evaluate(mixed, theta, x), evaluate(same, theta, x)) > 1e-3);
  const auto message = test::message_of<UserError>([] {
    (void)Mlp<double>({.widths = {3, 4, 5, 1}, .activations = {"erf"}});
  });
  CHECK(test::contains(message, "2 hidden layers and 1 activations"));
}

// relu(LN(c z)) = relu(LN(z)) up to LN's epsilon, relative to the variance of z.
TEST_CASE("layer_norm makes a layer blind to the scale of its weights") {
  const Mlp<double> model({.widths = {3, 64, 1}, .bias_scale = 0, .layer_norm = true});
  auto theta = model.initialize(Seed{1});
  const auto x = normal<double>(5, 3, 1);
  const auto before = evaluate(model, theta, x);
  for (double& w : theta.entries[0].value) w *= 10;
  CHECK(largest_difference(evaluate(model, theta, x), before) < 1e-4);
}

TEST_CASE("what has no counterpart is refused") {
  Architecture from = with(Parametrization::standard), to = with(Parametrization::ntk);
  to.bias_scale = from.bias_scale = 0;
  const auto theta = Mlp<double>(from).initialize(Seed{1});
  CHECK(test::contains(test::message_of<UserError>([&] { (void)convert(theta, from, to); }), "b0"));
  from.widths[1] = 7;
  CHECK_THROWS_AS((void)convert(theta, from, to), UserError);
}

}  // namespace model_parametrization_test
