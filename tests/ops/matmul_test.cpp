#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>

#include "support/matrices.hpp"
#include "support/one_op.hpp"
#include "support/temp_dir.hpp"

namespace ops_matmul_test {

using namespace ntape;
using test::normal;

namespace {

const auto kMatmul = [](auto& tape, Var a, Var b) { return matmul(tape, a, b); };

}  // namespace

TEST_CASE("matmul is the product of examples, or of a batch-free value, by a batch-free one") {
  const auto a = normal<double>(4, 5, 1), b = normal<double>(5, 3, 2);
  const auto product = test::of_both(kMatmul, a, b);
  for (Index n = 0; n < 4; ++n)
    for (Index o = 0; o < 3; ++o) {
      double expected = 0;
      for (Index i = 0; i < 5; ++i) expected += a(n, i) * b(i, o);
      CHECK(std::abs(product(n, o) - expected) < 1e-15 * 10);  // five products of order 1, in another order
    }
  CHECK(test::largest_difference(test::of_parameters(kMatmul, a, b), product) == 0);
}

TEST_CASE("transpose turns rows into columns") {
  const auto x = normal<double>(4, 5, 1);
  const auto turned = test::of_parameters([](auto& tape, Var v) { return transpose(tape, v); }, x);
  REQUIRE(shape_of(turned) == Shape{5, 4});
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 5; ++j) CHECK(turned(j, i) == x(i, j));
}

TEST_CASE("products know what is batched") {
  const auto x = normal<double>(4, 5, 1), w = normal<double>(5, 3, 2);
  Tape<double> tape;
  const Var input = tape.input(x);
  const Var weight = tape.parameter(w);
  CHECK(tape.node(matmul(tape, input, weight)).batched);
  const Var turned = transpose(tape, weight);
  CHECK_FALSE(tape.node(turned).batched);
  CHECK_FALSE(tape.node(matmul(tape, weight, turned)).batched);
}

TEST_CASE("factors and transposes that would make columns of examples are refused") {
  const auto x = normal<double>(4, 4, 1);
  Tape<double> tape;
  const Var input = tape.input(x);
  const Var weight = tape.parameter(x);
  const auto said = [](auto&& record) { return test::message_of<UserError>(record); };
  for (const Var first : {input, weight})
    CHECK(said([&] { matmul(tape, first, input); }) ==
          "matmul: the second factor has a row per example; it must be batch-free");
  CHECK(said([&] { transpose(tape, input); }) ==
        "transpose: its argument has a row per example; it must be batch-free");
}

}  // namespace ops_matmul_test
