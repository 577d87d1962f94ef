#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/moment.hpp>

namespace dynamics_moment_test {

using namespace ntape;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The recursion of one mode in extended precision, step by step: u is f - y, g the gain.
Moment::Response by_hand(Index steps, long double rate, long double momentum, long double mu) {
  long double u = 1, before = 1, g = 0, change = 0;
  for (Index k = 0; k < steps; ++k) {
    change = momentum * change + rate * u;
    g += change;
    const long double next = u - rate * mu * u + momentum * (u - before);
    before = u;
    u = next;
  }
  return {static_cast<double>(u), static_cast<double>(g)};
}

}  // namespace

TEST_CASE("descent of one mode is the literal recursion, slow, fast, critically damped and overshooting") {
  for (const double momentum : {0.0, .3, .9, .999})
    for (const double a :
         {0.0, 1e-14, 1e-6, .01, .3, .5, 1.0, std::pow(1 - std::sqrt(momentum), 2), 1.9, 2.5})
      for (const Index steps : {Index{1}, Index{2}, Index{3}, Index{64}, Index{1001}}) {
        if (a > 2 * (1 + momentum) && steps > 64) continue;  // out of the range of double
        CAPTURE(momentum);
        CAPTURE(a);
        CAPTURE(steps);
        const double rate = .7, mu = a / rate;
        const auto got = Moment::descent(steps, rate, momentum).response(mu);
        const auto expected = by_hand(steps, rate, momentum, mu);
        // k steps, each with the rounding of 1 - a; with momentum m a rounding lasts 1/(1 - m) steps, but the
        // transients it excites are 1/(1 - m) as large as u at most, too.
        const double tolerance = 1e-15 * static_cast<double>(steps) / (1 - momentum);
        CHECK(std::abs(got.decay - expected.decay) <= tolerance * std::max(1.0, std::abs(expected.decay)));
        CHECK(std::abs(got.gain - expected.gain) <= tolerance * std::max(rate, std::abs(expected.gain)));
      }
}

TEST_CASE("slow modes keep their digits over many steps") {
  // a k = 1 at most: 1 - decay is given by the flow to first order in a, and by 1/(1 - m) times the rate.
  for (const double momentum : {0.0, .5, .9}) {
    const double mu = 1e-12;
    const Index steps = 100000000000;
    const auto got = Moment::descent(steps, 1, momentum).response(mu);
    const double flow = std::exp(-mu * static_cast<double>(steps) / (1 - momentum));
    // The flow is off by a/(1-m)^3 per unit of time, 1e-9 at most; squaring 37 times adds less.
    CHECK(std::abs(got.decay - flow) < 1e-9);
    CHECK(std::abs(got.gain * mu - (1 - flow)) < 1e-9);
  }
}

TEST_CASE("what is left of a dying mode has its digits") {
  for (const double momentum : {0.0, .5, .9}) {
    const auto got = Moment::descent(5000, 1, momentum).response(.01);
    const auto expected = by_hand(5000, 1, momentum, .01);
    CHECK(std::abs(expected.decay) < 1e-20);
    // exp(-x) of an x up to 500 with rounding of 1e-16
    CHECK(std::abs(got.decay / expected.decay - 1) < 1e-12);
  }
}

TEST_CASE("flow has its limits at zero eigenvalues and at infinite time") {
  for (const double t : {0.0, 1e-3, 1.0, 1e9}) {
    const Moment moment = Moment::flow(t);
    CHECK(moment.response(0).decay == 1);
    CHECK(moment.response(0).gain == t);
    CHECK(moment.response(1e-300).gain == doctest::Approx(t).epsilon(1e-15));
    const double mu = .3;
    CHECK(moment.response(mu).gain == doctest::Approx((1 - std::exp(-mu * t)) / mu).epsilon(1e-12));
  }
  const Moment end = Moment::flow(kInfinity);
  CHECK(end.is_infinite());
  CHECK(end.response(.25).decay == 0);
  CHECK(end.response(.25).gain == 4);
  CHECK(end.response(0).decay == 1);
  CHECK(end.response(0).gain == 0);
}

TEST_CASE("descent tends to the flow with the first power of the rate") {
  const double mu = .4, t = 3;
  const auto gap = [&](Index steps) {
    const double rate = t / static_cast<double>(steps);
    return std::abs(Moment::descent(steps, rate).response(mu).decay - Moment::flow(t).response(mu).decay);
  };
  // the second order is rate mu t = 1e-3 of the first at the finer of the two
  const double slope = std::log2(gap(1000) / gap(2000));
  CHECK(std::abs(slope - 1) < 2e-3);
}

TEST_CASE("what is no moment is refused") {
  CHECK_THROWS_AS((void)Moment::flow(-1), UserError);
  CHECK_THROWS_AS((void)Moment::flow(std::nan("")), UserError);
  CHECK_THROWS_AS((void)Moment::descent(1, 0), UserError);
  CHECK_THROWS_AS((void)Moment::descent(1, kInfinity), UserError);
  CHECK_THROWS_AS((void)Moment::descent(1, 1, 1), UserError);
  CHECK_THROWS_AS((void)Moment::descent(1, 1, -.1), UserError);
}

}  // namespace dynamics_moment_test
