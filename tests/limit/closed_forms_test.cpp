#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "support/dual_oracle.hpp"

namespace limit_closed_forms_test {

using namespace ntape;
using namespace ntape::test;
using limit::Dual;
using limit::DualValue;

namespace {

const std::vector<std::string> kClosed = {"identity",
                                          "relu",
                                          "leaky_relu(0.1)",
                                          "leaky_relu(-0.3)",
                                          "abs",
                                          "sign",
                                          "erf",
                                          "gelu",
                                          "sin",
                                          "cos",
                                          "gaussian",
                                          "exp",
                                          "rbf(0.7)",
                                          "square",
                                          "monomial(3)",
                                          "hermite(4)",
                                          "polynomial(1,0,0.5)",
                                          "polynomial(0.3,-1,0.2,0.7)",
                                          "rectified_power(0)",
                                          "rectified_power(2)",
                                          "rectified_power(3)",
                                          "rectified_power(5)"};

// The environment asks for every point of the grid; otherwise each activation sees one in 61.
bool whole_grid() {
  return std::getenv("NTAPE_LONG_TESTS") != nullptr;
}

}  // namespace

// Closed forms against two-dimensional integrals in extended precision. 1e-13 of the value (1e-12 for gelu)
// wherever the terms of the integral do not cancel; where they do, of E|s(u) s(v)| / 100 at least: the
// double-rounded parameters of an activation (0.1, 0.7) alone cost 1e-17 of that. The bound must cover the
// error, but for what a million additions cost the oracle itself: 1e-16 of E|s(u) s(v)|.
TEST_CASE("closed forms agree with an independent oracle, within their bounds") {
  const std::array<double, 6> variances = {1e-4, .25, 1, 4, 25, 100};
  const std::array<double, 7> correlations = {-1, -.999, -.6, 0, .6, .999, 1};
  int point = 0;
  for (const double p : variances)
    for (const double q : variances)
      for (const double rho : correlations) {
        if (p > q) continue;
        const double c = rho * std::sqrt(p * q);
        for (const std::string& name : kClosed) {
          if (!whole_grid() && ++point % 61 != 0) continue;
          // e^x lives where the oracle does not look.
          if (name == "exp" && q > 1) continue;
          const DualValue d = Dual(name)(p, c, q);
          const OracleDual oracle = dual_oracle(long_function(name), p, c, q);
          const double digits = name == "gelu" ? 1e-12 : 1e-13;
          const auto check = [&](double value, double bound, long double expected, long double scale) {
            const double error = static_cast<double>(std::abs(value - expected));
            const double floor = static_cast<double>(scale);
            CAPTURE(name);
            CAPTURE(p);
            CAPTURE(rho);
            CAPTURE(q);
            CAPTURE(value);
            CAPTURE(error);
            CHECK(error <= digits * std::max(std::abs(value), floor / 100));
            CHECK(error <= bound + 1e-16 * floor);
          };
          check(d.value, d.value_bound, oracle.value, oracle.value_scale);
          if (name != "sign" && name != "rectified_power(0)")
            check(d.slope, d.slope_bound, oracle.slope, oracle.slope_scale);
        }
      }
}

// E[e^u e^v] = E[e^w], w = u + v of variance p + q + 2c, by the trapezoidal rule around w = that variance,
// where e^w times the density has its peak: exact to e^{-2 pi^2 / 0.25^2} for spacing 0.25 deviations.
TEST_CASE("the dual of exp agrees with an integral where its weight is") {
  for (const double p : {1e-4, .25, 1., 4., 25., 100.})
    for (const double q : {1e-4, .25, 1., 4., 25., 100.})
      for (const double rho : {-1., -.999, -.6, 0., .6, .999, 1.}) {
        const double c = rho * std::sqrt(p * q);
        const long double variance = static_cast<long double>(p) + q + 2 * static_cast<long double>(c);
        const long double deviation = std::sqrt(std::max(variance, 0.0L)), h = .25L;
        long double sum = 0;
        for (int k = -60; k <= 60; ++k) {
          const long double z = deviation + h * k;
          sum += h * std::exp(deviation * z - z * z / 2);
        }
        const long double expected = sum / std::sqrt(2 * std::numbers::pi_v<long double>);
        const DualValue d = Dual("exp")(p, c, q);
        CAPTURE(p);
        CAPTURE(c);
        CAPTURE(q);
        // The exponent, up to 200, is rounded to 3e-14.
        CHECK(static_cast<double>(std::abs(d.value / expected - 1)) <= 1e-13);
        CHECK(static_cast<double>(std::abs(d.value - expected)) <= d.value_bound);
        CHECK(d.slope == d.value);
      }
}

TEST_CASE("duals at (1, .6, 1)") {
  const Dual erf("erf"), gelu("gelu");
  CHECK(std::abs(erf(1, .6, 1).value - .261979760868909) < 1e-14);
  CHECK(std::abs(erf(1, .6, 1).slope - .463072745361904) < 1e-14);
  CHECK(std::abs(gelu(1, .6, 1).value - .26251586197249) < 1e-14);
  CHECK(std::abs(gelu(1, .6, 1).slope - .362295781910708) < 1e-14);
}

// At p = q = c the erf dual is (2/pi) atan(2p / sqrt(1 + 4p)) with slope (4/pi) / sqrt(1 + 4p): a few ulp,
// where the textbook asin(2p / (1 + 2p)) is off by p 1e-16.
TEST_CASE("the erf dual keeps its digits at large variances") {
  for (const double p : {1., 1e3, 1e6, 1e9}) {
    const auto erf = Dual("erf")(p, p, p);
    CAPTURE(p);
    CHECK(std::abs(erf.slope * std::sqrt(1 + 4 * p) * std::numbers::pi / 4 - 1) < 1e-15);
    // 1 - K = (2/pi) atan(sqrt(1 + 4p) / (2p)), which is rounded at 1e-16 of K.
    CHECK(std::abs(1 - erf.value - 2 / std::numbers::pi * std::atan2(std::sqrt(1 + 4 * p), 2 * p)) < 3e-16);
  }
}

// Price's theorem, K' = dK/dc. Central difference with h = 1e-5: error about h^2 K'''/6 + 1e-16/h, K''' up to
// some tens where p q - c^2 is .5.
TEST_CASE("the slope is the derivative of the value in c") {
  for (const std::string& name : kClosed)
    for (const double p : {.3, 1., 4.})
      for (const double rho : {-.9, -.3, 0., .5, .95}) {
        const Dual dual(name);
        const double q = 1.7, c = rho * std::sqrt(p * q), h = 1e-5;
        const double slope = dual(p, c, q).slope;
        CAPTURE(name);
        CAPTURE(p);
        CAPTURE(rho);
        CHECK(std::abs(slope - (dual(p, c + h, q).value - dual(p, c - h, q).value) / (2 * h)) <
              1e-7 * std::max(1.0, std::abs(slope)));
      }
}

// s(au) s(av) = a^2n s(u) s(v), so K scales as the variances do; powers of two leave every bit in place, and
// at odd n sqrt(4^k) is a power of two, too.
TEST_CASE("homogeneous duals scale exactly") {
  for (const std::string name :
       {"relu", "leaky_relu(0.1)", "abs", "identity", "rectified_power(2)", "square"}) {
    const Dual dual(name);
    REQUIRE(dual.degree().has_value());
    for (const int k : {-300, -40, 26, 300}) {
      const double scale = std::ldexp(1.0, k), powers = std::pow(scale, *dual.degree());
      if (powers == 0 || std::isinf(powers)) continue;
      const DualValue one = dual(.7, -.4, 1.3), other = dual(.7 * scale, -.4 * scale, 1.3 * scale);
      CAPTURE(name);
      CAPTURE(k);
      CHECK(other.value == one.value * powers);
      CHECK(std::abs(other.slope - one.slope * powers / scale) <= 1e-15 * std::abs(other.slope));
    }
  }
  CHECK(!Dual("erf").degree());
  CHECK(!Dual("polynomial(1,0,0.5)").degree());
}

// At equal inputs K is E[s^2], and an angle of 1e-9 between inputs changes relu's slope by 1e-9 / (2 pi): c
// alone cannot carry that, the gap 5e-19 does.
TEST_CASE("near-collinear inputs keep their digits") {
  const double gap = 5e-19, angle = 1e-9;
  const auto near = Dual("relu").at({1, 1, 1, gap});
  CHECK(std::abs((0.5 - near.slope) * 2 * std::numbers::pi - angle) < 1e-15);
  // opposite: th^3 / (6 pi) is what is left of the value, th / (2 pi) of the slope
  const auto far = Dual("relu").at({1, -1, 1, gap});
  CHECK(std::abs(far.slope * 2 * std::numbers::pi / angle - 1) < 1e-14);
  CHECK(std::abs(far.value * 6 * std::numbers::pi / (angle * angle * angle) - 1) < 1e-14);
  // p, c, q are exact: 1 - (1 - 1e-12)^2 = 2e-12 (1 - 5e-13), to all digits
  const auto s = limit::Covariance::of(1, 1 - 0x1p-40, 1);
  CHECK(std::abs(s.gap / 0x1p-40 - 1) < 1e-15);
}

TEST_CASE("degenerate covariances give what their limits are") {
  for (const std::string& name : kClosed) {
    const Dual dual(name);
    const double at_zero = static_cast<double>(long_function(name).f(0));
    CAPTURE(name);
    for (const double v : {0., 1e-12, 1., 1e8}) {
      const DualValue none = dual(0, 0, v);
      const double scale = std::sqrt(dual(v, v, v).value) * std::abs(at_zero);
      CHECK((std::isinf(scale) || std::abs(none.value - at_zero * dual.mean(v)) <= 1e-15 * scale));
      CHECK(!std::isnan(dual(v, 0, v).value));  // e^x overflows
    }
    CHECK(dual(0, 0, 0).value == doctest::Approx(at_zero * at_zero).epsilon(1e-15));
  }
}

TEST_CASE("what is no covariance or no known dual is refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS((void)Dual("relu")(-1, 0, 1), UserError);
  CHECK_THROWS_AS((void)Dual("relu")(1, 1.1, 1), UserError);
  CHECK_THROWS_AS((void)Dual("relu")(1, nan, 1), UserError);
  for (const char* name : {"rellu", "relu(1)", "leaky_relu", "rbf(-1)", "monomial(0)", "hermite(2.5)",
                           "polynomial(1)", "rectified_power(33)", "monomial(2"}) {
    CAPTURE(name);
    CHECK_THROWS_AS((void)Dual(name), UserError);
    CHECK(!limit::has_dual(name));
  }
}

}  // namespace limit_closed_forms_test
