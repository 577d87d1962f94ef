#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/jacobian/jacobian.hpp>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/linear.hpp>

#include "support/matrices.hpp"
#include "support/one_op.hpp"
#include "support/temp_dir.hpp"

namespace ops_columns_test {

using namespace ntape;
using test::normal;

TEST_CASE("concatenate sets its arguments side by side, slice_columns takes them apart") {
  const auto a = normal<double>(4, 2, 1), b = normal<double>(4, 3, 2), c = normal<double>(4, 1, 3);
  const auto all = test::of_inputs(
      [](auto& t, Var x, Var y, Var z) {
        return concatenate(t, {x, y, z});
      },
      a, b, c);
  REQUIRE(shape_of(all) == Shape{4, 6});
  for (Index n = 0; n < 4; ++n) {
    for (Index j = 0; j < 2; ++j) CHECK(all(n, j) == a(n, j));
    for (Index j = 0; j < 3; ++j) CHECK(all(n, 2 + j) == b(n, j));
    CHECK(all(n, 5) == c(n, 0));
  }
  CHECK(test::largest_difference(
            test::of_inputs([](auto& t, Var x) { return slice_columns(t, x, 2, 3); }, all), b) == 0);
}

TEST_CASE("sums and means of rows, and the mean example") {
  const auto x = normal<double>(4, 3, 1);
  const auto sums = test::of_inputs([](auto& t, Var v) { return sum_columns(t, v); }, x);
  const auto means = test::of_parameters([](auto& t, Var v) { return mean_columns(t, v); }, x);
  const auto examples = test::of_inputs([](auto& t, Var v) { return mean_examples(t, v); }, x);
  REQUIRE(shape_of(sums) == Shape{4, 1});
  REQUIRE(shape_of(means) == Shape{4, 1});
  REQUIRE(shape_of(examples) == Shape{4, 3});
  for (Index n = 0; n < 4; ++n) {
    CHECK(sums(n, 0) == x(n, 0) + x(n, 1) + x(n, 2));
    CHECK(means(n, 0) == (x(n, 0) + x(n, 1) + x(n, 2)) / 3);
    for (Index j = 0; j < 3; ++j) CHECK(examples(n, j) == (x(0, j) + x(1, j) + x(2, j) + x(3, j)) / 4);
  }
}

// 2^24 is where float stops counting: 2^24 + 1 rounds to 2^24.
TEST_CASE("a long sum of floats counts every term") {
  Matrix<float> x = make_matrix<float>(1, (Index{1} << 12) + 1);
  x.fill(1);
  x(0, 0) = 0x1p24F;
  Tape<float> tape;
  CHECK(tape.value(sum_columns(tape, tape.input(x)))(0, 0) == 0x1p24F + 0x1p12F);
}

TEST_CASE("columns that are not there are refused, whatever the numbers") {
  const auto said = [](const OpPtr<double>& op, std::vector<Shape> shapes) {
    return test::message_of<ShapeError>([&] { (void)op->shape(shapes); });
  };
  constexpr Index most = std::numeric_limits<Index>::max();
  CHECK(said(slice_columns_op<double>(2, 3), {{4, 5}}).empty());
  CHECK(said(slice_columns_op<double>(5, 0), {{4, 5}}).empty());
  CHECK(test::contains(said(slice_columns_op<double>(3, 3), {{4, 5}}),
                       "slice_columns: 3 columns from column 3 are more than a value that is 4 x 5 has"));
  for (const auto& [first, count] : {std::pair{Index{6}, Index{0}}, {Index{2}, most}, {most, Index{2}}})
    CHECK(test::contains(said(slice_columns_op<double>(first, count), {{4, 5}}), "4 x 5"));
  CHECK(test::contains(said(mean_columns_op<double>(), {{4, 0}}), "mean_columns: a value that is 4 x 0"));
}

TEST_CASE("a mean over examples is refused where there are none to speak of, and by per-example Jacobians") {
  const auto x = normal<double>(4, 3, 1), w = normal<double>(3, 3, 2);
  Tape<double> tape;
  const Var input = tape.input(x);
  const Var weight = tape.parameter(w);
  CHECK(test::message_of<UserError>([&] { mean_examples(tape, weight); }) ==
        "mean_examples: its argument is batch-free; it must have a row per example");
  const Var mean = mean_examples(tape, linear(tape, input, weight));
  CHECK(test::contains(test::message_of<UserError>([&] { (void)per_example_jacobian(tape, mean); }),
                       "mean_examples"));
}

}  // namespace ops_columns_test
