#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/phase.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/limit/sphere.hpp>
#include <numbers>

#include "support/matrices.hpp"

namespace limit_own_activation_test {

using namespace ntape;
using namespace ntape::test;

namespace {

limit::Dual own_relu() {
  return limit::Dual(limit::Function{
      [](double x) { return x > 0 ? x : 0; }, [](double x) { return x > 0 ? 1.0 : 0.0; }, {0}});
}
limit::Dual own_erf() {
  return limit::Dual(
      limit::Function{[](double x) { return std::erf(x); },
                      [](double x) { return 2 * std::numbers::inv_sqrtpi * std::exp(-x * x); }});
}
// min(max(x, -1), 1)
limit::Dual clamp() {
  return limit::Dual(limit::Function{[](double x) { return std::clamp(x, -1.0, 1.0); },
                                     [](double x) { return std::abs(x) < 1 ? 1.0 : 0.0; },
                                     {-1, 1}});
}

Architecture network(const std::string& activation, Index depth) {
  return {.widths = equal_widths(3, 1, 1, depth), .activation = activation, .bias_scale = .3};
}

}  // namespace

// Both routes claim a bound, so they may differ by the sum of the two.
TEST_CASE("functions of the user's own give the limit of the closed forms they are") {
  const limit::Duals duals = {{"mine", own_relu()}, {"smooth", own_erf()}};
  const Matrix<double> x = normal<double>(3, 3, 1), z = normal<double>(2, 3, 2);
  Architecture own = network("mine", 3), known = network("relu", 3);
  for (const bool mixed : {false, true}) {
    if (mixed) {
      own.activations = {"smooth", "mine"};
      known.activations = {"erf", "relu"};
      own.residual = known.residual = true;
    }
    const LimitKernels a = limit_kernels(own, x, z, {.layers = true, .duals = duals}),
                       b = limit_kernels(known, x, z);
    CHECK(a.layers.size() == 3);
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j < 2; ++j) {
        CHECK(std::abs(a.ntk.values(i, j) - b.ntk.values(i, j)) <= a.ntk_bound(i, j) + b.ntk_bound(i, j));
        CHECK(std::abs(a.nngp.values(i, j) - b.nngp.values(i, j)) <= a.nngp_bound(i, j) + b.nngp_bound(i, j));
        CHECK(a.ntk_bound(i, j) < 1e-10);
      }
  }
  CHECK(largest_difference(limit_ntk(own, x, {.duals = duals}).values,
                           limit_kernels(own, x, {.duals = duals}).ntk.values) == 0);
}

TEST_CASE("the curve, its series, the spectrum and the phase take functions of the user's own") {
  const limit::Duals duals = {{"mine", own_relu()}, {"smooth", own_erf()}};
  const Architecture own = network("mine", 3), known = network("relu", 3);
  const AngleCurve a = angle_curve(own, 1, {0, 1, 2}, duals), b = angle_curve(known, 1, {0, 1, 2});
  for (std::size_t k = 0; k < 3; ++k) CHECK(std::abs(a.value[k] - b.value[k]) <= a.bound[k] + b.bound[k]);
  // the jump of s' is extrapolated: 1e-15
  CHECK(std::abs(angle_cusp(own, 1, duals) - angle_cusp(known, 1)) < 1e-12);
  const SphereSpectrum own_mu = sphere_spectrum(network("smooth", 3), 4, 20, 1, duals),
                       mu = sphere_spectrum(network("erf", 3), 4, 20);
  for (Index k = 0; k <= 20; ++k)
    CHECK(std::abs(own_mu.value[k] - mu.value[k]) <= own_mu.bound[k] + mu.bound[k]);
  const PowerSeries s = power_series(network("smooth", 3), 30, 1, duals),
                    t = power_series(network("erf", 3), 30);
  for (Index k = 0; k <= 30; ++k) CHECK(std::abs(s.value[k] - t.value[k]) <= s.bound[k] + t.bound[k]);
  const PowerSeries kinked = power_series(own, 20, 1, duals), exact = power_series(known, 20);
  for (Index k = 0; k <= 20; ++k)
    CHECK(std::abs(kinked.value[k] - exact.value[k]) <= kinked.bound[k] + exact.bound[k]);
  const Phase p = phase(own_erf(), 1.5, .1), q = phase("erf", 1.5, .1);
  CHECK(p.variance == doctest::Approx(q.variance).epsilon(1e-12));
  CHECK(p.length == doctest::Approx(q.length).epsilon(1e-9));
}

// Kinks at +-1 move with the variance. Inputs that differ by 1e-6 are given variances with a relative error
// of 1e-9 through the tolerance of the layer before: the kernel moves by less than the two bounds.
TEST_CASE("bounds cover what an error of the variance does at kinks away from 0") {
  const limit::Duals duals = {{"clamp", clamp()}};
  Architecture a = network("clamp", 4);
  a.activations = {"silu", "clamp", "clamp"};
  a.weight_scale = 2;
  const Matrix<double> x = normal<double>(3, 3, 6);
  const LimitKernels coarse = limit_kernels(a, x, {.tolerance = 1e-5, .duals = duals}),
                     fine = limit_kernels(a, x, {.tolerance = 0, .duals = duals});
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j <= i; ++j) {
      CAPTURE(i);
      CAPTURE(j);
      CHECK(std::abs(coarse.ntk.values(i, j) - fine.ntk.values(i, j)) <=
            coarse.ntk_bound(i, j) + fine.ntk_bound(i, j));
      CHECK(fine.ntk_bound(i, j) < 1e-9 * fine.ntk.values(i, i));
    }
  // the cusp: two jumps of 1 at +-1
  const Architecture two = network("clamp", 2);
  const double p = 1 + .09,
               expected = 2 * std::exp(-1 / (2 * p)) / (2 * std::numbers::pi) * std::sqrt(1 / p) * p;
  CHECK(std::abs(angle_cusp(two, 1, duals) - expected) < 1e-12);
  const AngleCurve curve = angle_curve(two, 1, {0, 1e-4, 2e-4}, duals);
  const double one = (curve.value[0] - curve.value[1]) / 1e-4,
               half = (curve.value[0] - curve.value[2]) / 2e-4;
  // rounding over the angle, and its square
  CHECK(std::abs(2 * one - half - expected) < 1e-6);
}

TEST_CASE("an activation that nobody knows is refused by its name") {
  const Matrix<double> x = normal<double>(2, 3, 1);
  CHECK_THROWS_AS((void)limit_kernels(network("mine", 3), x), UserError);
  CHECK_THROWS_AS((void)limit_kernels(network("other", 3), x, {.duals = {{"mine", own_relu()}}}), UserError);
  CHECK_THROWS_AS((void)power_series(network("mine", 3)), UserError);
}

// Their K' has a part that no derivative between kinks knows: sign's is 1/(2 pi) times a density, not 0.
TEST_CASE("functions that jump at a kink are refused, others with a kink are not") {
  using limit::Dual;
  using limit::Function;
  const auto zero = [](double) { return 0.0; };
  const auto step = [](double at) { return [=](double x) { return x > at ? x : 0.0; }; };
  const auto step_slope = [](double at) { return [=](double x) { return x > at ? 1.0 : 0.0; }; };
  CHECK_THROWS_AS(Dual(Function{[](double x) { return x > 0   ? 1.
                                                      : x < 0 ? -1.
                                                              : 0.; }, zero, {0}}),
                  UserError);
  CHECK_THROWS_AS(Dual(Function{step(1), step_slope(1), {1}}), UserError);
  CHECK_THROWS_AS(Dual(Function{step(-1e6), step_slope(-1e6), {-1e6}}), UserError);
  CHECK_NOTHROW(Dual(Function{step(0), step_slope(0), {0, 3}}));
  CHECK_NOTHROW(clamp());
  // infinite slopes on one side, and a steep place
  CHECK_NOTHROW(Dual(Function{[](double x) { return x > 0 ? std::pow(x, .75) : 0; },
                              [](double x) { return x > 0 ? .75 * std::pow(x, -.25) : 0; },
                              {0}}));
  CHECK_NOTHROW(Dual(Function{[](double x) { return std::tanh(1e6 * (x - 2)); },
                              [](double x) {
                                const double c = 1 / std::cosh(1e6 * (x - 2));
                                return 1e6 * c * c;
                              },
                              {2}}));
}

// e^{a x^2}: K(p,c,q) = ((1 - 2ap)(1 - 2aq) - 4 a^2 c^2)^{-1/2} where 4 a p < 1, and nothing at variance 1.
TEST_CASE("a function needs to be integrable at the variances of its layer only") {
  const limit::Dual grows(limit::Function{[](double x) { return std::exp(.4 * x * x); },
                                          [](double x) { return .8 * x * std::exp(.4 * x * x); }});
  const Architecture a{.widths = {2, 1, 1}, .activation = "grows", .bias_scale = .1};
  Matrix<double> x = make_matrix<double>(2, 2);
  x(0, 0) = .5;
  x(0, 1) = .3;
  x(1, 0) = -.2;
  x(1, 1) = .4;
  const LimitKernels k = limit_kernels(a, x, {.duals = {{"grows", grows}}});
  const double p = .17 + .01, q = .1 + .01, c = .01 + .01;
  const double expected = 1 / std::sqrt((1 - .8 * p) * (1 - .8 * q) - .64 * c * c) + .01;
  CHECK(std::abs(k.nngp.values(0, 1) - expected) <= k.nngp_bound(0, 1) + 4e-16);
  CHECK(k.nngp_bound(0, 1) < 1e-12);
  CHECK_THROWS_AS((void)grows(1, .5, 1), UserError);
}

}  // namespace limit_own_activation_test
