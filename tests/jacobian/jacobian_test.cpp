#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace jacobian_jacobian_test {

using namespace ntape;
using test::largest_difference;
using test::normal;

namespace {

// An op of the user's own, with no structured block: every row times a gain, y = x o (1 g).
class RowGain final : public Op<double> {
 public:
  std::string_view name() const override { return "row_gain"; }
  Shape shape(Shapes in) const override { return in[0]; }
  void forward(Values<double> in, Matrix<double>& out) const override {
    for (Index n = 0; n < out.shape(0); ++n)
      for (Index j = 0; j < out.shape(1); ++j) out(n, j) = (*in[0])(n, j) * (*in[1])(0, j);
  }
  void jvp(const Site<double>& site, Arg arg, const Stack<double>& t, Stack<double>& out) const override {
    for (Index v = 0; v < out.shape(0); ++v)
      for (Index n = 0; n < out.shape(1); ++n)
        for (Index j = 0; j < out.shape(2); ++j)
          out(v, n, j) += arg == 0 ? t(v, n, j) * (*site.in[1])(0, j) : t(v, 0, j) * (*site.in[0])(n, j);
  }
  void vjp(const Site<double>& site, Arg arg, const Stack<double>& u, Stack<double>& out) const override {
    for (Index v = 0; v < u.shape(0); ++v)
      for (Index n = 0; n < u.shape(1); ++n)
        for (Index j = 0; j < u.shape(2); ++j)
          out(v, arg == 0 ? n : 0, j) += u(v, n, j) * (*site.in[1 - arg])(arg == 0 ? 0 : n, j);
  }
};

// y = x minus its mean over the examples.
class Centered final : public Op<double> {
 public:
  std::string_view name() const override { return "centered"; }
  Shape shape(Shapes in) const override { return in[0]; }
  Rows rows() const override { return Rows::mixed; }
  void forward(Values<double> in, Matrix<double>& out) const override {
    for (Index j = 0; j < out.shape(1); ++j) {
      double mean = 0;
      for (Index n = 0; n < out.shape(0); ++n) mean += (*in[0])(n, j) / static_cast<double>(out.shape(0));
      for (Index n = 0; n < out.shape(0); ++n) out(n, j) = (*in[0])(n, j) - mean;
    }
  }
  void jvp(const Site<double>&, Arg, const Stack<double>& t, Stack<double>& out) const override {
    for (Index v = 0; v < t.shape(0); ++v)
      for (Index j = 0; j < t.shape(2); ++j) {
        double mean = 0;
        for (Index n = 0; n < t.shape(1); ++n) mean += t(v, n, j) / static_cast<double>(t.shape(1));
        for (Index n = 0; n < t.shape(1); ++n) out(v, n, j) += t(v, n, j) - mean;
      }
  }
  void vjp(const Site<double>& site, Arg arg, const Stack<double>& u, Stack<double>& out) const override {
    jvp(site, arg, u, out);  // a symmetric projection
  }
};

// A weight and a bias used twice, and a foreign op between: f = g o s(x W^T + b) W^T + b, C = 3.
struct Net {
  Matrix<double> x, w = normal<double>(3, 3, 2), b = normal<double>(1, 3, 3), g = normal<double>(1, 3, 4);
  Tape<double> tape;
  Var output;

  explicit Net(Index examples = 4, std::uint64_t stream = 1) : x(normal<double>(examples, 3, stream)) {
    const Var weight = tape.parameter(w), bias = tape.parameter(b);
    const Var hidden = activation(tape, "erf", affine(tape, tape.input(x), weight, bias, 0.8, 0.3));
    const Var gained = tape.record(std::make_shared<RowGain>(), {hidden, tape.parameter(g)});
    output = add_row(tape, linear(tape, gained, weight, 0.5), bias, 0.2);
  }
  [[nodiscard]] std::vector<Matrix<double>*> parameters() { return {&w, &b, &g}; }
};

}  // namespace

TEST_CASE("rows of the Jacobian are central differences, of a network with shared parameters") {
  Net net;
  const auto dense = dense_jacobian(per_example_jacobian(net.tape, net.output));
  REQUIRE(shape_of(dense) == Shape{12, 15});
  const double h = 1e-5;  // truncation h^2 times third derivatives of order 10, rounding 1e-16 / h
  Index column = 0;
  for (Matrix<double>* parameter : net.parameters())
    for (double& entry : *parameter) {
      const double kept = entry;
      entry = kept + h;
      net.tape.replay();
      const Matrix<double> above = net.tape.value(net.output);
      entry = kept - h;
      net.tape.replay();
      const Matrix<double>& below = net.tape.value(net.output);
      for (Index row = 0; row < 12; ++row)
        CHECK(std::abs(dense(row, column) - (above.data()[row] - below.data()[row]) / (2 * h)) < 1e-8);
      entry = kept;
      ++column;
    }
}

// Both sides are sums of at most 15 products per entry.
TEST_CASE("the Gram of blocks is that of dense rows: shared uses, a foreign op, every form") {
  Net a, c(6, 21);
  const auto ja = per_example_jacobian(a.tape, a.output), jc = per_example_jacobian(c.tape, c.output);
  const auto da = dense_jacobian(ja), dc = dense_jacobian(jc);
  const auto cross = linalg::gram(linalg::view(da), linalg::view(dc));
  const auto square = linalg::gram(linalg::view(da));
  const double size = test::largest(cross);
  CHECK(test::largest_difference(gram(ja, jc, KernelForm::full), cross) < 1e-14 * 15 * size);
  CHECK(test::largest_difference(gram(ja, ja, KernelForm::full), square) <
        1e-14 * 15 * test::largest(square));
  const auto diagonal = gram(ja, jc, KernelForm::diagonal), trace = gram(ja, jc, KernelForm::trace);
  REQUIRE(shape_of(diagonal) == Shape{12, 6});
  REQUIRE(shape_of(trace) == Shape{4, 6});
  for (Index n = 0; n < 4; ++n)
    for (Index m = 0; m < 6; ++m) {
      double mean = 0;
      for (Index k = 0; k < 3; ++k) {
        CHECK(std::abs(diagonal(k * 4 + n, m) - cross(n * 3 + k, m * 3 + k)) < 1e-14 * 15 * size);
        mean += cross(n * 3 + k, m * 3 + k) / 3;
      }
      CHECK(std::abs(trace(n, m) - mean) < 1e-14 * 15 * size);
    }
}

TEST_CASE("groups of parameters share the kernel out") {
  Net net;
  const auto j = per_example_jacobian(net.tape, net.output);
  const auto parts = gram_by_group(j, j, GramOptions<double>{.group_of = {0, 1, 1}});
  REQUIRE(parts.size() == 2);
  auto sum = parts[0];
  sum += parts[1];
  const auto whole = gram(j, j, KernelForm::full);
  CHECK(test::largest_difference(sum, whole) < 1e-14 * test::largest(whole));
}

TEST_CASE("an op that mixes examples is refused by name, unless no parameter lies below it") {
  const Matrix<double> x = normal<double>(4, 3, 1), w = normal<double>(2, 3, 2);
  const auto centered = std::make_shared<Centered>();
  {
    Tape<double> tape;
    const Var y = tape.record(centered, {linear(tape, tape.input(x), tape.parameter(w))});
    CHECK(test::contains(test::message_of<UserError>([&] { (void)per_example_jacobian(tape, y); }),
                         "centered"));
  }
  Tape<double> tape;
  const Var input = tape.input(x), middle = tape.record(centered, {input}), weight = tape.parameter(w);
  const Var before = linear(tape, middle, weight);
  tape.record(centered, {before});  // beside the way to the output
  const auto dense = dense_jacobian(per_example_jacobian(tape, before));
  // d f_c(x_n) / d W = centred x_n in row c.
  const auto& inputs = tape.value(middle);
  for (Index n = 0; n < 4; ++n)
    for (Index c = 0; c < 2; ++c)
      for (Index p = 0; p < 6; ++p) CHECK(dense(n * 2 + c, p) == (p / 3 == c ? inputs(n, p % 3) : 0.0));
}

TEST_CASE("what a Jacobian cannot be taken of is refused") {
  Net net;
  const auto j = per_example_jacobian(net.tape, net.output);
  CHECK_THROWS_AS((void)per_example_jacobian(net.tape, net.tape.parameters().front()), UserError);
  CHECK_THROWS_AS((void)per_example_jacobian(net.tape, slice_columns(net.tape, net.output, 0, 0)), UserError);
  net.tape.replay();
  const auto again = per_example_jacobian(net.tape, net.output);
  CHECK_THROWS_AS((void)gram_by_group(again, again, GramOptions<double>{.group_of = {0}}), ShapeError);
  net.tape.replay();
  CHECK_THROWS_AS((void)dense_jacobian(j), InternalError);
  CHECK_THROWS_AS((void)gram(j, j, KernelForm::full), InternalError);
}

TEST_CASE("a refreshed Jacobian is a fresh one, whatever the leaves are bound to now") {
  Matrix<double> x = normal<double>(4, 3, 1), other = normal<double>(4, 3, 2), w = normal<double>(5, 3, 3),
                 v = normal<double>(2, 5, 4), b = normal<double>(1, 5, 5);
  Tape<double> tape;
  const Var input = tape.input(x), weight = tape.parameter(w), bias = tape.parameter(b),
            last = tape.parameter(v);
  const Var y = linear(tape, activation(tape, "tanh", affine(tape, input, weight, bias)), last);
  auto j = per_example_jacobian(tape, y);
  for (double& entry : w) entry *= 2;
  tape.bind(input, other);
  tape.replay();
  CHECK_THROWS_AS((void)dense_jacobian(j), InternalError);
  refresh(j);
  CHECK(largest_difference(dense_jacobian(j), dense_jacobian(per_example_jacobian(tape, y))) == 0);
  activation(tape, "tanh", y);
  CHECK_THROWS_AS(refresh(j), InternalError);
  Net shared;
  auto dense = per_example_jacobian(shared.tape, shared.output);
  shared.tape.replay();
  CHECK_THROWS_AS(refresh(dense), InternalError);
}

TEST_CASE("a network is structured when every use below the output is an outer product") {
  Matrix<double> x = normal<double>(4, 3, 1), w = normal<double>(3, 3, 3), g = normal<double>(1, 3, 4);
  Tape<double> tape;
  const Var input = tape.input(x), weight = tape.parameter(w), gain = tape.parameter(g);
  const Var side = tape.record(std::make_shared<RowGain>(), {input, gain});
  const Var plain = linear(tape, activation(tape, "tanh", linear(tape, input, weight)), weight);
  CHECK(is_structured(tape, plain));  // the gain is beside the way
  CHECK_FALSE(is_structured(tape, side));
  CHECK_FALSE(is_structured(tape, linear(tape, input, transpose(tape, weight))));
  CHECK_FALSE(is_structured(tape, subtract(tape, plain, mean_examples(tape, plain))));
  CHECK_FALSE(is_structured(tape, weight));
}

}  // namespace jacobian_jacobian_test
