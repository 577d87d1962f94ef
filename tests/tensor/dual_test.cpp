#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/tensor/dual.hpp>
#include <vector>

namespace tensor_dual_test {

using ntape::Dual;
using ntape::value_of;

namespace {

// A function of one number, generic, and numbers at which it is smooth.
template <class F>
void check_slope(const char* name, F f, const std::vector<double>& at) {
  CAPTURE(name);
  for (const double x : at) {
    CAPTURE(x);
    const Dual<double> y = f(Dual<double>(x, 1));
    CHECK(y.value == f(x));
    // Central difference: truncation h^2/6 times third derivatives below 50, rounding 1e-16 / h.
    const double h = 4e-6, difference = (f(x + h) - f(x - h)) / (2 * h);
    CHECK(std::abs(y.slope - difference) < 1e-9 * (1 + std::abs(difference)));
    // The slope is linear in the slope of the argument.
    CHECK(std::abs(f(Dual<double>(x, -2.5)).slope + 2.5 * y.slope) <= 1e-15 * std::abs(y.slope) * 4);
    CHECK(f(Dual<double>(x)).slope == 0);
    // In float, the same numbers to a few roundings of 6e-8 each.
    const Dual<float> narrow = f(Dual<float>(static_cast<float>(x), 1));
    const Dual<double> wide = f(Dual<double>(static_cast<float>(x), 1));
    CHECK(std::abs(narrow.value - wide.value) < 1e-6 * (1 + std::abs(wide.value)));
    CHECK(std::abs(narrow.slope - wide.slope) < 1e-6 * (1 + std::abs(wide.slope)));
  }
}

const std::vector<double> kAnywhere = {-2.3, -1, -0.4, 0, 0.2, 1, 1.7};
const std::vector<double> kPositive = {0.3, 1, 2.7};

}  // namespace

TEST_CASE("the slope of every function is its derivative") {
  using std::abs, std::sqrt, std::exp, std::expm1, std::log, std::log1p, std::sin, std::cos, std::tanh,
      std::erf, std::erfc;
  check_slope(
      "-", [](auto x) { return -x; }, kAnywhere);
  check_slope("abs", [](auto x) { return abs(x); }, {-2.3, -0.1, 0.1, 1.7});
  check_slope(
      "sqrt", [](auto x) { return sqrt(x); }, kPositive);
  check_slope(
      "exp", [](auto x) { return exp(x); }, kAnywhere);
  check_slope(
      "expm1", [](auto x) { return expm1(x); }, kAnywhere);
  check_slope(
      "log", [](auto x) { return log(x); }, kPositive);
  check_slope("log1p", [](auto x) { return log1p(x); }, {-0.5, 0, 0.3, 2.7});
  check_slope(
      "sin", [](auto x) { return sin(x); }, kAnywhere);
  check_slope(
      "cos", [](auto x) { return cos(x); }, kAnywhere);
  check_slope(
      "tanh", [](auto x) { return tanh(x); }, kAnywhere);
  check_slope(
      "erf", [](auto x) { return erf(x); }, kAnywhere);
  check_slope(
      "erfc", [](auto x) { return erfc(x); }, kAnywhere);
}

TEST_CASE("a constant power, at zero and for negative numbers, too") {
  const auto power = [](auto exponent) {
    return [exponent](auto x) {
      using std::pow;
      using Scalar = decltype(value_of(x));
      return pow(x, static_cast<Scalar>(exponent));
    };
  };
  check_slope("x^3", power(3.0), kAnywhere);
  check_slope("x^2", power(2.0), kAnywhere);
  check_slope("x^1", power(1.0), kAnywhere);
  check_slope("x^0", power(0.0), kAnywhere);
  check_slope("x^-1", power(-1.0), {-2, -0.7, 0.7, 2});
  check_slope("x^1.5", power(1.5), kPositive);
}

TEST_CASE("the slopes of sums, differences, products and quotients") {
  // Both arguments move: a(x) = 2 - x, b(x) = 1 + x^2.
  const auto both = [](auto f) {
    return [f](auto x) {
      using Real = decltype(x);
      return f(Real(2) - x, Real(1) + x * x);
    };
  };
  check_slope("+", both([](auto a, auto b) { return a + b; }), kAnywhere);
  check_slope("-", both([](auto a, auto b) { return a - b; }), kAnywhere);
  check_slope("*", both([](auto a, auto b) { return a * b; }), kAnywhere);
  check_slope("/", both([](auto a, auto b) { return a / b; }), kAnywhere);
  const Dual<double> a(3, 0.5), b(-2, 4);
  const auto same = [](Dual<double> x, Dual<double> y) { return x.value == y.value && x.slope == y.slope; };
  Dual<double> c = a;
  CHECK(same(c += b, a + b));
  c = a;
  CHECK(same(c -= b, a - b));
  c = a;
  CHECK(same(c *= b, a * b));
  c = a;
  CHECK(same(c /= b, a / b));
}

TEST_CASE("comparisons look at values, checks for finiteness at slopes, too") {
  const Dual<double> a(1, 5), b(2, -5), again(1, 7);
  CHECK(a < b);
  CHECK(b > a);
  CHECK(a <= again);
  CHECK(a >= again);
  CHECK(a == again);
  CHECK_FALSE(a == b);
  CHECK(value_of(a) == 1);
  CHECK(value_of(2.5F) == 2.5F);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;
  CHECK(isfinite(a));
  CHECK_FALSE(isnan(a));
  for (const Dual<double> broken : {Dual<double>(nan, 1), Dual<double>(1, nan)}) {
    CHECK(isnan(broken));
    CHECK_FALSE(isfinite(broken));
  }
  CHECK_FALSE(isfinite(Dual<double>(1, infinity)));
  CHECK_FALSE(isnan(Dual<double>(1, infinity)));
}

}  // namespace tensor_dual_test
