#include <doctest/doctest.h>

#include <ntape/jacobian/dense.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/linear.hpp>

#include "support/matrices.hpp"

namespace laws_fan_out_test {

using namespace ntape;
using test::normal;

namespace {

// y = x w, doubled and halved `levels` times by ops of fan-out 2: f = w x again, exactly.
struct Chain {
  Matrix<double> x = normal<double>(2, 1, 1), w = normal<double>(1, 1, 2);
  Tape<double> tape;
  Var y;

  explicit Chain(Index levels) {
    y = linear(tape, tape.input(x), tape.parameter(w));
    for (Index k = 0; k < levels; ++k) y = scale(tape, add(tape, y, y), 0.5);
  }
};

}  // namespace

TEST_CASE("x + x thirty times is thirty nodes and 2^30 in every sweep") {
  const Matrix<double> x = normal<double>(2, 1, 1), w = normal<double>(1, 1, 2);
  Tape<double> tape;
  Var y = linear(tape, tape.input(x), tape.parameter(w));
  for (int k = 0; k < 30; ++k) y = add(tape, y, y);
  CHECK(tape.size() == 33);
  const auto rows = dense_jacobian(per_example_jacobian(tape, y));
  for (Index n = 0; n < 2; ++n) CHECK(rows(n, 0) == 0x1p30 * x(n, 0));
}

TEST_CASE("200 000 ops deep, batched, no sweep overflows the stack") {
  const Chain chain(100000);
  CHECK(chain.tape.value(chain.y)(1, 0) == chain.x(1, 0) * chain.w(0, 0));
  Stack<double> one = make_stack<double>(1, 1, 1), seed = make_stack<double>(1, 2, 1);
  one.fill(1);
  seed.fill(1);
  const auto pushed = pushforward(chain.tape, chain.y, {one});
  for (Index n = 0; n < 2; ++n) CHECK(pushed(0, n, 0) == chain.x(n, 0));
  CHECK(pullback(chain.tape, chain.y, seed)[0](0, 0, 0) == chain.x(0, 0) + chain.x(1, 0));
  const auto j = per_example_jacobian(chain.tape, chain.y);
  CHECK(dense_jacobian(j)(1, 0) == chain.x(1, 0));
}

}  // namespace laws_fan_out_test
