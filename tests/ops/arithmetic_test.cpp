#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/ops/arithmetic.hpp>

#include "support/matrices.hpp"
#include "support/one_op.hpp"
#include "support/temp_dir.hpp"

namespace ops_arithmetic_test {

using namespace ntape;
using test::normal;

TEST_CASE("arithmetic goes entry by entry, between any mixture of batched and batch-free values") {
  const auto a = normal<double>(4, 3, 1), b = normal<double>(4, 3, 2);
  const auto check = [&](auto record, auto f) {
    for (const auto& y :
         {test::of_inputs(record, a, b), test::of_parameters(record, a, b), test::of_both(record, a, b)})
      for (Index k = 0; k < y.size(); ++k) CHECK(y.data()[k] == f(a.data()[k], b.data()[k]));
  };
  check([](auto& t, Var x, Var y) { return add(t, x, y); }, [](double x, double y) { return x + y; });
  check([](auto& t, Var x, Var y) { return subtract(t, x, y); }, [](double x, double y) { return x - y; });
  check([](auto& t, Var x, Var y) { return multiply(t, x, y); }, [](double x, double y) { return x * y; });
  check([](auto& t, Var x, Var y) { return divide(t, x, y); }, [](double x, double y) { return x / y; });
}

TEST_CASE("a value combined with itself counts twice") {
  const auto x = normal<double>(3, 2, 1);
  Tape<double> tape;
  const Var input = tape.input(x);
  const auto& square = tape.value(multiply(tape, input, input));
  for (Index k = 0; k < x.size(); ++k) CHECK(square.data()[k] == x.data()[k] * x.data()[k]);
}

TEST_CASE("scale and power by constants, and a gain a column") {
  const auto x = normal<double>(4, 3, 1), g = normal<double>(1, 3, 2);
  const auto scaled = test::of_inputs([](auto& t, Var v) { return scale(t, v, -2.5); }, x);
  const auto cubed = test::of_inputs([](auto& t, Var v) { return power(t, v, 3); }, x);
  const auto rooted = test::of_inputs([](auto& t, Var v) { return power(t, v, 0.5); }, x);
  const auto gained = test::of_both([](auto& t, Var v, Var w) { return row_gain(t, v, w); }, x, g);
  for (Index n = 0; n < 4; ++n)
    for (Index j = 0; j < 3; ++j) {
      CHECK(scaled(n, j) == -2.5 * x(n, j));
      CHECK(cubed(n, j) == std::pow(x(n, j), 3.0));
      CHECK(std::isnan(rooted(n, j)) == (x(n, j) < 0));
      CHECK(gained(n, j) == x(n, j) * g(0, j));
    }
}

TEST_CASE("the derivative of a power is finite at zero where it exists") {
  const Matrix<double> zero = zeros<double>(1, 1), out = zeros<double>(1, 1);
  const std::vector<const Matrix<double>*> in = {&zero};
  Stack<double> one = make_stack<double>(1, 1, 1);
  one.fill(1);
  for (const double exponent : {1.0, 2.0, 3.5}) {
    Stack<double> slope = make_stack<double>(1, 1, 1);
    slope.fill(0);
    power_op<double>(exponent)->jvp({in, out}, 0, one, slope);
    CHECK(slope(0, 0, 0) == (exponent == 1 ? 1 : 0));
  }
}

TEST_CASE("what has no meaning is refused") {
  for (const double exponent : {0.0, HUGE_VAL, std::nan("")})
    CHECK(test::contains(test::message_of<UserError>([&] { (void)power_op<double>(exponent); }),
                         "it must be finite and not zero"));
  const auto x = normal<double>(1, 3, 1);
  Tape<double> tape;
  const Var input = tape.input(x);
  CHECK(test::message_of<UserError>([&] { row_gain(tape, input, input); }) ==
        "row_gain: g has a row per example; it must be batch-free");
}

}  // namespace ops_arithmetic_test
