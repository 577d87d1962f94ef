#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <ntape/dynamics/stability.hpp>

namespace dynamics_stability_test {

using namespace ntape;

namespace {

// The size of a mode after k steps of heavy-ball descent, from rest at 1.
double after(Index steps, double rate, double momentum, double lambda, double examples) {
  double r = 1, last = 1;
  for (Index k = 0; k < steps; ++k) {
    const double next = r + momentum * (r - last) - rate * lambda / examples * r;
    last = r;
    r = next;
  }
  return std::abs(r);
}

// The larger root of z^2 - (1 + m - eta mu) z + m.
double contraction(double rate, double momentum, double mu) {
  const std::complex<double> b = 1 + momentum - rate * mu;
  const auto root = std::sqrt(b * b - 4 * momentum);
  return std::max(std::abs(b + root), std::abs(b - root)) / 2;
}

}  // namespace

TEST_CASE("below the critical rate a mode dies out, above it grows, with momentum and without") {
  constexpr double kLambda = 3.7, kExamples = 5;
  for (const double m : {0.0, 0.5, 0.9}) {
    CAPTURE(m);
    const double critical = critical_rate(kLambda, 5, m);
    // One step turns the mode by about -(1 -+ 0.002 (1 + m)/(1 - m)): 10000 steps show it for any m here.
    CHECK(after(10000, .999 * critical, m, kLambda, kExamples) < 1e-6);
    CHECK(after(10000, 1.001 * critical, m, kLambda, kExamples) > 1e6);
  }
}

TEST_CASE("at the balanced rate the slowest mode is as fast as it can be") {
  constexpr double kLeast = 0.2, kMost = 3;
  for (const double m : {0.0, 0.2}) {
    const auto slowest = [&](double rate) {
      double worst = 0;
      for (const double mu : {kLeast, 1.0, kMost}) worst = std::max(worst, contraction(rate, m, mu));
      return worst;
    };
    const double best = balanced_rate(kLeast, kMost, 1, m);
    CHECK(slowest(best) < slowest(.99 * best));
    CHECK(slowest(best) < slowest(1.01 * best));
    CHECK(balanced_rate(7 * kLeast, 7 * kMost, 7, m) == doctest::Approx(best).epsilon(1e-15));
  }
}

}  // namespace dynamics_stability_test
