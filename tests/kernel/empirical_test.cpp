#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"

namespace kernel_empirical_test {

using namespace ntape;
using test::largest;
using test::largest_difference;
using test::normal;

namespace {

Matrix<double> jacobian_of(const Mlp<double>& model, const Parameters<double>& theta,
                           const Matrix<double>& x) {
  Tape<double> tape;
  const Var y = model.record(tape, theta, tape.input(x)).output;
  return dense_jacobian(per_example_jacobian(tape, y));
}

}  // namespace

// Seeded draws of everything that shapes a kernel. Both sides sum the same P products in other orders: a
// relative error of about sqrt(P) 1e-16.
TEST_CASE(
    "the factored kernel is the Gram matrix of the dense Jacobian, square and cross, for 60 random "
    "networks") {
  std::vector<double> draws(60 * 12);
  fill_uniform(Seed{23}, 1, 0, draws);
  // Pinned: for networks as small as some of these, the automatic route is the dense one itself.
  const KernelOptions<double> factored{.route = Route::factored};
  auto draw = draws.begin();
  const auto up_to = [&](Index most) { return static_cast<Index>(*draw++ * static_cast<double>(most)) + 1; };
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    draw = draws.begin() + static_cast<std::ptrdiff_t>(12 * trial);
    const auto& names = known_activations();
    Architecture a{.widths = {up_to(6)}, .activation = names[up_to(names.size()) - 1]};
    a.weight_scale = 2 * *draw++;
    a.bias_scale = *draw++;
    for (Index hidden = up_to(5) - 1; hidden > 0; --hidden) a.widths.push_back(up_to(40));
    a.widths.push_back(up_to(4));
    const Mlp<double> model(a);
    CAPTURE(trial);
    CAPTURE(a.activation);
    CAPTURE(a.depth());
    const auto theta = model.initialize(Seed{trial});
    const auto x = normal<double>(7, a.widths.front(), 1), z = normal<double>(5, a.widths.front(), 2);
    const auto jx = jacobian_of(model, theta, x), jz = jacobian_of(model, theta, z);
    const auto cross = linalg::gram(linalg::view(jx), linalg::view(jz));
    const auto square = linalg::gram(linalg::view(jx));
    CHECK(largest_difference(empirical_ntk(model, theta, x, z, factored).values, cross) <=
          1e-12 * largest(cross));
    CHECK(largest_difference(empirical_ntk(model, theta, x, factored).values, square) <=
          1e-12 * largest(square));
  }
}

TEST_CASE("forms, layer shares and NNGP hang together") {
  const Mlp<double> model(
      {.widths = {3, 20, 15, 4}, .activation = "erf", .weight_scale = 1.2, .bias_scale = .3});
  const auto theta = model.initialize(Seed{5});
  const auto x = normal<double>(6, 3, 1), z = normal<double>(4, 3, 2);
  const auto full = empirical_kernels(model, theta, x, z, KernelForm::full);
  const auto diagonal = empirical_kernels(model, theta, x, z, KernelForm::diagonal);
  const auto trace = empirical_kernels(model, theta, x, z, KernelForm::trace);
  const auto a = output_averaged(full.ntk).values, b = output_averaged(diagonal.ntk).values;
  // A mean of four sums of a few hundred products each, in another order: a few ulp of values of order 10.
  for (Index k = 0; k < a.size(); ++k) {
    CHECK(std::abs(a.data()[k] - b.data()[k]) < 1e-13 * largest(a));
    CHECK(std::abs(a.data()[k] - trace.ntk.values.data()[k]) < 1e-13 * largest(a));
  }
  Matrix<double> sum = zeros<double>(full.ntk.values.shape(0), full.ntk.values.shape(1));
  for (const auto& layer : full.layers)
    for (Index k = 0; k < sum.size(); ++k) sum.data()[k] += layer.values.data()[k];
  for (Index k = 0; k < sum.size(); ++k)
    CHECK(std::abs(sum.data()[k] - full.ntk.values.data()[k]) < 1e-14 * largest(full.ntk.values));
  // The last layer's share of a diagonal block is the NNGP: d f_c / d z^L = 1.
  for (Index n = 0; n < 6; ++n)
    for (Index m = 0; m < 4; ++m)
      CHECK(std::abs(full.layers.back().values(4 * n + 2, 4 * m + 2) - full.nngp.values(n, m)) < 1e-13);
}

// It was that of the other two.
TEST_CASE("the NNGP of a mean-field network has its variance") {
  Architecture a{.widths = {3, 20, 15, 1}, .bias_scale = 0};
  const auto x = normal<double>(4, 3, 1);
  const auto nngp = [&](Parametrization p) {
    a.parametrization = p;
    const Mlp<double> model(a);
    return empirical_nngp(model, model.initialize(Seed{5}), x).values;
  };
  const Matrix<double> ntk = nngp(Parametrization::ntk), mean_field = nngp(Parametrization::mean_field);
  // 1/15 of it; one rounding.
  CHECK(largest_difference(ntk, Matrix<double>(15. * mean_field)) < 1e-15 * largest(ntk));
}

TEST_CASE("a square kernel is symmetric and positive semidefinite") {
  const Mlp<double> model({.widths = {2, 30, 30, 2}, .activation = "relu"});
  const auto k = empirical_ntk(model, model.initialize(Seed{1}), normal<double>(20, 2, 4)).values;
  for (Index i = 0; i < k.shape(0); ++i)
    for (Index j = 0; j < i; ++j) CHECK(k(i, j) == k(j, i));
  const auto values = linalg::symmetric_eigenvalues(k);
  // Rounding of the entries moves eigenvalues by at most N eps lambda_max.
  CHECK(values.front() > -40 * 2.3e-16 * values.back());
}

TEST_CASE("float agrees with double to float accuracy") {
  const Architecture a{.widths = {3, 64, 64, 1}, .activation = "tanh"};
  const Mlp<double> d(a);
  const Mlp<float> f(a);
  const auto kd = empirical_ntk(d, d.initialize(Seed{2}), normal<double>(8, 3, 1)).values;
  const auto kf = empirical_ntk(f, f.initialize(Seed{2}), normal<float>(8, 3, 1)).values;
  // Sums of 64-term products in float: relative error about 64 * 6e-8.
  for (Index k = 0; k < kd.size(); ++k) CHECK(std::abs(kd.data()[k] - kf.data()[k]) < 4e-6 * largest(kd));
}

TEST_CASE("wrong inputs are refused") {
  const Mlp<double> model({.widths = {3, 4, 1}});
  const auto theta = model.initialize(Seed{1});
  CHECK_THROWS_AS((void)empirical_ntk(model, theta, make_matrix<double>(2, 4)), ShapeError);
  CHECK_THROWS_AS((void)empirical_ntk(model, theta, make_matrix<double>(0, 3)), UserError);
}

}  // namespace kernel_empirical_test
