#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>

#include "support/matrices.hpp"

namespace laws_kernel_descent_test {

using namespace ntape;

namespace {

// || f_{t+1} - f_t + (eta/N) Theta_t (f_t - y) || for one step from the same start.
double one_step_residual(const std::string& activation, double rate) {
  constexpr Index kExamples = 6;
  const Mlp<double> model({.widths = {3, 16, 16, 2}, .activation = activation, .bias_scale = .2});
  data::Dataset<double> data;
  data.x = test::normal<double>(kExamples, 3, 1);
  data.y = test::normal<double>(kExamples, 2, 2);
  auto theta = model.initialize(Seed{8});
  const auto f0 = evaluate(model, theta, data.x);
  const auto k = empirical_ntk(model, theta, data.x).values;  // row n C + c, as f0 is stored
  gradient_descent(model, theta, data, {.rate = rate, .steps = 1});
  const auto f1 = evaluate(model, theta, data.x);
  double sum = 0;
  for (Index i = 0; i < f0.size(); ++i) {
    double predicted = 0;
    for (Index j = 0; j < f0.size(); ++j) predicted += k(i, j) * (f0.data()[j] - data.y.data()[j]);
    const double r = f1.data()[i] - f0.data()[i] + rate / kExamples * predicted;
    sum += r * r;
  }
  return std::sqrt(sum);
}

}  // namespace

// The residual is c eta^2 + O(eta^3): halving a small eta divides it by 4 up to O(eta). At eta = 2e-3 it is
// about 1e-5, far above the rounding of f (1e-15).
TEST_CASE("one step of descent follows the kernel to second order in the rate") {
  for (const char* activation : {"tanh", "erf"}) {
    const double ratio = one_step_residual(activation, 2e-3) / one_step_residual(activation, 1e-3);
    CAPTURE(activation);
    CHECK(std::abs(ratio - 4.0) < 0.1);
  }
}

}  // namespace laws_kernel_descent_test
