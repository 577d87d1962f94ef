#include <doctest/doctest.h>

#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/ops/normalize.hpp>

#include "support/matrices.hpp"
#include "support/one_op.hpp"
#include "support/temp_dir.hpp"

namespace ops_normalize_test {

using namespace ntape;
using test::normal;

namespace {

const auto kSoftmax = [](auto& tape, Var x) { return softmax(tape, x); };
const auto kLogSoftmax = [](auto& tape, Var x) { return log_softmax(tape, x); };
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Matrix<double> one_row(std::initializer_list<double> entries) {
  Matrix<double> m = make_matrix<double>(1, entries.size());
  std::copy(entries.begin(), entries.end(), m.begin());
  return m;
}

}  // namespace

TEST_CASE("layer_norm gives every row mean 0 and variance s^2 / (s^2 + epsilon), and keeps its direction") {
  const auto x = normal<double>(4, 7, 1);
  for (const double epsilon : {1e-5, 0.5}) {
    const auto y = test::of_inputs([&](auto& t, Var v) { return layer_norm(t, v, epsilon); }, x);
    for (Index n = 0; n < 4; ++n) {
      double mean = 0, variance = 0;
      for (Index j = 0; j < 7; ++j) mean += x(n, j) / 7;
      for (Index j = 0; j < 7; ++j) variance += (x(n, j) - mean) * (x(n, j) - mean) / 7;
      // A few roundings of numbers of order 1.
      for (Index j = 0; j < 7; ++j)
        CHECK(std::abs(y(n, j) - (x(n, j) - mean) / std::sqrt(variance + epsilon)) < 1e-14);
    }
  }
  // The default epsilon is 1e-5.
  CHECK(test::largest_difference(test::of_inputs([](auto& t, Var v) { return layer_norm(t, v); }, x),
                                 test::of_inputs([](auto& t, Var v) { return layer_norm(t, v, 1e-5); }, x)) ==
        0);
}

TEST_CASE("layer_norm of a constant row is zero, however large") {
  const auto y =
      test::of_inputs([](auto& t, Var v) { return layer_norm(t, v); }, one_row({1e9, 1e9, 1e9, 1e9}));
  CHECK(test::largest(y) == 0);
}

// The mean is rounded to 1.5e-8 beside deviations of order 1; mean x^2 - mean^2 would lose every digit.
TEST_CASE("layer_norm keeps its digits far from zero") {
  const auto norm = [](auto& t, Var v) { return layer_norm(t, v); };
  const auto near = test::of_inputs(norm, one_row({0, 1, 1, 3, 4, 0, 1})),
             far = test::of_inputs(
                 norm, one_row({0x1p27, 0x1p27 + 1, 0x1p27 + 1, 0x1p27 + 3, 0x1p27 + 4, 0x1p27, 0x1p27 + 1}));
  CHECK(test::largest_difference(near, far) < 1e-7);
}

TEST_CASE("softmax gives e^x over its sum, log_softmax its logarithm") {
  const auto x = normal<double>(4, 7, 1);
  const auto p = test::of_inputs(kSoftmax, x), log_p = test::of_inputs(kLogSoftmax, x);
  for (Index n = 0; n < 4; ++n) {
    double sum = 0;
    for (Index j = 0; j < 7; ++j) sum += std::exp(x(n, j));
    for (Index j = 0; j < 7; ++j) {
      CHECK(p(n, j) == doctest::Approx(std::exp(x(n, j)) / sum).epsilon(1e-14));
      CHECK(log_p(n, j) == doctest::Approx(x(n, j) - std::log(sum)).epsilon(1e-14));
    }
  }
}

TEST_CASE("softmax neither overflows nor depends on a shift of the row") {
  const auto high = one_row({0x1p60, 0x1p60 - 0x1p10, -0x1p60}), low = one_row({0, -0x1p10, -0x1p61});
  for (const auto& x : {high, low}) {
    const auto p = test::of_inputs(kSoftmax, x), log_p = test::of_inputs(kLogSoftmax, x);
    CHECK(test::largest_difference(p, one_row({1, 0, 0})) == 0);
    CHECK(test::largest_difference(log_p, one_row({0, -0x1p10, -0x1p61})) == 0);
  }
  const auto huge = test::of_inputs(kLogSoftmax, one_row({1e308, 1e308}));
  CHECK(huge(0, 0) == doctest::Approx(-std::log(2)).epsilon(1e-15));
  // What is ruled out has probability zero and does no harm to the others.
  const auto p = test::of_inputs(kSoftmax, one_row({0, -kInfinity, 0}));
  CHECK(test::largest_difference(p, one_row({0.5, 0, 0.5})) == 0);
  CHECK(test::of_inputs(kLogSoftmax, one_row({0, -kInfinity}))(0, 1) == -kInfinity);
}

TEST_CASE("a row without a meaning is NaN, alone") {
  for (const double bad : {kInfinity, std::nan("")})
    for (const Index at : {Index{0}, Index{1}}) {
      auto x = normal<double>(2, 2, 1);
      x(0, at) = bad;
      const auto p = test::of_inputs(kSoftmax, x), log_p = test::of_inputs(kLogSoftmax, x);
      CHECK(std::isnan(p(0, at)));
      CHECK(std::isnan(log_p(0, at)));
      CHECK(std::isfinite(p(1, 0)));
      CHECK(std::isfinite(log_p(1, 0)));
    }
}

TEST_CASE("an epsilon that is not positive and finite is refused") {
  for (const double epsilon : {0.0, -1e-5, kInfinity, std::nan("")})
    CHECK(test::contains(test::message_of<UserError>([&] { (void)layer_norm_op<double>(epsilon); }),
                         "it must be positive and finite"));
}

}  // namespace ops_normalize_test
