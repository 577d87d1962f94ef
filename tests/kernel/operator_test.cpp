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
