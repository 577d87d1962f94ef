#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/kernel/operator.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace kernel_operator_test {

using namespace ntape;
using test::largest;
using test::largest_difference;
using test::normal;

namespace {

std::vector<double> times(const Matrix<double>& k, const Matrix<double>& u) {
  std::vector<double> product(k.shape(0));
  for (Index i = 0; i < k.shape(0); ++i)
    for (Index j = 0; j < k.shape(1); ++j) product[i] += k(i, j) * u.data()[j];
  return product;
}

// A weight used plainly and transposed; two outputs.
Var tied(Tape<double>& tape, const Parameters<double>& theta, Var x) {
  const Var w = tape.parameter(theta.entries[0].value), b = tape.parameter(theta.entries[1].value);
  return linear(tape, activation(tape, "tanh", affine(tape, x, w, b)), transpose(tape, w));
}

// The identity; counts how often it is evaluated.
class Watched final : public Op<double> {
 public:
  explicit Watched(int& evaluations) : evaluations_(evaluations) {}
  std::string_view name() const override { return "watched"; }
  Shape shape(Shapes in) const override { return in[0]; }
  void forward(Values<double> in, Matrix<double>& y) const override {
    y = *in[0];
    ++evaluations_;
  }
  void jvp(const Site<double>&, Arg, const Stack<double>& t, Stack<double>& out) const override { out += t; }
  void vjp(const Site<double>&, Arg, const Stack<double>& d, Stack<double>& out) const override { out += d; }

 private:
  int& evaluations_;
};

}  // namespace

// 600 examples are a whole block and a part of one. Sums of 600 C products in another order.
TEST_CASE("products are those of the kernel that was formed, in blocks of examples") {
  const Mlp<double> model({.widths = {2, 6, 5, 2}, .activation = "erf", .bias_scale = 0.3});
  const auto theta = model.initialize(Seed{1});
  const Parameters<double> shared{{{"W", 0, normal<double>(4, 2, 8)}, {"b", 0, normal<double>(1, 4, 9)}}};
  const auto check = [](const auto& f, const Parameters<double>& at) {
    const auto x = normal<double>(600, 2, 1), z = normal<double>(7, 2, 2), u = normal<double>(1200, 1, 3);
    KernelOperator<double> kernel(f, at, x);
    REQUIRE(kernel.size() == 1200);
    REQUIRE(kernel.outputs() == 2);
    for (int again = 0; again < 2; ++again) {
      const auto expected = times(empirical_ntk(f, at, x).values, u);
      CHECK(largest_difference(kernel.apply({u.data(), u.size()}), expected) <
            1e-15 * 1200 * largest(expected));
    }
    const auto across = times(empirical_ntk(f, at, z, x).values, u);
    CHECK(largest_difference(kernel.push(kernel.pull({u.data(), u.size()}), z), across) <
          1e-15 * 1200 * largest(across));
  };
  check(model, theta);
  check(tied, shared);
}

// x lies in two blocks, z in one of another size: each is the last of its size when it is asked for again.
TEST_CASE("inputs and parameters that change in place are noticed") {
  const Mlp<double> model({.widths = {2, 6, 2}, .activation = "tanh"});
  auto theta = model.initialize(Seed{1});
  for (const Index examples : {9, 600}) {
    auto x = normal<double>(examples, 2, 1), z = normal<double>(7, 2, 2);
    const auto u = normal<double>(2 * examples, 1, 3);
    KernelOperator<double> kernel(model, theta, x);
    const auto check = [&] {
      const auto expected = times(empirical_ntk(model, theta, x).values, u);
      CHECK(largest_difference(kernel.apply({u.data(), u.size()}), expected) <
            1e-15 * 1200 * largest(expected));
      const auto across = times(empirical_ntk(model, theta, z, x).values, u);
      CHECK(largest_difference(kernel.push(kernel.pull({u.data(), u.size()}), z), across) <
            1e-15 * 1200 * largest(across));
    };
    check();
    // Other inputs where z was, as when one is freed and another made.
    const auto other = normal<double>(7, 2, 4);
    std::copy(other.begin(), other.end(), z.begin());
    check();
    x(examples - 1, 1) += 1;
    check();
    // Two signs: in a sum or an exclusive or of words these cancel.
    for (Index k : {0, 4}) theta.entries[0].value.data()[k] *= -1;
    check();
    theta.entries.back().value(0, 1) += 0.25;
    check();
  }
}

TEST_CASE("products with the operator's own inputs share one evaluation where these are one block") {
  const auto x = normal<double>(9, 2, 1), z = normal<double>(7, 2, 2), u = normal<double>(9, 1, 3);
  const Parameters<double> theta{{{"W", 0, normal<double>(1, 2, 8)}}};
  int evaluations = 0;
  KernelOperator<double> kernel(
      [&](Tape<double>& tape, const Parameters<double>& at, Var input) {
        const Var y = linear(tape, input, tape.parameter(at.entries[0].value));
        return tape.record(std::make_shared<Watched>(evaluations), {y});
      },
      theta, x);
  for (int again = 0; again < 3; ++again) (void)kernel.push(kernel.pull({u.data(), u.size()}), z);
  CHECK(evaluations == 2);  // of x and of z, which is of another size
}

TEST_CASE("selected parameters give their part of the kernel") {
  const Mlp<double> model({.widths = {2, 6, 1}});
  const auto theta = model.initialize(Seed{1});
  const auto x = normal<double>(9, 2, 1), u = normal<double>(9, 1, 3);
  const auto biases = select_biases(theta);
  KernelOperator<double> kernel(model, theta, x, biases);
  const auto expected =
      times(empirical_ntk(model, theta, x, KernelOptions<double>{.selected = biases}).values, u);
  CHECK(largest_difference(kernel.apply({u.data(), u.size()}), expected) < 1e-15 * 9 * largest(expected));
}

TEST_CASE("what cannot be multiplied is refused") {
  const Mlp<double> model({.widths = {2, 6, 1}});
  const auto theta = model.initialize(Seed{1});
  const auto x = normal<double>(9, 2, 1), u = normal<double>(8, 1, 3), none = make_matrix<double>(0, 2);
  KernelOperator<double> kernel(model, theta, x);
  CHECK_THROWS_AS((void)kernel.apply({u.data(), u.size()}), ShapeError);
  CHECK_THROWS_AS(KernelOperator<double>(model, theta, none), UserError);
  CHECK_THROWS_AS(KernelOperator<double>(model, theta, x, {1}), ShapeError);
  const auto mixed = [](Tape<double>& tape, const Parameters<double>& at, Var input) {
    const Var h = linear(tape, input, tape.parameter(at.entries[0].value));
    return mean_examples(tape, h);
  };
  CHECK(test::contains(test::message_of<UserError>([&] { KernelOperator<double>(mixed, theta, x); }),
                       "mean_examples"));
}

}  // namespace kernel_operator_test
