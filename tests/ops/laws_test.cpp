#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>

#include "support/check_op.hpp"
#include "support/temp_dir.hpp"

using namespace ntape;
using test::OpCase;

namespace {

constexpr bool kBatched = true, kBatchFree = false;

}  // namespace

// 255, 256, 257: around the edge of a product's tile.
TEST_CASE("linear, add_row and affine keep the laws of an op") {
  for (const Index n : {Index{0}, Index{1}, Index{5}, Index{257}})
    for (const Index i : {Index{1}, Index{3}, Index{256}})
      for (const Index o : {Index{1}, Index{4}}) {
        const std::string label =
            std::to_string(n) + " examples, " + std::to_string(i) + " to " + std::to_string(o);
        const OpCase::Argument x{{n, i}, kBatched}, w{{o, i}, kBatchFree}, b{{1, o}, kBatchFree};
        test::check_op({.label = "linear, " + label,
                        .op = linear_op(0.7),
                        .float_op = linear_op(0.7F),
                        .arguments = {x, w},
                        .refused = {{{n, i}, {o, i + 1}}, {{n, i}}}});
        test::check_op({.label = "add_row, " + label,
                        .op = add_row_op(-0.3),
                        .float_op = add_row_op(-0.3F),
                        .arguments = {{{n, o}, kBatched}, b},
                        .refused = {{{n, o}, {1, o + 1}}, {{n, o}, {2, o}}, {}}});
        test::check_op({.label = "affine, " + label,
                        .op = affine_op(0.7, -0.3),
                        .float_op = affine_op(0.7F, -0.3F),
                        .arguments = {x, w, b},
                        .refused = {{{n, i}, {o, i}}}});
        CHECK_THROWS_AS((void)affine_op(1., 1.)->shape(std::vector<Shape>{{n, i}, {o, i + 1}, {1, o}}),
                        ShapeError);
        CHECK_THROWS_AS((void)affine_op(1., 1.)->shape(std::vector<Shape>{{n, i}, {o, i}, {1, o + 1}}),
                        ShapeError);
      }
}

// Inputs keep 1e-3 away from relu's kink: a central difference with h = 1e-5 must not straddle it.
TEST_CASE("every known activation keeps the laws of an op") {
  for (const std::string& name : known_activations())
    for (const Shape shape : {Shape{0, 3}, Shape{1, 1}, Shape{4, 255}, Shape{3, 256}, Shape{2, 257}})
      test::check_op({.label = name + ", " + to_string(shape),
                      .op = activation_op<double>(name),
                      .float_op = activation_op<float>(name),
                      .arguments = {{shape, kBatched}},
                      .refused = {{}, {shape, shape}},
                      .kink = 1e-3});
}

TEST_CASE("an unknown activation is refused with the known ones") {
  const auto message = test::message_of<UserError>([] { (void)activation_op<double>("rellu"); });
  CHECK(test::contains(message, "'rellu'"));
  for (const std::string& name : known_activations()) CHECK(test::contains(message, name));
}

TEST_CASE("a weight with a row per example is refused") {
  const Matrix<double> x = zeros<double>(4, 3);
  Tape<double> tape;
  const Var input = tape.input(x);
  CHECK_THROWS_AS(linear(tape, input, input), UserError);
  CHECK_THROWS_AS(add_row(tape, input, input), UserError);
  const Matrix<double> w = zeros<double>(4, 3), b = zeros<double>(1, 4);
  CHECK_THROWS_AS(affine(tape, input, input, tape.parameter(b)), UserError);
  CHECK_THROWS_AS(affine(tape, input, tape.parameter(w), input), UserError);
}
