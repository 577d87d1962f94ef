#include <doctest/doctest.h>

#include <barrier>
#include <ntape/base/errors.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/tape/sweep.hpp>
#include <thread>
#include <vector>

#include "support/allocations.hpp"
#include "support/instrumented.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace tape_tape_test {

using namespace ntape;
using test::normal;

namespace {

// f = tanh(x W^T + b) V^T
struct Small {
  Matrix<double> x = normal<double>(5, 3, 1), w = normal<double>(4, 3, 2), b = normal<double>(1, 4, 3),
                 v = normal<double>(2, 4, 4);
  Tape<double> tape;
  Var input, output;

  Small() {
    input = tape.input(x);
    // In statements of their own: C++ leaves the order of a call's arguments open, and order is identity
    // here.
    const Var weight = tape.parameter(w), bias = tape.parameter(b), last = tape.parameter(v);
    output = linear(tape, activation(tape, "tanh", affine(tape, input, weight, bias)), last);
  }
};

}  // namespace

TEST_CASE("nodes know whether they are batched and whether a parameter lies below them") {
  Small s;
  const Var alone = activation(s.tape, "erf", s.input);
  CHECK(s.tape.node(s.output).batched);
  CHECK(s.tape.node(s.output).needs_cotangent);
  CHECK(s.tape.node(alone).batched);
  CHECK_FALSE(s.tape.node(alone).needs_cotangent);
  const Var squashed = activation(s.tape, "erf", s.tape.parameters().front());
  CHECK_FALSE(s.tape.node(squashed).batched);
  CHECK(s.tape.node(squashed).needs_cotangent);
  CHECK(s.tape.parameters().size() == 3);
}

TEST_CASE("a replayed tape is a freshly recorded one, to the bit") {
  Small s;
  s.w = normal<double>(4, 3, 12);
  s.b = normal<double>(1, 4, 13);
  const Matrix<double> x = normal<double>(5, 3, 11);
  const auto before = s.tape.generation();
  s.tape.bind(s.input, x);
  s.tape.replay();
  CHECK(s.tape.generation() > before);
  Small fresh;
  fresh.w = s.w;
  fresh.b = s.b;
  fresh.x = x;
  fresh.tape.replay();
  CHECK(test::largest_difference(s.tape.value(s.output), fresh.tape.value(fresh.output)) == 0);
  const auto seed = test::normal_stack<double>(1, {5, 2}, 5);
  const auto a = pullback(s.tape, s.output, seed), b = pullback(fresh.tape, fresh.output, seed);
  for (Index k = 0; k < a.size(); ++k) CHECK(test::largest_difference(a[k], b[k]) == 0);
}

TEST_CASE("replaying, and sweeping again, allocate nothing") {
  Small s;
  const auto seed = test::normal_stack<double>(1, {5, 2}, 5);
  ReverseSweep<double> sweep;
  sweep.run(s.tape, s.output, seed);
  const std::size_t before = test::allocations();
  for (int k = 0; k < 10; ++k) {
    s.tape.replay();
    sweep.run(s.tape, s.output, seed);
  }
  CHECK(test::allocations() == before);
  // The counter works: recording does allocate.
  Small another;
  CHECK((test::kInstrumented || test::allocations() > before));
}

// A tape holds all that a replay writes; ops are shared and immutable.
TEST_CASE("threads with a tape each replay as one thread does, and allocate nothing") {
  constexpr int kThreads = 4, kReplays = 50;
  Small alone[kThreads];
  const auto seed = test::normal_stack<double>(1, {5, 2}, 5);
  // Every thread and every replay has parameters of its own.
  const auto move_on = [](Small& s, int thread) { s.w(0, 0) += 0.01 * (thread + 1); };
  const auto bits = [&](Small& s, ReverseSweep<double>& sweep, int thread) {
    double sum = 0;
    for (int k = 0; k < kReplays; ++k) {
      move_on(s, thread);
      s.tape.replay();
      sweep.run(s.tape, s.output, seed);
      for (const double v : s.tape.value(s.output)) sum += v * (k + 1);
      for (const double v : sweep.cotangent(s.tape.parameters().front())) sum += v * (k + 1);
    }
    return sum;
  };
  double expected[kThreads];
  for (int t = 0; t < kThreads; ++t) {
    ReverseSweep<double> sweep;
    expected[t] = bits(alone[t], sweep, t);
  }

  Small together[kThreads];
  double found[kThreads] = {};
  std::size_t before = 0, after = 0;
  std::barrier start(kThreads, [&]() noexcept { before = test::allocations(); });
  std::barrier end(kThreads, [&]() noexcept { after = test::allocations(); });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        ReverseSweep<double> sweep;
        sweep.run(together[t].tape, together[t].output, seed);
        start.arrive_and_wait();
        found[t] = bits(together[t], sweep, t);
        end.arrive_and_wait();
      });
  }
  CHECK(after == before);
  for (int t = 0; t < kThreads; ++t) CHECK(found[t] == expected[t]);
  CHECK(expected[0] != expected[1]);
}

TEST_CASE("what does not fit is refused") {
  Small s;
  const Matrix<double> wide = normal<double>(5, 4, 1);
  CHECK(test::contains(test::message_of<ShapeError>([&] { s.tape.bind(s.input, wide); }), "5 x 4"));
  CHECK_THROWS_AS(s.tape.bind(s.output, wide), UserError);
  CHECK_THROWS_AS((void)s.tape.value(Var{99}), UserError);
  CHECK_THROWS_AS(s.tape.record(activation_op<double>("tanh"), {Var{99}}), UserError);
  CHECK_THROWS_AS(linear(s.tape, s.output, s.tape.parameters().front()), ShapeError);
  // By record itself, past the functions that record: rows would depend on all rows of the argument.
  CHECK(test::contains(test::message_of<UserError>([&] {
                         s.tape.record(linear_op<double>(1), {s.input, s.input});
                       }),
                       "batch-free"));
  // Two parameters in one matrix would be one.
  const Matrix<double> first = normal<double>(2, 2, 1), second = normal<double>(2, 2, 2);
  s.tape.parameter(first);
  const Var leaf = s.tape.parameter(second);
  CHECK_THROWS_AS(s.tape.bind(leaf, first), UserError);
  s.tape.bind(leaf, second);
}

}  // namespace tape_tape_test
