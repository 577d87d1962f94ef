#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/recursion.hpp>
#include <numbers>

namespace limit_recursion_test {

using namespace ntape;

namespace {

// Two points of the plane with |x|^2 / n_0 = 1 at an angle.
Matrix<double> pair_at(double degrees) {
  Matrix<double> x = make_matrix<double>(2, 2);
  const double r = std::numbers::sqrt2, a = degrees * std::numbers::pi / 180;
  x(0, 0) = r;
  x(0, 1) = 0;
  x(1, 0) = r * std::cos(a);
  x(1, 1) = r * std::sin(a);
  return x;
}

Architecture relu(Index depth, double bias) {
  return {
      .widths = equal_widths(2, 1, 1, depth), .activation = "relu", .weight_scale = 1, .bias_scale = bias};
}

}  // namespace

// Reference values worked out independently to 15 digits. At 0 and 180 degrees the input angle itself carries
// about 1e-16 of rounding through sin(pi); the tolerance is 1e-13 absolute, values being at most 1.
TEST_CASE("relu limit at reference angles, depths 2 to 4") {
  const std::array<double, 5> angles = {0, 60, 90, 120, 180};
  const double expected[3][5] = {
      {1, .471165557188782, .159154943091895, -.028834442811219, 0},
      {.75, .337869890280871, .171427159070736, .085965561568182, .079577471545948},
      {.5, .217230584901914, .132548513350323, .092781165320147, .085713579535368},
  };
  for (Index depth = 2; depth <= 4; ++depth)
    for (Index k = 0; k < angles.size(); ++k) {
      CAPTURE(depth);
      CAPTURE(angles[k]);
      CHECK(std::abs(limit_ntk(relu(depth, 0), pair_at(angles[k])).values(0, 1) - expected[depth - 2][k]) <
            1e-13);
    }
}

// Figure 1 of Jacot et al.: L = 4, beta = 0.1, points on the unit circle, |x|^2 / n_0 = 1/2. Four to six
// digits known.
TEST_CASE("relu limit curve of the paper's figure 1") {
  Matrix<double> x = pair_at(90);
  for (double& v : x) v /= std::numbers::sqrt2;
  const auto k = limit_ntk(relu(4, 0.1), x);
  CHECK(std::abs(k.values(0, 0) - .2825) < 5e-5);
  CHECK(std::abs(k.values(0, 1) - .0927021) < 5e-8);
  x(1, 0) = -1;
  x(1, 1) = 0;
  CHECK(std::abs(limit_ntk(relu(4, 0.1), x).values(0, 1) - .0643538) < 5e-8);
}

TEST_CASE("the identity network's limit is depth times its covariance when beta = 0") {
  // Theta^L = L x.x'/n_0 for sigma_w = 1: every layer adds the same share. Exact up to a few roundings.
  const auto x = pair_at(37);
  Architecture a = relu(5, 0);
  a.activation = "identity";
  CHECK(std::abs(limit_ntk(a, x).values(0, 1) - 5 * std::cos(37 * std::numbers::pi / 180)) < 1e-14);
}

TEST_CASE("equal inputs at different places meet the diagonal exactly") {
  Matrix<double> x = make_matrix<double>(2, 3);
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j) x(i, j) = 0.37 * static_cast<double>(j + 1);
  Architecture a = relu(6, 0.1);
  a.widths.front() = 3;
  const auto k = limit_ntk(a, x).values;
  CHECK(k(0, 1) == k(0, 0));
  CHECK(k(1, 1) == k(0, 0));
}

TEST_CASE("zero inputs and zero bias give zero, not NaN") {
  Matrix<double> x = zeros<double>(2, 2);
  x(1, 0) = 1;
  const auto k = limit_ntk(relu(3, 0), x).values;
  CHECK(k(0, 0) == 0);
  CHECK(k(0, 1) == 0);
  CHECK(k(1, 1) > 0);
}

TEST_CASE("the cross form agrees with the symmetric one") {
  const auto x = pair_at(70);
  const Matrix<double> copy = x;
  const auto a = limit_kernels(relu(4, .1), x), b = limit_kernels(relu(4, .1), x, copy);
  for (Index k = 0; k < 4; ++k) {
    CHECK(a.ntk.values.data()[k] == b.ntk.values.data()[k]);
    CHECK(a.nngp.values.data()[k] == b.nngp.values.data()[k]);
  }
}

TEST_CASE("what cannot be done is refused") {
  Architecture a = relu(3, .1);
  a.activation = "tahn";
  CHECK_THROWS_AS((void)limit_ntk(a, pair_at(10)), UserError);
  CHECK(!has_limit("tahn"));
  CHECK_THROWS_AS((void)limit_kernels(relu(3, .1), pair_at(10), {.tolerance = .1}), UserError);
  CHECK_THROWS_AS((void)limit_ntk(relu(3, .1), make_matrix<double>(2, 3)), ShapeError);
  CHECK_THROWS_AS((void)limit_ntk(relu(3, .1), make_matrix<double>(0, 2)), UserError);
}

TEST_CASE("inputs beyond what numerical duals take are refused, not answered wrongly") {
  const Architecture a{.widths = {2, 1, 1}, .activation = "tanh"};
  Matrix<double> x = make_matrix<double>(2, 2);
  x(0, 0) = 1e78;
  x(0, 1) = 2e78;
  x(1, 0) = -1e78;
  x(1, 1) = 1e78;
  CHECK_THROWS_AS((void)limit_kernels(a, x), UserError);
}

}  // namespace limit_recursion_test
