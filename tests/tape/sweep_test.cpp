#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/tape/sweep.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace tape_sweep_test {

using namespace ntape;
using test::normal;

namespace {

// One weight used in both layers, beside a bias: f = s(x W^T + b) W^T + b.
struct Tied {
  Matrix<double> x = normal<double>(4, 3, 1), w = normal<double>(3, 3, 2), b = normal<double>(1, 3, 3);
  Tape<double> tape;
  Var output;

  explicit Tied(const char* name = "tanh") {
    const Var weight = tape.parameter(w), bias = tape.parameter(b);
    const Var hidden = activation(tape, name, affine(tape, tape.input(x), weight, bias));
    output = add_row(tape, linear(tape, hidden, weight), bias);
  }
};

double dot(const Stack<double>& a, const Stack<double>& b) {
  double sum = 0;
  for (Index k = 0; k < a.size(); ++k) sum += a.data()[k] * b.data()[k];
  return sum;
}

std::vector<Stack<double>> tangents() {
  return {test::normal_stack<double>(1, {3, 3}, 8), test::normal_stack<double>(1, {1, 3}, 9)};
}

}  // namespace

TEST_CASE("pushforward is the derivative along a direction, pullback its transpose, of a tied network") {
  for (const char* name : {"tanh", "erf", "identity"}) {
    Tied net(name);
    const auto t = tangents();
    const auto pushed = pushforward(net.tape, net.output, t);
    // Central difference, h = 1e-5: truncation 1e-10 times third derivatives of order 10, rounding 1e-11.
    const double h = 1e-5;
    Tied above(name), below(name);
    for (auto* side : {&above, &below}) {
      const double step = side == &above ? h : -h;
      for (Index k = 0; k < 9; ++k) side->w.data()[k] += step * t[0].data()[k];
      for (Index k = 0; k < 3; ++k) side->b.data()[k] += step * t[1].data()[k];
      side->tape.replay();
    }
    const auto& high = above.tape.value(above.output);
    const auto& low = below.tape.value(below.output);
    for (Index k = 0; k < high.size(); ++k)
      CHECK(std::abs(pushed.data()[k] - (high.data()[k] - low.data()[k]) / (2 * h)) < 1e-8);

    const auto u = test::normal_stack<double>(1, {4, 3}, 7);
    const auto pulled = pullback(net.tape, net.output, u);
    // Two sums of a few hundred products of order 1.
    CHECK(std::abs(dot(u, pushed) - dot(pulled[0], t[0]) - dot(pulled[1], t[1])) < 1e-12);
  }
}

TEST_CASE("a parameter that the output does not use has a zero cotangent") {
  Tied net;
  const Matrix<double> idle = normal<double>(2, 2, 5);
  net.tape.parameter(idle);
  const auto pulled = pullback(net.tape, net.output, test::normal_stack<double>(2, {4, 3}, 7));
  REQUIRE(pulled.size() == 3);
  CHECK(pulled[2].shape(0) == 2);
  CHECK(test::largest(pulled[2]) == 0);
  CHECK(test::largest(pulled[0]) > 0);
}

TEST_CASE("sweeping twice gives the same bits, and other shapes in between do no harm") {
  Tied net;
  const auto seed = test::normal_stack<double>(2, {4, 3}, 7),
             other = test::normal_stack<double>(5, {4, 3}, 6);
  ReverseSweep<double> sweep;
  sweep.run(net.tape, net.output, seed);
  const Stack<double> first = sweep.cotangent(net.tape.parameters()[0]);
  sweep.run(net.tape, net.output, other);
  sweep.run(net.tape, net.output, seed);
  CHECK(test::largest_difference(first, sweep.cotangent(net.tape.parameters()[0])) == 0);
}

TEST_CASE("a chain of x + x costs a node a level, and a very long one does not overflow the stack") {
  // y = x + x, as an op of its own: fan-out must not multiply the work.
  class Twice final : public Op<double> {
   public:
    std::string_view name() const override { return "twice"; }
    Shape shape(Shapes in) const override { return in[0]; }
    void forward(Values<double> in, Matrix<double>& out) const override {
      for (Index k = 0; k < out.size(); ++k) out.data()[k] = (in[0]->data()[k] + in[1]->data()[k]) / 2;
    }
    void jvp(const Site<double>&, Arg, const Stack<double>& t, Stack<double>& out) const override {
      ++calls;
      for (Index k = 0; k < t.size(); ++k) out.data()[k] += t.data()[k] / 2;
    }
    void vjp(const Site<double>& site, Arg arg, const Stack<double>& u, Stack<double>& out) const override {
      jvp(site, arg, u, out);
    }
    mutable Index calls = 0;
  };
  for (const Index levels : {Index{30}, Index{100000}}) {
    const auto op = std::make_shared<Twice>();
    const Matrix<double> w = normal<double>(1, 1, 1);
    Tape<double> tape;
    Var x = tape.parameter(w);
    for (Index k = 0; k < levels; ++k) x = tape.record(op, {x, x});
    Stack<double> one = make_stack<double>(1, 1, 1);
    one.fill(1);
    CHECK(pullback(tape, x, one)[0](0, 0, 0) == 1);
    CHECK(op->calls == 2 * levels);
  }
}

TEST_CASE("seeds and tangents of other shapes are refused") {
  Tied net;
  CHECK_THROWS_AS((void)pullback(net.tape, net.output, test::normal_stack<double>(1, {4, 2}, 7)), ShapeError);
  auto t = tangents();
  t.pop_back();
  CHECK_THROWS_AS((void)pushforward(net.tape, net.output, t), ShapeError);
  t.push_back(test::normal_stack<double>(1, {1, 4}, 9));
  CHECK_THROWS_AS((void)pushforward(net.tape, net.output, t), ShapeError);
  t.back() = test::normal_stack<double>(2, {1, 3}, 9);
  CHECK_THROWS_AS((void)pushforward(net.tape, net.output, t), ShapeError);
  ReverseSweep<double> sweep;
  CHECK_THROWS_AS((void)sweep.cotangent(net.output), InternalError);
}

}  // namespace tape_sweep_test
