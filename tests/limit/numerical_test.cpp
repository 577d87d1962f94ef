#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/numerical.hpp>
#include <ntape/ops/activation.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "support/dual_oracle.hpp"
#include "support/instrumented.hpp"

namespace limit_numerical_test {

using namespace ntape;
using namespace ntape::test;
using limit::Covariance;
using limit::DualValue;

namespace {

// NTAPE_DUAL_CASES random cases per activation, NTAPE_DUAL_FIRST being the first; a few are quick.
// NTAPE_DUAL_ACTIVATION asks for one activation alone.
int cases() {
  const char* given = std::getenv("NTAPE_DUAL_CASES");
  return given ? std::atoi(given) : kInstrumented ? 1 : 4;
}

int first_case() {
  const char* given = std::getenv("NTAPE_DUAL_FIRST");
  return given ? std::atoi(given) : 0;
}
bool asked_for(const std::string& name) {
  const char* given = std::getenv("NTAPE_DUAL_ACTIVATION");
  return !given || name == given;
}

// Variances log-uniform in 1e-4..100; a third of the correlations uniform, two thirds with 1 - |rho|
// log-uniform down to 1e-9.
Covariance random_covariance(std::uint64_t stream, int k) {
  double u[5];
  fill_uniform(Seed{5}, stream, 8 * static_cast<std::uint64_t>(k), u);
  const double p = std::pow(10, 6 * u[0] - 4), q = std::pow(10, 6 * u[1] - 4);
  const double gap = u[2] < 1. / 3 ? u[3] : std::pow(10, -9 * u[3]);
  return Covariance::of(p, (u[4] < .5 ? -1 : 1) * (1 - gap) * std::sqrt(p * q), q);
}

// Variances log-uniform in 1e-12..`most`; correlations with 1 - |rho| log-uniform down to 1e-15.
Covariance wide_covariance(std::uint64_t stream, int k, double most) {
  double u[4];
  fill_uniform(Seed{6}, stream, 8 * static_cast<std::uint64_t>(k), u);
  const double decades = 12 + std::log10(most);
  const double p = std::pow(10, decades * u[0] - 12), q = std::pow(10, decades * u[1] - 12);
  return Covariance::of(p, (u[3] < .5 ? -1 : 1) * (1 - std::pow(10, -15 * u[2])) * std::sqrt(p * q), q);
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

}  // namespace

// The bound covers the difference to an oracle by another method; 1e-16 of E|s(u) s(v)| is the oracle's own
// rounding. It is sharp, too: below 1e-12 of sqrt(E s(u)^2 E s(v)^2) always (printed: what it is over the
// error).
TEST_CASE("the bound of the numerical route covers its error against an independent oracle") {
  std::uint64_t stream = 0;
  std::vector<double> all;
  for (const std::string& name : known_activations()) {
    const limit::Dual dual = limit::Dual::numerical(name);
    const LongFunction exact = long_function(name);
    std::vector<double> tightness;
    double widest = 0;
    ++stream;
    if (!asked_for(name)) continue;
    for (int k = first_case(); k < first_case() + cases(); ++k) {
      const Covariance s = random_covariance(stream, k);
      const DualValue d = dual.at(s), pp = dual(s.p, s.p, s.p), qq = dual(s.q, s.q, s.q);
      const OracleDual oracle = dual_oracle(exact, s.p, s.c, s.q);
      CAPTURE(name);
      CAPTURE(k);
      CAPTURE(s.p);
      CAPTURE(s.c);
      CAPTURE(s.q);
      const auto check = [&](double value, double bound, long double expected, long double size,
                             double scale) {
        const double error = static_cast<double>(std::abs(value - expected));
        CHECK(error <= bound + 1e-16 * static_cast<double>(size));
        CHECK(bound <= 1e-12 * scale);
        widest = std::max(widest, bound / scale);
        if (error > 0) tightness.push_back(bound / error);
      };
      check(d.value, d.value_bound, oracle.value, oracle.value_scale, std::sqrt(pp.value * qq.value));
      check(d.slope, d.slope_bound, oracle.slope, oracle.slope_scale, std::sqrt(pp.slope * qq.slope));
    }
    MESSAGE(name << ": bound over error, median of " << tightness.size() << ": " << median(tightness)
                 << "; widest bound over scale: " << widest);
    // Errors are a few roundings, often none: a median of eight of them goes up and down by a factor of
    // three.
    if (tightness.size() >= 100) CHECK(median(tightness) < 1000);
    all.insert(all.end(), tightness.begin(), tightness.end());
  }
  REQUIRE_MESSAGE(!all.empty(), "NTAPE_DUAL_ACTIVATION is none of the known ones, such as elu(1)");
  CHECK(median(all) < 1000);
}

// Waves are beyond the oracle at large variances.
TEST_CASE("the bound covers the error at variances from 1e-12 to 1e8") {
  std::uint64_t stream = 0;
  for (const std::string& name : known_activations()) {
    ++stream;
    if (!asked_for(name)) continue;
    const limit::Dual dual = limit::Dual::numerical(name);
    const LongFunction exact = long_function(name);
    double widest = 0;
    for (int k = first_case(); k < first_case() + std::max(cases() / 2, 1); ++k) {
      const Covariance s = wide_covariance(stream, k, exact.featureless ? 1e8 : 1e2);
      const DualValue d = dual.at(s), pp = dual(s.p, s.p, s.p), qq = dual(s.q, s.q, s.q);
      const OracleDual oracle = dual_oracle(exact, s.p, s.c, s.q);
      CAPTURE(name);
      CAPTURE(k);
      CAPTURE(s.p);
      CAPTURE(s.c);
      CAPTURE(s.q);
      const auto check = [&](double value, double bound, long double expected, long double size,
                             double scale) {
        CAPTURE(value);
        CAPTURE(bound);
        const auto error = static_cast<double>(std::abs(value - expected));
        // 1e-16 of E|s(u) s(v)| is the oracle's own rounding
        CHECK(error <= bound + 1e-16 * static_cast<double>(size));
        CHECK(bound <= 1e-11 * scale);
        widest = std::max(widest, bound / scale);
      };
      check(d.value, d.value_bound, oracle.value, oracle.value_scale, std::sqrt(pp.value * qq.value));
      check(d.slope, d.slope_bound, oracle.slope, oracle.slope_scale, std::sqrt(pp.slope * qq.slope));
    }
    MESSAGE(name << ": widest bound over scale: " << widest);
  }
}

// e^x - 1 below 0 was a difference of two numbers near 1/2, off by 1e-16 / sqrt(q) of itself (bound: 5e-21).
TEST_CASE("elu keeps its digits at small variances") {
  const LongFunction exact = long_function("elu(1)");
  const limit::Dual dual = limit::Dual::numerical("elu(1)");
  for (const auto& [p, c, q] :
       {std::array{0.23906497512290964, 6.9330129078853951e-07, 2.010611046482054e-12},
        {1e-12, .999e-12, 1e-12},
        {1e-8, -.9e-8, 1e-8},
        {1e4, .9999e-3, 1e-10},
        {1e8, 9.99e-3, 1e-12}}) {
    const DualValue d = dual(p, c, q);
    const OracleDual oracle = dual_oracle(exact, p, c, q);
    CAPTURE(q);
    // 1e-18: the oracle's rounding, some units of extended precision
    CHECK(static_cast<double>(std::abs(d.value - oracle.value)) <=
          d.value_bound + 1e-18 * static_cast<double>(oracle.value_scale));
    CHECK(d.value_bound <= 1e-13 * static_cast<double>(oracle.value_scale));
  }
  // By Taylor's series, each moment of half a normal in closed form:
  // E[elu(t w)] = E[t w; w > 0] + sum_k (-t)^k E[w^k; w > 0] / k!, up to k = 3
  for (const double t : {1e-6, 1e-5, 1e-4}) {
    const long double pi = std::numbers::pi_v<long double>, x = t;
    const long double expected = x * x / 4 - x * x * x / (3 * std::sqrt(2 * pi)) + x * x * x * x / 16;
    // the terms that cancel are t / sqrt(2 pi), each to some units; the next of the series is t^5 / 37
    CHECK(std::abs(static_cast<double>(limit::elu_blur(1, 0, t).first - expected)) <=
          4e-16 * t + t * t * t * t * t);
  }
}

// Covariances at which the tanh-sinh rules of steps 1/8 and 1/16 agree by chance: both miss 1e-12 of the
// layer of width 1e-4 that the inner mean of elu's slope has at the kink, and differ by less (bounds: 5e-15
// before).
TEST_CASE("nested rules that agree by chance do not make the bound too small") {
  const limit::Dual dual = limit::Dual::numerical("elu");
  const LongFunction exact = long_function("elu");
  for (const int k : {1972, 3658, 5065}) {
    const Covariance s = random_covariance(5, k);
    const DualValue d = dual.at(s);
    const OracleDual oracle = dual_oracle(exact, s.p, s.c, s.q);
    CAPTURE(k);
    const auto error = static_cast<double>(std::abs(d.slope - oracle.slope));
    CHECK(error <= d.slope_bound + 1e-16 * static_cast<double>(oracle.slope_scale));
    CHECK(d.slope_bound <= 1e-13 * dual(s.q, s.q, s.q).slope);
  }
}

// Both routes claim a bound, so they may differ by the sum of the two.
TEST_CASE("the numerical route agrees with closed forms from variance 1e-12 to 1e8") {
  int point = 0;
  for (const std::string name : {"relu", "abs", "erf", "gelu", "gaussian"}) {
    const limit::Dual closed(name), numerical = limit::Dual::numerical(name);
    for (const double p : {1e-12, 1e-4, 4., 1e4, 1e8})
      for (const double q : {1e-12, .25, 100., 1e8})
        for (const double rho : {-1., -.999, 0., .6, .9999999, 1.}) {
          if (++point % (kInstrumented ? 35 : 7) != 0) continue;
          const double c = rho * std::sqrt(p * q);
          const DualValue a = closed(p, c, q), b = numerical(p, c, q);
          const double values = std::sqrt(closed(p, p, p).value * closed(q, q, q).value);
          const double slopes = std::sqrt(closed(p, p, p).slope * closed(q, q, q).slope);
          CAPTURE(name);
          CAPTURE(p);
          CAPTURE(q);
          CAPTURE(rho);
          CHECK(std::abs(a.value - b.value) <= a.value_bound + b.value_bound);
          CHECK(std::abs(a.slope - b.slope) <= a.slope_bound + b.slope_bound);
          CHECK(b.value_bound <= 1e-12 * values);
          CHECK(b.slope_bound <= 1e-12 * slopes);
        }
  }
}

// Reference values known to 15 digits.
TEST_CASE("the tanh dual at (1, .6, 1)") {
  const DualValue d = limit::Dual("tanh")(1, .6, 1);
  CHECK(std::abs(d.value - .225222153526884) < 1e-14);
  CHECK(std::abs(d.slope - .393587798094768) < 1e-14);
}

// softplus' = sigmoid, so the slope of one dual is the value of the other; tanh(x) = 2 sigmoid(2x) - 1
// likewise.
TEST_CASE("identities between duals hold within their bounds") {
  const limit::Dual softplus("softplus"), sigmoid("sigmoid"), tanh("tanh");
  for (int k = 0; k < 40; ++k) {
    const Covariance s = random_covariance(77, k);
    const DualValue a = softplus.at(s), b = sigmoid.at(s);
    CAPTURE(s.p);
    CAPTURE(s.c);
    CAPTURE(s.q);
    CHECK(std::abs(a.slope - b.value) <= a.slope_bound + b.value_bound);
    // E[tanh(u/2) tanh(v/2)] = 4 K - 2 (E sigmoid(u) + E sigmoid(v)) + 1 and E sigmoid = 1/2
    const DualValue t = tanh.at({s.p / 4, s.c / 4, s.q / 4, s.gap});
    CHECK(std::abs(t.value - (4 * b.value - 1)) <= t.value_bound + 4 * b.value_bound + 1e-15);
    CHECK(std::abs(t.slope - 16 * b.slope) <= t.slope_bound + 16 * b.slope_bound);
  }
}

// min(max(x, -1), 1): K at rho = 1 and K' at rho = 0 and 1 are integrals of one normal.
TEST_CASE("a function of the user's own, with kinks away from 0") {
  const limit::Dual dual(limit::Function{[](double x) { return std::clamp(x, -1.0, 1.0); },
                                         [](double x) { return std::abs(x) < 1 ? 1.0 : 0.0; },
                                         {-1, 1}});
  const auto inside = [](double p) { return std::erf(1 / std::sqrt(2 * p)); };
  for (const double p : {.01, .5, 3., 1e4}) {
    if (kInstrumented && p != .5) continue;
    const double q = 2.5;
    const DualValue none = dual(p, 0, q), all = dual(p, p, p);
    const double square = p * (inside(p) - std::sqrt(2 / (std::numbers::pi * p)) * std::exp(-.5 / p)) +
                          std::erfc(1 / std::sqrt(2 * p));
    CAPTURE(p);
    CHECK(std::abs(none.value) <= none.value_bound + 1e-300);
    CHECK(std::abs(none.slope - inside(p) * inside(q)) <= none.slope_bound);
    // what the subtraction in `square` costs
    CHECK(std::abs(all.value - square) <= all.value_bound + 4e-16 * (1 + p * inside(p)));
    CHECK(std::abs(all.slope - inside(p)) <= all.slope_bound);
    CHECK(all.slope_bound < 1e-12);
    // Price's theorem; the central difference is off by h^2 K'''/6 and rounding over h
    for (const double rho : {-.95, .5, .99}) {
      const double c = rho * std::sqrt(p * q), h = 1e-4 * std::sqrt(p * q) * (1 - std::abs(rho));
      const double slope = (dual(p, c + h, q).value - dual(p, c - h, q).value) / (2 * h);
      CHECK(std::abs(dual(p, c, q).slope - slope) < 1e-6);
    }
  }
}

// u being small, K' = P(|v| < 1) = erf(1 / sqrt(2q)); given u, v crosses +-1 at the difference of numbers
// thousands of times as large (bound: 1e-18, thirty times less than the error).
TEST_CASE("bounds cover the rounding of kinks that are far nearer to 0 than the deviation") {
  const limit::Dual dual(limit::Function{[](double x) { return std::clamp(x, -1.0, 1.0); },
                                         [](double x) { return std::abs(x) < 1 ? 1.0 : 0.0; },
                                         {-1, 1}});
  for (int k = 0; k < (kInstrumented ? 3 : 30); ++k) {
    double u[2];
    fill_uniform(Seed{7}, 1, 4 * static_cast<std::uint64_t>(k), u);
    const double p = 1e-8, q = std::pow(10, 2 + 6 * u[0]),
                 c = (1 - std::pow(10, -4 * u[1])) * std::sqrt(p * q);
    const DualValue d = dual(p, c, q);
    const long double expected = std::erf(1 / std::sqrt(2 * static_cast<long double>(q)));
    CAPTURE(c);
    CAPTURE(q);
    CHECK(static_cast<double>(std::abs(d.slope - expected)) <= d.slope_bound);
    CHECK(d.slope_bound <= 1e-11 * static_cast<double>(expected));
  }
}

// E over w of elu(m + t w), by the trapezoidal rule on either side of the kink: 1e-8 from its ends.
TEST_CASE("the smoothed elu is what an integral says") {
  for (const double a : {1., .3})
    for (const double m : {-30., -2., -.1, 0., .7, 40.})
      for (const double t : {1e-3, .5, 3., 60.}) {
        double value = 0, slope = 0;
        constexpr int kNodes = 200000;
        for (int k = 0; k < kNodes; ++k) {
          const double w = -10 + 20 * (k + .5) / kNodes, x = m + t * w;
          const double weight = 20. / kNodes * std::exp(-w * w / 2) / std::sqrt(2 * std::numbers::pi);
          value += weight * (x > 0 ? x : a * std::expm1(x));
          slope += weight * (x > 0 ? 1 : a * std::exp(x));
        }
        const auto [f, df] = limit::elu_blur(a, m, t);
        CAPTURE(a);
        CAPTURE(m);
        CAPTURE(t);
        CHECK(std::abs(f - value) < 1e-6 * std::max(1., std::abs(value)));
        CHECK(std::abs(df - slope) < 1e-4);
      }
}

// Upper bounds, within a factor of 30 at variances from .1 on; below, a supremum is more.
TEST_CASE("sensitivities bound the root mean squares they are named for") {
  for (const std::string& name : known_activations()) {
    const auto op = long_function(name);
    const limit::Dual dual(name);
    for (const double variance : {1e-4, .1, 1., 30.}) {
      const limit::Sensitivity s = dual.rule().sensitivity(variance);
      double slope = 0, stretch = 0, curvature = 0, curving = 0;
      constexpr int kNodes = 20000;
      for (int k = 0; k < kNodes; ++k) {
        const double z = -9 + 18 * (k + .5) / kNodes, u = std::sqrt(variance) * z, h = 1e-5 * std::abs(u);
        const double weight = 18. / kNodes * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
        const double d = static_cast<double>(op.df(u));
        const double dd = static_cast<double>((op.df(u + h) - op.df(u - h)) / (2 * h));
        slope += weight * d * d;
        stretch += weight * u * u * d * d;
        curvature += weight * dd * dd;
        curving += weight * u * u * dd * dd;
      }
      CAPTURE(name);
      CAPTURE(variance);
      const auto check = [&](double bound, double square) {
        CHECK(bound >= std::sqrt(square) * (1 - 1e-6));
        if (variance >= .1) CHECK(bound <= 30 * std::sqrt(square) + 1e-12);
      };
      check(s.slope, slope);
      check(s.stretch, stretch);
      check(s.curvature, curvature);
      check(s.curving_stretch, curving);
      const double jump = std::abs(static_cast<double>(op.df(1e-9L) - op.df(-1e-9L)));
      CHECK(std::abs(s.jump - jump) < 1e-8);
    }
  }
}

// Steep places far from 0 that no kink announces: the bound may be as large as the dual, but it holds. At
// equal inputs an integral over one normal is the oracle, by equal steps that resolve the function.
TEST_CASE("bounds hold where a function is too steep for the rules") {
  struct Steep {
    std::string what;
    limit::Function s;
    double at, size;  // where it is steep, and over what length
  };
  const auto tanh_at = [](double at, double scale) {
    return Steep{"tanh " + std::to_string(scale) + "(x - " + std::to_string(at) + ")",
                 {[=](double x) { return std::tanh(scale * (x - at)); },
                  [=](double x) {
                    const double c = 1 / std::cosh(scale * (x - at));
                    return scale * c * c;
                  }},
                 at,
                 1 / scale};
  };
  const Steep bump{"bump",
                   {[](double x) { return std::exp(-(x - 1000) * (x - 1000)); },
                    [](double x) { return -2 * (x - 1000) * std::exp(-(x - 1000) * (x - 1000)); }},
                   1000,
                   1};
  for (const auto& [f, variance] : {std::pair{tanh_at(30, 1), 900.},
                                    {tanh_at(30, 1), 1e4},
                                    {tanh_at(100, 1), 1e4},
                                    {tanh_at(300, 1), 1e6},
                                    {tanh_at(300, 1), 1e8},
                                    {tanh_at(3000, 1), 1e8},
                                    {tanh_at(0, 1000), 1.},
                                    {tanh_at(2, 300), 4.},
                                    {bump, 1e8}}) {
    const DualValue d = limit::Dual(f.s)(variance, variance, variance);
    const double deviation = std::sqrt(variance), h = .05 * f.size / deviation;
    // by parts where the function is steep, coarsely elsewhere
    double value = 0, slope = 0;
    const double low = (f.at - 60 * f.size) / deviation, high = (f.at + 60 * f.size) / deviation;
    const auto add = [&](double from, double to, double step) {
      const int n = std::max(1, static_cast<int>(std::ceil((to - from) / step)));
      for (int k = 0; k < n; ++k) {
        const double width = (to - from) / n;
        for (const double node : {-std::sqrt(.6), 0., std::sqrt(.6)}) {
          const double z = from + (k + .5 + node / 2) * width, u = z * deviation;
          const double w =
              (node == 0 ? 8 : 5) / 18. * width * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
          value += w * f.s.f(u) * f.s.f(u);
          slope += w * f.s.df(u) * f.s.df(u);
        }
      }
    };
    add(-10, low, 1e-3);
    add(low, high, h);
    add(high, 10, 1e-3);
    CAPTURE(f.what);
    CAPTURE(variance);
    CAPTURE(d.value);
    CAPTURE(d.value_bound);
    CAPTURE(d.slope_bound);
    CHECK(std::abs(d.value - value) <= d.value_bound + 1e-9 * value);
    CHECK(std::abs(d.slope - slope) <= d.slope_bound + 1e-9 * slope);
    // a kink makes it sharp
    limit::Function kinked = f.s;
    kinked.kinks = {f.at};
    for (const double rho : {-.7, .5, .99}) {
      const DualValue a = limit::Dual(f.s)(variance, rho * variance, variance),
                      b = limit::Dual(kinked)(variance, rho * variance, variance);
      CAPTURE(rho);
      CHECK(std::abs(a.value - b.value) <= a.value_bound + b.value_bound);
      CHECK(std::abs(a.slope - b.slope) <= a.slope_bound + b.slope_bound);
      CHECK(b.value_bound < 1e-11);
    }
  }
  // tanh(1000 x) at (1, .5, 1) is tanh at variances of 1e6, which has its features at 0
  const DualValue a = limit::Dual(tanh_at(0, 1000).s)(1, .5, 1), b = limit::Dual("tanh")(1e6, .5e6, 1e6);
  CHECK(std::abs(a.value - b.value) <= a.value_bound + b.value_bound);
  CHECK(std::abs(a.slope - 1e6 * b.slope) <= a.slope_bound + 1e6 * b.slope_bound);
  for (const double rho : {1., .5}) {
    const limit::Dual wave = limit::Dual::numerical("sin"), exact("sin");
    const DualValue n = wave(1e4, rho * 1e4, 1e4), e = exact(1e4, rho * 1e4, 1e4);
    CAPTURE(rho);
    CHECK(std::abs(n.value - e.value) <= n.value_bound + e.value_bound);
    CHECK(std::abs(n.slope - e.slope) <= n.slope_bound + e.slope_bound);
  }
}

TEST_CASE("functions whose dual does not exist are refused") {
  CHECK_THROWS_AS(limit::Dual(limit::Function{}), UserError);
  CHECK_THROWS_AS(
      limit::Dual(limit::Function{[](double) { return 1.0; }, [](double) { return 0.0; }, {HUGE_VAL}}),
      UserError);
  const limit::Dual steep(limit::Function{[](double x) { return std::exp(x * x); },
                                          [](double x) { return 2 * x * std::exp(x * x); }});
  CHECK_THROWS_AS((void)steep(1, .5, 1), UserError);
  CHECK(std::abs(steep(.01, 0, .01).value - 1 / .98) < 1e-13);
  CHECK_THROWS_AS((void)limit::Dual::numerical("exp"), UserError);
}

// Far out tanh is sign to the last digit, but for what E s'^2 = int sech^4 / sqrt(2 pi v) = 4/3 / sqrt(2 pi
// v) says at equal inputs; beyond 1e30 nothing is said.
TEST_CASE("numerical duals are right up to the largest variance, and refuse what is above") {
  const limit::Dual tanh("tanh"), sign("sign");
  for (const double v : {1e10, 1e13, 1e16, 1e22, 1e30}) {
    const DualValue a = tanh(v, .5 * v, v), b = sign(v, .5 * v, v), one = tanh(v, v, v);
    const double steep = 4 / 3. / std::sqrt(2 * std::numbers::pi * v);
    CAPTURE(v);
    // the next terms are smaller by 1 / v
    CHECK(std::abs(a.value - b.value) <= a.value_bound + 8 / v);
    CHECK(std::abs(a.slope - b.slope) <= a.slope_bound + 8 * b.slope / v);
    CHECK(a.value_bound < 1e-11);
    CHECK(a.slope_bound < 1e-11 * steep);
    CHECK(std::abs(one.slope - steep) <= one.slope_bound + 8 * steep / v);
  }
  CHECK_THROWS_AS((void)tanh(1e50, 1e50, 1e50), UserError);
  CHECK_THROWS_AS((void)tanh(1, 0, 1e31), UserError);
}

TEST_CASE("closed forms do not overflow before their variances do") {
  const DualValue e = limit::Dual("erf")(1e300, 1e299, 1e300),
                  g = limit::Dual("gaussian")(1e300, 1e299, 1e300);
  const double root = std::sqrt(.99);  // over sqrt(pq)
  CHECK(std::abs(e.value - 2 / std::numbers::pi * std::asin(.1)) < 1e-15);
  CHECK(std::abs(e.slope / (2 / std::numbers::pi / root * 1e-300) - 1) < 1e-14);
  CHECK(std::abs(g.value / (.5 / root * 1e-300) - 1) < 1e-14);
}

}  // namespace limit_numerical_test
