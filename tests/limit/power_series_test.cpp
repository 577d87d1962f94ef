#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/power_series.hpp>
#include <ntape/limit/sphere.hpp>
#include <numbers>

namespace limit_power_series_test {

using namespace ntape;

namespace {

constexpr double kPi = std::numbers::pi;

Architecture network(const std::string& activation, Index depth, double bias) {
  return {.widths = equal_widths(3, 1, 1, depth), .activation = activation, .bias_scale = bias};
}

std::vector<Architecture> networks() {
  std::vector<Architecture> all;
  for (const char* name :
       {"relu", "leaky_relu(-0.5)", "abs", "erf", "gelu", "sin", "cos", "gaussian", "tanh", "silu", "elu(1)",
        "square", "exp", "rbf(0.7)", "hermite(3)", "rectified_power(2)", "rectified_power(3)"})
    for (const double bias : {0., .4}) all.push_back(network(name, 3, bias));
  Architecture mixed = network("", 4, .3);
  mixed.activations = {"relu", "tanh", "gelu"};
  Architecture residual = network("softplus", 4, .2), norm = network("silu", 4, .2),
               deep = network("relu", 9, .1);
  residual.residual = norm.residual = norm.layer_norm = true;
  Architecture standard = network("erf", 3, .3), far = network("relu", 30, 0);
  standard.parametrization = Parametrization::standard;
  far.weight_scale = 64;  // leaves the range on the way unless it is scaled
  for (const Architecture& a : {mixed, residual, norm, deep, standard, far}) all.push_back(a);
  return all;
}

}  // namespace

// At L = 2 without bias, unit inputs: kappa = t K'(t) + K(t). For relu K' = 1/4 + asin(t) / (2 pi) and K = 1
// / (2 pi) + t/4 + ..: b_0 = 1 / (2 pi), b_1 = 1/2, and with a_m = (2m)! / (4^m m!^2 (2m+1)) from asin,
// b_{2m+2} = a_m (1 + 1 / (2m+2)) / (2 pi).
TEST_CASE("the power series of relu at two layers is what is known exactly") {
  const PowerSeries s = power_series(network("relu", 2, 0), 60);
  REQUIRE(s.value.size() == 61);
  double ratio = 1;
  for (Index k = 0; k <= 60; ++k) {
    double exact = k == 1 ? .5 : k == 0 ? 1 / (2 * kPi) : 0;
    if (k >= 2 && k % 2 == 0) {
      const double n = static_cast<double>(k), a = ratio / (n - 1);
      exact = a * (1 + 1 / n) / (2 * kPi);
      ratio *= (n - 1) / n;
    }
    CAPTURE(k);
    CHECK(std::abs(s.value[k] - exact) <= s.bound[k]);
    CHECK(s.bound[k] <= 1e-12 * exact);  // odd ones are 0, and known to be
  }
  CHECK(std::abs(s.kappa_one - 1) < 1e-15);
  CHECK(!s.degree);
}

// The same kernel by the recursion along pairs, which shares the duals at equal variances but no series:
// within the tail, the bounds and a few units of rounding of the sum.
TEST_CASE("the series sums to the curve, up to its tail") {
  for (const Architecture& a : networks()) {
    const double square = a.activation == "exp" ? .1 : .8;
    const PowerSeries s = power_series(a, 120, square);
    std::vector<double> angles;
    for (int k = 0; k <= 12; ++k) angles.push_back(kPi * k / 12);
    const AngleCurve curve = angle_curve(a, square, angles);
    CAPTURE(a.activation);
    CAPTURE(a.bias_scale);
    for (std::size_t j = 0; j < angles.size(); ++j) {
      const double t = std::cos(angles[j]);
      for (const Index last : {Index(1), Index(7), Index(40), Index(120)}) {
        double sum = 0, bound = 0;
        for (Index k = last + 1; k-- > 0;) {
          sum = sum * t + s.value[k];
          bound = bound * std::abs(t) + s.bound[k];
        }
        const double tail = s.tail[last] * std::pow(std::abs(t), static_cast<double>(last + 1));
        CAPTURE(angles[j]);
        CAPTURE(last);
        CHECK(std::abs(sum - curve.value[j]) <= tail + bound + curve.bound[j] + 1e-15 * s.kappa_one);
      }
    }
    double before = 0;
    for (Index k = 0; k <= 120; ++k) {
      CHECK(s.value[k] >= 0);
      // what is left of kappa(1) without the coefficients so far
      before += s.value[k] - s.bound[k];
      CHECK(s.tail[k] <= s.kappa_one * (1 + 1e-13) + curve.bound[0] - before);
      // Thirty layers bring rho(0) to 0.98: what lies beyond the coefficients of a layer is felt.
      CHECK(s.bound[k] <= (a.depth() < 20 ? 1e-11 : 1e-5) * s.kappa_one);
      if (k > 0) CHECK(s.tail[k] <= s.tail[k - 1]);
    }
  }
}

// On the circle t^j = 2^-j sum_i binom(j, i) cos((j - 2i) th), so mu_k = sum_i b_{k+2i} binom(k+2i, i) /
// 2^{k+2i}.
TEST_CASE("the series gives the spectrum on the circle") {
  const Architecture a = network("tanh", 3, .4);
  const PowerSeries s = power_series(a, 300);
  const SphereSpectrum mu = sphere_spectrum(a, 2, 40);
  for (Index k = 0; k <= 40; ++k) {
    double sum = 0;
    for (Index i = 0; k + 2 * i <= 300; ++i) {
      const double n = static_cast<double>(k + 2 * i), m = static_cast<double>(i);
      sum += s.value[k + 2 * i] *
             std::exp(std::lgamma(n + 1) - std::lgamma(m + 1) - std::lgamma(n - m + 1) - n * std::log(2.));
    }
    CAPTURE(k);
    // lgamma costs some 1e-13, relative
    CHECK(std::abs(mu.value[k] - sum) <= mu.bound[k] + 1e-12 * sum + s.tail[300]);
  }
}

// tanh = 2 sigmoid(2x) - 1, and a sine of twice the size: functions that are no polynomials have coefficients
// far below the rounding of kappa(1), whose signs are known all the same.
TEST_CASE("small coefficients are known relative to themselves") {
  const PowerSeries sine = power_series(network("sin", 2, 0), 60);
  // kappa = t e^-1 cosh(t) + e^-1 sinh(t)
  double factorial = 1;
  for (Index k = 1; k <= 60; ++k) {
    const double n = static_cast<double>(k);
    factorial *= n;
    const double exact = k % 2 == 0 ? 0 : std::exp(-1) * (n + 1) / factorial;
    CAPTURE(k);
    CHECK(std::abs(sine.value[k] - exact) <= sine.bound[k]);
    CHECK(sine.bound[k] <= 1e-11 * exact);  // even ones are 0, and known to be
  }
  const PowerSeries tanh = power_series(network("tanh", 2, .1), 40);
  CHECK(tanh.value[39] > tanh.bound[39]);
  CHECK(tanh.value[39] < 1e-3 * tanh.value[9]);
}

TEST_CASE("polynomial activations have a series that ends") {
  const PowerSeries square = power_series(network("square", 3, .1), 20);
  REQUIRE(square.degree);
  CHECK(*square.degree == 4);
  for (Index k = 0; k <= 20; ++k) CHECK((square.value[k] > square.bound[k]) == (k <= 4));
  CHECK(square.tail[4] == 0);
  CHECK(*power_series(network("identity", 5, .1), 4).degree == 1);
  CHECK(*power_series(network("monomial(3)", 3, .1), 4).degree == 9);
  CHECK(!power_series(network("tanh", 3, .1), 4).degree);
}

// mu_k of a smooth kernel sinks below the error of any integral; coefficients do not.
TEST_CASE("coefficients show more degrees to be positive than integrals do") {
  const Architecture a = network("erf", 2, .3);
  const SphereSpectrum mu = sphere_spectrum(a, 10, 60);
  const Positivity by_integral = positivity(mu), by_series = positivity(mu, power_series(a, 80));
  REQUIRE(by_integral.proved);
  CHECK(*by_integral.proved < 40);
  CHECK(*by_series.proved == 60);
  // nothing is claimed of what vanishes
  const Architecture relu = network("relu", 2, 0);
  const Positivity without_odd = positivity(sphere_spectrum(relu, 3, 60), power_series(relu, 80));
  CHECK(*without_odd.proved == 2);
  CHECK(without_odd.undecided.empty());
  REQUIRE(without_odd.vanishing.size() == 29);
  for (Index k = 0; k < 29; ++k) CHECK(without_odd.vanishing[k] == 2 * k + 3);
  // a series that ends before says nothing of what comes after
  CHECK(positivity(sphere_spectrum(relu, 3, 60), power_series(relu, 20)).vanishing.back() == 19);
  const Architecture polynomial = network("square", 2, .1);
  CHECK(*positivity(sphere_spectrum(polynomial, 3, 20), power_series(polynomial, 80)).proved == 2);
}

// (kappa(1) - kappa(cos a)) / a - cusp = O(a): half of it is left at half the angle.
TEST_CASE("the cusp is the slope of the curve at angle 0") {
  for (const Architecture& a : networks()) {
    const double square = a.activation == "exp" ? .1 : .8, cusp = angle_cusp(a, square);
    const AngleCurve curve = angle_curve(a, square, {0, 1e-5, 2e-5});
    const double one = (curve.value[0] - curve.value[1]) / 1e-5,
                 two = (curve.value[0] - curve.value[2]) / 2e-5;
    CAPTURE(a.activation);
    CAPTURE(a.bias_scale);
    // what is left is (depth x angle)^2, 1e-7 at most, and rounding over the angle, 3e-10
    CHECK(std::abs(2 * one - two - cusp) <= 2e-8 * std::max(cusp, curve.value[0]));
    const bool kinked = a.activation == "relu" || a.activation.starts_with("leaky") ||
                        a.activation == "abs" || !a.activations.empty();
    CHECK((cusp > 0) == kinked);
  }
  // relu at two layers, unit inputs: K' = (pi - th) / (2 pi) and K has no cusp
  CHECK(std::abs(angle_cusp(network("relu", 2, 0), 1) - 1 / (2 * kPi)) < 1e-15);
}

TEST_CASE("what has no series is refused") {
  CHECK_THROWS_AS((void)power_series(network("sign", 2, .1)), UserError);
  CHECK_THROWS_AS((void)power_series(network("rectified_power(0)", 2, .1)), UserError);
  CHECK_THROWS_AS((void)power_series(network("relu", 2, .1), 2000), UserError);
  CHECK_THROWS_AS((void)power_series(network("relu", 2, .1), 20, -1), UserError);
}

}  // namespace limit_power_series_test
