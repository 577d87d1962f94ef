#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/phase.hpp>
#include <ntape/limit/recursion.hpp>
#include <numbers>

namespace limit_phase_test {

using namespace ntape;

// relu: p -> w p/2 + b and w/2, so q* = b / (1 - w/2) and chi_1 = w/2; at w = 2 variances stay.
TEST_CASE("the phase of relu is known in closed form") {
  const Phase ordered = phase("relu", 1, .1);
  CHECK(std::abs(ordered.variance - .02) < 1e-16);
  CHECK(std::abs(ordered.slope - .5) < 1e-15);
  CHECK(ordered.correlation == 1);
  CHECK(std::abs(ordered.length - 1 / std::log(2.)) < 1e-14);
  const Phase edge = phase("relu", std::numbers::sqrt2, 0);
  CHECK(std::abs(edge.variance - 1) < 1e-12);
  CHECK(std::isinf(edge.length));
  CHECK(std::isinf(phase("relu", 1.5, .1).variance));
  CHECK(phase("relu", 1, 0).variance == 0);
  // differences over 5e-4 of numbers right to 1e-16
  CHECK(std::abs(ordered.variance_slope - .5) < 1e-12);
  CHECK(std::abs(edge.variance_slope - 1) < 1e-12);
}

// x^2 - 1 over its root mean square: p -> ((p - 1)^2 + 2 p^2 - (p - 1)^2) / 2 = p^2, whose fixed point 1
// repels.
TEST_CASE("a fixed point that variances part from is told by its slope") {
  const Phase p = phase("hermite(2)", 1, 0);
  CHECK(p.variance == 1);
  CHECK(std::abs(p.variance_slope - 2) < 1e-10);
  // p -> sum_j a_j (p - 1)^2j p^(n - 2j) has the slope n at 1, and changes within 1/n of it.
  CHECK(std::abs(phase("hermite(64)", 1, 0).variance_slope - 64) < 1e-6 * 64);
  CHECK(phase("tanh", 2, .1).variance_slope < 1);
}

// A fixed point is one, and the rate at which the correlation of a deep network's pre-activations comes near
// it is xi.
TEST_CASE("ordered and chaotic networks come to c* at the rate of xi") {
  for (const char* activation : {"erf", "tanh"})
    for (const double weight : {.7, 2.5}) {
      const Phase p = phase(activation, weight, .3);
      CAPTURE(activation);
      CAPTURE(weight);
      CHECK((p.slope > 1) == (weight > 1));
      const limit::Dual dual(activation);
      const double q = p.variance, w = weight * weight;
      CHECK(std::abs(w * dual(q, q, q).value + .09 - q) < 1e-13 * q);
      CHECK(std::abs(w * dual(q, p.correlation * q, q).value + .09 - p.correlation * q) < 1e-12 * q);
      Matrix<double> x = zeros<double>(2, 2);
      x(0, 0) = x(1, 1) = 1;
      const auto away = [&](Index depth) {
        const auto k = limit_nngp({.widths = equal_widths(2, 1, 1, depth),
                                   .activation = activation,
                                   .weight_scale = weight,
                                   .bias_scale = .3},
                                  x)
                           .values;
        return std::abs(k(0, 1) / std::sqrt(k(0, 0) * k(1, 1)) - p.correlation);
      };
      // ratios from layer to layer settle as the distance itself gets small: 1e-2 is what is left there
      const Index depth = static_cast<Index>(std::ceil(8 * p.length)) + 2;
      CHECK(std::abs(away(depth + 1) / away(depth) / std::exp(-1 / p.length) - 1) < 1e-2);
    }
}

TEST_CASE("the edge of chaos is named, and what is left there is exact") {
  const double root = std::numbers::sqrt2;
  const Phase he = phase("relu", root, 0);
  CHECK(he.kind == PhaseKind::edge);
  CHECK(he.variance == 1);
  // w s'(0)^2 = 1 without bias: variances die out like 1/layer.
  for (const auto& [activation, weight] :
       {std::pair<const char*, double>{"tanh", 1.}, {"erf", std::sqrt(std::numbers::pi) / 2}, {"sin", 1.}}) {
    CAPTURE(activation);
    const Phase p = phase(activation, weight, 0);
    CHECK(p.kind == PhaseKind::edge);
    CHECK(p.variance == 0);
    CHECK(std::isinf(p.length));
    // Beside it, they die out or settle.
    const Phase below = phase(activation, weight * .99, 0), above = phase(activation, weight * 1.01, 0);
    CHECK(below.kind == PhaseKind::ordered);
    CHECK(below.variance == 0);
    CHECK(above.kind == PhaseKind::chaotic);
    CHECK(above.variance > 1e-3);
    CHECK(above.correlation == 0);  // odd, and no bias
    CHECK(above.length > 1e3);
  }
}

// K = 2/pi asin(rho), infinitely steep at 1.
TEST_CASE("sign is chaotic, whatever its weights") {
  const Phase p = phase("sign", 3, 0);
  CHECK(p.kind == PhaseKind::chaotic);
  CHECK(std::isinf(p.slope));
  CHECK(p.correlation == 0);
  CHECK(std::abs(p.length + 1 / std::log(2 / std::numbers::pi)) < 1e-12);
}

TEST_CASE("variances that drift away are told from those that end far out") {
  const double root = std::numbers::sqrt2;
  // p -> p + b, p + 1/2 - .., p + c / sqrt(p): without end, though slowly.
  CHECK(phase("relu", root, .1).kind == PhaseKind::unbounded);
  CHECK(phase("elu", root, 0).kind == PhaseKind::unbounded);
  CHECK(phase("softplus", root, 0).kind == PhaseKind::unbounded);
  CHECK(phase("softplus", 1.5, 0).kind == PhaseKind::unbounded);
  CHECK(phase("relu", 1.5, 0).kind == PhaseKind::unbounded);
  // tanh^2 is below 1.
  const Phase far = phase("tanh", 1e8, 0);
  CHECK(far.kind == PhaseKind::chaotic);
  CHECK(std::abs(far.variance - 1e16) < 1e9);
  const Phase long_way = phase("softplus", 1.41, .1);
  CHECK(long_way.kind != PhaseKind::unbounded);
  CHECK(long_way.variance > 10);
}

TEST_CASE("phases of what cannot be are refused") {
  CHECK_THROWS_AS((void)phase("tahn", 1, 1), UserError);
  CHECK_THROWS_AS((void)phase("tanh", -1, 1), UserError);
  CHECK_THROWS_AS((void)phase("tanh", 1, HUGE_VAL), UserError);
}

}  // namespace limit_phase_test
