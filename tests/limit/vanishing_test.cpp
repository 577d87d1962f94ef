#include <doctest/doctest.h>

#include <ntape/limit/power_series.hpp>
#include <ntape/limit/sphere.hpp>
#include <string>
#include <vector>

namespace limit_vanishing_test {

using namespace ntape;

namespace {

Architecture network(const std::string& activation, Index depth, double bias, double weight = 1) {
  return {.widths = equal_widths(3, 1, 1, depth),
          .activation = activation,
          .weight_scale = weight,
          .bias_scale = bias};
}

// Degrees below 9 whose coefficients vanish.
std::vector<Index> vanishing(const Architecture& a) {
  const PowerSeries s = power_series(a, 8);
  std::vector<Index> out;
  for (Index k = 0; k <= 8; ++k)
    if (s.vanishes[k]) out.push_back(k);
  return out;
}

using Degrees = std::vector<Index>;

}  // namespace

// A layer maps rho to K(rho): odd functions of it, even ones, or a line and an even one, with or without the
// constant that a bias adds. Theta = t K'(rho) + ...
TEST_CASE("coefficients vanish where the symmetry of activations says so") {
  for (const Index depth : {2, 3}) {
    CAPTURE(depth);
    for (const char* odd : {"tanh", "erf", "sin", "hermite(3)", "monomial(5)"}) {
      CAPTURE(odd);
      // hermite(3): 3 rho^3 and less, 9 at L = 3
      const bool short_one = depth == 2 && std::string(odd) == "hermite(3)",
                 five = depth == 2 && std::string(odd) == "monomial(5)";
      CHECK(vanishing(network(odd, depth, 0)) == (short_one ? Degrees{0, 2, 4, 5, 6, 7, 8}
                                                  : five    ? Degrees{0, 2, 4, 6, 7, 8}
                                                            : Degrees{0, 2, 4, 6, 8}));
    }
    for (const char* even : {"abs", "cos", "gaussian"}) {
      CAPTURE(even);
      CHECK(vanishing(network(even, depth, 0)) == Degrees{1, 3, 5, 7});
    }
    for (const char* other : {"relu", "softplus", "silu", "gelu"}) {
      CAPTURE(other);
      CHECK(vanishing(network(other, depth, 0)) == (depth == 2 ? Degrees{3, 5, 7} : Degrees{}));
    }
    for (const char* name : {"elu(1)", "exp", "rbf(1)", "rectified_power(3)"}) {
      CAPTURE(name);
      CHECK(vanishing(network(name, depth, 0)) ==
            (std::string(name) == "rectified_power(3)" && depth == 2 ? Degrees{5, 7} : Degrees{}));
    }
  }
  for (const char* name : {"tanh", "cos", "sigmoid"}) {
    CAPTURE(name);
    CHECK(vanishing(network(name, 3, .1)).empty());
  }
  CHECK(vanishing(network("identity", 4, 0)) == Degrees{0, 2, 3, 4, 5, 6, 7, 8});
  CHECK(vanishing(network("identity", 4, .1)) == Degrees{2, 3, 4, 5, 6, 7, 8});
  CHECK(vanishing(network("square", 2, 0)) == Degrees{1, 3, 4, 5, 6, 7, 8});
  CHECK(vanishing(network("erf", 6, 0)) == Degrees{0, 2, 4, 6, 8});
  CHECK(vanishing(network("abs", 6, 0)) == Degrees{1, 3, 5, 7});
  // without weights the output is its bias
  CHECK(vanishing(network("relu", 2, .1, 0)) == Degrees{1, 2, 3, 4, 5, 6, 7, 8});
  Architecture residual = network("tanh", 4, 0);
  residual.residual = true;
  CHECK(vanishing(residual) == Degrees{0, 2, 4, 6, 8});
}

// An independent way: the curve's even and odd parts.
TEST_CASE("what vanishes is not in the curve") {
  for (const char* name : {"tanh", "sin", "hermite(3)"}) {
    const AngleCurve odd = angle_curve(network(name, 3, 0), 1.3, {.3, 3.14159265358979323846 - .3});
    CAPTURE(name);
    CHECK(std::abs(odd.value[0] + odd.value[1]) <= odd.bound[0] + odd.bound[1] + 1e-14 * odd.value[0]);
  }
  for (const char* name : {"cos", "abs", "gaussian"}) {
    const AngleCurve even = angle_curve(network(name, 3, 0), 1.3, {.3, 3.14159265358979323846 - .3});
    CAPTURE(name);
    CHECK(std::abs(even.value[0] - even.value[1]) <= even.bound[0] + even.bound[1] + 1e-14 * even.value[0]);
  }
}

// Factorials leave the range of doubles at 170, scales at once: neither is a proof of nothing.
TEST_CASE("what is too small for a double is not said to vanish") {
  const PowerSeries exponential = power_series(network("exp", 2, 0), 200);
  for (Index k = 0; k <= 200; ++k) {
    CHECK(!exponential.vanishes[k]);
    CHECK(exponential.bound[k] > 0);
  }
  const Architecture small = network("relu", 5, 0, 1e-100);
  const Positivity p = positivity(sphere_spectrum(small, 3, 3), power_series(small, 100));
  CHECK(p.positive.empty());
  CHECK(p.vanishing.empty());
  CHECK(p.undecided.size() == 4);
  // where odd harmonics do vanish
  const Architecture two = network("relu", 2, 0, 1e-100);
  CHECK(positivity(sphere_spectrum(two, 3, 7), power_series(two, 100)).vanishing == Degrees{3, 5, 7});
}

// Coefficients beyond a layer's series, which is bounded only, once hid that cos has no odd harmonics.
TEST_CASE("parity holds through any depth") {
  const Architecture a = network("cos", 12, 0);
  const Positivity p = positivity(sphere_spectrum(a, 3, 20), power_series(a, 100));
  CHECK(p.vanishing == Degrees{1, 3, 5, 7, 9, 11, 13, 15, 17, 19});
}

}  // namespace limit_vanishing_test
