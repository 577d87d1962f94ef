#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <ntape/dynamics/ensemble.hpp>
#include <ntape/dynamics/regression.hpp>
#include <ntape/limit/recursion.hpp>

#include "support/matrices.hpp"

namespace laws_figure_two_test {

using namespace ntape;

namespace {

Matrix<double> on_circle(const std::vector<double>& angles) {
  auto x = make_matrix<double>(angles.size(), 2);
  for (Index i = 0; i < angles.size(); ++i) {
    x(i, 0) = std::cos(angles[i]);
    x(i, 1) = std::sin(angles[i]);
  }
  return x;
}

}  // namespace

// Figure 2 of Jacot et al. 2018: four points of the unit circle, L = 4, relu, beta = 0.1. Rates, mean and
// standard deviation at infinite time were worked out independently, to the digits given.
TEST_CASE("the ensemble of figure 2: rates, means and deviations") {
  const Architecture a{.widths = equal_widths(2, 1, 1, 4), .activation = "relu", .bias_scale = .1};
  const auto x = on_circle({-2.2, -1, 1, 2.2}), z = on_circle({0, 1.6});
  auto y = make_matrix<double>(4, 1);
  const double targets[] = {-.4, -.2, .3, .3};
  std::copy(targets, targets + 4, y.begin());
  const LimitKernels train = limit_kernels(a, x), cross = limit_kernels(a, z, x), there = limit_kernels(a, z);
  const EnsemblePrediction ensemble(train.ntk.values, train.nngp.values, y);
  const std::array<double, 4> rates = {.037400, .042905, .066187, .136008};
  for (Index k = 0; k < 4; ++k)
    CHECK(std::abs(ensemble.mean().eigenvalues()[k] / 4 - rates[k]) <
          5.1e-7);  // half a unit of the last digit
  const EnsembleElsewhere elsewhere =
      ensemble.elsewhere(cross.ntk.values, cross.nngp.values, there.nngp.values);
  const Gaussian end = elsewhere.at(Moment::flow(std::numeric_limits<double>::infinity()));
  const auto sd = end.deviations();
  const double mean[] = {.0439302, .2990282}, deviation[] = {.1372799, .0741796};
  for (Index i = 0; i < 2; ++i) {
    CHECK(std::abs(end.mean(i, 0) - mean[i]) < 5.1e-8);
    CHECK(std::abs(sd(i, 0) - deviation[i]) < 5.1e-8);
  }
  // The mean is kernel regression with the NTK, by a solve that knows no time.
  const KernelRegression regression(train.ntk.values, y, 0);
  // a condition of 3.6
  CHECK(test::largest_difference(end.mean, regression.mean(cross.ntk.values)) < 1e-14);
  CHECK(!warning(regression.report()));
  CHECK(regression.report().condition == doctest::Approx(.136008 / .037400).epsilon(1e-4));
}

}  // namespace laws_figure_two_test
