#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/ops/linear.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace ops_linear_test {

using namespace ntape;
using test::normal;

TEST_CASE("linear is scale x W^T, add_row adds scale b to every row, affine is both") {
  const auto x = normal<double>(4, 5, 1), w = normal<double>(3, 5, 2), b = normal<double>(1, 3, 3);
  Tape<double> tape;
  const Var input = tape.input(x);
  const Var weight = tape.parameter(w), bias = tape.parameter(b);
  const Var product = linear(tape, input, weight, 0.5);
  const auto& layer = tape.value(affine(tape, input, weight, bias, 0.5, -2.));
  const auto& sum = tape.value(add_row(tape, product, bias, -2.));
  for (Index n = 0; n < 4; ++n)
    for (Index o = 0; o < 3; ++o) {
      double expected = 0;
      for (Index i = 0; i < 5; ++i) expected += 0.5 * x(n, i) * w(o, i);
      // Five products of order 1, in another order.
      CHECK(std::abs(tape.value(product)(n, o) - expected) < 1e-15 * 10);
      CHECK(std::abs(sum(n, o) - (expected - 2 * b(0, o))) < 1e-15 * 10);
    }
  CHECK(test::largest_difference(layer, sum) == 0);
}

TEST_CASE("scales are 1 when none are given") {
  const auto x = normal<double>(4, 5, 1), w = normal<double>(3, 5, 2), b = normal<double>(1, 3, 3);
  Tape<double> tape;
  const Var input = tape.input(x);
  const Var weight = tape.parameter(w), bias = tape.parameter(b);
  const Var product = linear(tape, input, weight);
  const auto same = [&](Var a, Var c) { return test::largest_difference(tape.value(a), tape.value(c)) == 0; };
  CHECK(same(product, linear(tape, input, weight, 1.)));
  CHECK(same(add_row(tape, product, bias), add_row(tape, product, bias, 1.)));
  CHECK(same(affine(tape, input, weight, bias), affine(tape, input, weight, bias, 1., 1.)));
}

TEST_CASE("a weight or bias with a row per example is refused by name") {
  const auto x = normal<double>(4, 4, 1), row = normal<double>(1, 4, 2);
  Tape<double> tape;
  const Var input = tape.input(x);
  const Var weight = tape.parameter(x), bias = tape.parameter(row);
  const auto said = [](auto&& record) { return test::message_of<UserError>(record); };
  CHECK(said([&] { linear(tape, input, input); }) ==
        "linear: W has a row per example; it must be batch-free");
  CHECK(test::contains(said([&] { add_row(tape, input, input); }), "add_row: b has"));
  CHECK(test::contains(said([&] { affine(tape, input, input, bias); }), "affine: W has"));
  CHECK(test::contains(said([&] { affine(tape, input, weight, input); }), "affine: b has"));
}

TEST_CASE("each argument of affine that does not fit is refused with its shape") {
  const auto said = [](std::vector<Shape> shapes) {
    return test::message_of<ShapeError>([&] { (void)affine_op(1., 1.)->shape(shapes); });
  };
  CHECK(test::contains(said({{4, 3}, {2, 5}, {1, 2}}), "affine: x is 4 x 3 and W is 2 x 5"));
  CHECK(test::contains(said({{4, 3}, {2, 3}, {1, 3}}), "row b that is 1 x 3"));
}

TEST_CASE("flops are those of the products: two a term, and two an entry of a bias") {
  const std::vector<Shape> shapes = {{5, 3}, {4, 3}, {1, 4}};
  CHECK(linear_op<double>(1)->flops(std::span(shapes).first(2)) == 2 * 5 * 3 * 4);
  CHECK(affine_op<double>(1, 1)->flops(shapes) == 2 * 5 * 3 * 4 + 2 * 5 * 4);
}

}  // namespace ops_linear_test
