#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/convex.hpp>
#include <ntape/dynamics/lazy.hpp>
#include <utility>

#include "support/matrices.hpp"

namespace dynamics_convex_test {

using namespace ntape;
using test::largest_difference;
using test::normal;

namespace {

Matrix<double> one_hot(Index examples, Index classes) {
  auto y = zeros<double>(examples, classes);
  for (Index n = 0; n < examples; ++n) y(n, (n * n + n / 2) % classes) = 1;
  return y;
}

}  // namespace

TEST_CASE("on the mean square the solver meets the closed form, within its tolerance") {
  for (const Index outputs : {Index{1}, Index{2}})
    for (const bool full : {false, true}) {
      const auto root = normal<double>(8, 12, 1), other = normal<double>(6, 12, 2);
      const auto k = linalg::gram(linalg::view(root));
      const auto kappa = linalg::gram(linalg::view(other), linalg::view(root));
      const Index per = full ? outputs : 1;
      const auto f0 = normal<double>(8 / per, outputs, 3), y = normal<double>(8 / per, outputs, 4);
      const auto f0_there = normal<double>(6 / per, outputs, 5);
      const LazyPrediction lazy(k, f0, y);
      const LazyElsewhere there = lazy.elsewhere(kappa, f0_there);
      const std::vector<double> times = {0, .01, .5, .5, 4, 100};
      double before = 0;
      for (const double tolerance : {1e-9, 1e-6}) {
        const auto flow =
            flow_coefficients(k, f0, y, times, {.objective = "mean_square", .tolerance = tolerance});
        double gap = 0;
        for (Index i = 0; i < times.size(); ++i) {
          const Moment moment = Moment::flow(times[i]);
          gap = std::max(gap, largest_difference(outputs_of(k, flow.at[i], f0), lazy.at(moment)));
          gap = std::max(gap, largest_difference(outputs_of(kappa, flow.at[i], f0_there), there.at(moment)));
        }
        // Coefficients of order 1 are right to the tolerance a step, and modes forget within a few steps but
        // for slow ones, which sum those of some more, times |Theta|: seen, 3 and 6; ten times that.
        CHECK(gap < 60 * tolerance);
        CHECK(gap > before);  // the tolerance is what decides
        before = gap;
      }
    }
}

TEST_CASE("one logistic output follows its implicit solution") {
  // d_t f = theta / (1 + exp(f)) with f_0 = 0: f + exp(f) = 1 + theta t.
  Matrix<double> k = make_matrix<double>(1, 1), y = k, f0 = zeros<double>(1, 1);
  k(0, 0) = 3;
  y(0, 0) = 1;
  const std::vector<double> times = {.1, 1, 10, 1000};
  const auto flow = flow_coefficients(k, f0, y, times, {.objective = "logistic", .tolerance = 1e-10});
  for (Index i = 0; i < times.size(); ++i) {
    const double f = outputs_of(k, flow.at[i], f0)(0, 0);
    // errors of 1e-10 relative to what coefficients have come, a step, for some hundred steps
    CHECK(std::abs((f + std::exp(f)) / (1 + 3 * times[i]) - 1) < 1e-7);
  }
}

TEST_CASE("cross entropy and logistic are small steps of descent in function space, in the limit") {
  for (const std::string name : {"softmax_cross_entropy", "logistic"}) {
    const Index n = 6, classes = 3;
    const auto root = normal<double>(n, 9, 1);
    const auto k = linalg::gram(linalg::view(root));
    const auto f0 = normal<double>(n, classes, 2);
    auto y = one_hot(n, classes);
    if (name == "logistic")
      for (double& v : y) v = 2 * v - 1;
    const double t = .5;
    const auto flow = flow_coefficients(k, f0, y, {t}, {.objective = name, .tolerance = 1e-10});
    const auto expected = outputs_of(k, flow.at[0], f0);
    const auto cost = objective<double>(name);
    const auto gap = [&](Index steps) {
      auto f = f0;
      auto slope = make_stack<double>(1, n, classes);
      for (Index s = 0; s < steps; ++s) {
        cost->cotangent(f, y, slope);
        linalg::gemm(-t / static_cast<double>(steps), linalg::view(k), linalg::Op::plain,
                     linalg::View<double>{slope.data(), n, classes}, linalg::Op::plain, 1.0, f.data(),
                     classes);
      }
      return largest_difference(f, expected);
    };
    // Euler's method is off by a first order in the step, with a second one 1/1000 of it.
    CHECK(std::abs(std::log2(gap(1000) / gap(2000)) - 1) < .01);
    CHECK(cost->value(expected, y) < cost->value(f0, y));
  }
}

TEST_CASE("what the flow cannot follow is refused") {
  const auto root = normal<double>(4, 9, 1);
  const auto k = linalg::gram(linalg::view(root));
  const auto f0 = zeros<double>(4, 2), y = one_hot(4, 2);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {1, .5}, {}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {-1}, {}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {HUGE_VAL}, {}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {1}, {.tolerance = 0}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {1}, {.tolerance = 1e-14}), UserError);
  Matrix<double> tilted = k;
  tilted(0, 1) += 1;
  CHECK_THROWS_AS((void)flow_coefficients(tilted, f0, y, {1}, {}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {1e6}, {.most_steps = 10}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, normal<double>(4, 2, 1), {1}, {}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, f0, y, {1}, {.objective = "hinge"}), UserError);
  CHECK_THROWS_AS((void)flow_coefficients(k, zeros<double>(4, 1), y, {1}, {}), ShapeError);
  CHECK_THROWS_AS((void)outputs_of(k, y, zeros<double>(3, 2)), ShapeError);
}

TEST_CASE("no objective rises along the flow, whatever rounding has left of a kernel's null modes") {
  // An eigenvalue below zero; and examples that repeat, with other classes.
  Matrix<double> indefinite = zeros<double>(2, 2);
  indefinite(0, 0) = 1;
  indefinite(1, 1) = -1e-5;
  auto root = normal<double>(6, 9, 1);
  for (Index i = 3; i < 6; ++i) std::copy_n(row(root, i - 3), 9, row(root, i));
  const Matrix<double> twice = linalg::gram(linalg::view(root));
  for (const Matrix<double>* k : {&std::as_const(indefinite), &twice})
    for (const std::string name : {"softmax_cross_entropy", "logistic"}) {
      const Index n = k->shape(0), classes = 2;
      const auto f0 = zeros<double>(n, classes);
      auto y = zeros<double>(n, classes);
      for (Index i = 0; i < n; ++i) y(i, (i % 3 + i / 3) % 2) = 1;
      if (name == "logistic")
        for (double& v : y) v = 2 * v - 1;
      // Where classes contradict each other the solver's steps stay short.
      std::vector<double> times = {0, 1, 10, 1e3};
      if (k == &indefinite) times.insert(times.end(), {1e6, 1e7});
      const auto flow = flow_coefficients(*k, f0, y, times, {.objective = name});
      const auto cost = objective<double>(name);
      const KernelFactor factor(*k);
      CHECK(factor.null_vectors().rows == (k == &twice ? 3 : 1));
      double before = HUGE_VAL;
      for (Index t = 0; t < times.size(); ++t) {
        const double value = cost->value(outputs_of(*k, flow.at[t], f0), y);
        // the solver's tolerance, of some steps
        CHECK(value < before + 1e-7);
        before = value;
        // Coefficients along negative modes would grow like t; the rounding of a slope below 1 does. Along
        // others they do grow, and outputs feel them by an eigenvalue of rounding.
        const auto along = factor.components(flow.at[t]);
        const auto still = times[t] > factor.late(n) ? factor.null_vectors() : factor.negative_vectors();
        for (Index m = 0; m < still.rows; ++m)
          for (Index c = 0; c < classes; ++c) CHECK(std::abs(along(m, c)) < 1e-15 * (1 + times[t]));
      }
    }
  CHECK_THROWS_AS(
      (void)flow_coefficients(KernelFactor(indefinite), twice, zeros<double>(6, 2), one_hot(6, 2), {1}, {}),
      ShapeError);
}

}  // namespace dynamics_convex_test
