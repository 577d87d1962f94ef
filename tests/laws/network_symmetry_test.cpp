#include <doctest/doctest.h>

#include <cmath>
#include <ntape/kernel/empirical.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/train/gradient.hpp>
#include <utility>
#include <vector>

#include "support/matrices.hpp"

namespace laws_network_symmetry_test {

using namespace ntape;
using test::largest;
using test::largest_difference;
using test::normal;

namespace {

Mlp<double> bias_free(std::vector<Index> widths) {
  return Mlp<double>({.widths = std::move(widths), .activation = "relu", .bias_scale = 0});
}

double inner(const Parameters<double>& a, const Parameters<double>& b) {
  double sum = 0;
  for (Index k = 0; k < a.entries.size(); ++k)
    for (Index i = 0; i < a.entries[k].value.size(); ++i)
      sum += a.entries[k].value.data()[i] * b.entries[k].value.data()[i];
  return sum;
}

}  // namespace

// The units of a layer have no order: renaming them renames parameters, and a kernel sums over those.
// Only the order of sums of up to 9 terms a layer differs.
TEST_CASE("permuting hidden units leaves outputs and kernel") {
  const Mlp<double> model({.widths = {3, 7, 9, 2}, .activation = "gelu", .bias_scale = 0.4});
  const auto theta = model.initialize(Seed{3});
  const auto x = normal<double>(6, 3, 1);
  // Layers 1 and 2, each by its own permutation: unit i becomes unit (k i + 2) mod n.
  Parameters<double> permuted = theta;
  const auto moved = [](Index i, Index k, Index n) { return (k * i + 2) % n; };
  for (const auto& [layer, k] : {std::pair<Index, Index>{0, 3}, {1, 4}}) {
    const Parameters<double> before = permuted;
    const auto& w = before.entries[2 * layer].value;
    const auto& next = before.entries[2 * layer + 2].value;
    for (Index i = 0; i < w.shape(0); ++i) {
      const Index to = moved(i, k, w.shape(0));
      for (Index j = 0; j < w.shape(1); ++j) permuted.entries[2 * layer].value(to, j) = w(i, j);
      permuted.entries[2 * layer + 1].value(0, to) = before.entries[2 * layer + 1].value(0, i);
      for (Index j = 0; j < next.shape(0); ++j) permuted.entries[2 * layer + 2].value(j, to) = next(j, i);
    }
  }
  REQUIRE(largest_difference(permuted.entries[2].value, theta.entries[2].value) > 0.1);
  const auto f = evaluate(model, theta, x);
  CHECK(largest_difference(evaluate(model, permuted, x), f) < 1e-14 * 9 * largest(f));
  const auto kernel = empirical_ntk(model, theta, x).values;
  CHECK(largest_difference(empirical_ntk(model, permuted, x).values, kernel) < 1e-14 * 9 * largest(kernel));
}

// relu(c h) = c relu(h) for c > 0: weights in times c and weights out over c are the same function, with
// other derivatives, so Theta is not a function of f. Powers of two, so that no rounding differs either.
TEST_CASE("rescaling a relu unit leaves the outputs and changes the kernel as predicted") {
  const auto model = bias_free({3, 5, 1});
  const auto theta = model.initialize(Seed{4});
  const auto x = normal<double>(6, 3, 2);
  const double c = 4;
  const Index unit = 2;
  Parameters<double> rescaled = theta;
  for (Index j = 0; j < 3; ++j) rescaled.entries[0].value(unit, j) *= c;
  rescaled.entries[2].value(0, unit) /= c;
  CHECK(evaluate(model, rescaled, x) == evaluate(model, theta, x));

  // The unit's part of the kernel, its weights in and out: c^-2 of the first, c^2 of the second.
  const auto kernel = empirical_ntk(model, theta, x).values;
  Matrix<double> predicted = kernel;
  const auto& w = theta.entries[0].value;
  const double v = theta.entries[2].value(0, unit);
  const auto preactivation = [&](Index n) {
    double h = 0;
    for (Index j = 0; j < 3; ++j) h += w(unit, j) * x(n, j);
    return h / std::sqrt(3.0);
  };
  for (Index a = 0; a < 6; ++a)
    for (Index b = 0; b < 6; ++b) {
      const double ha = preactivation(a), hb = preactivation(b);
      if (ha <= 0 || hb <= 0) continue;
      double xx = 0;
      for (Index j = 0; j < 3; ++j) xx += x(a, j) * x(b, j) / 3;
      predicted(a, b) += (1 / (c * c) - 1) * v * v * xx / 5 + (c * c - 1) * ha * hb / 5;
    }
  REQUIRE(largest_difference(predicted, kernel) > 0.1 * largest(kernel));
  // Sums of 3 and 5 products in another order, and the difference of the two above.
  CHECK(largest_difference(empirical_ntk(model, rescaled, x).values, predicted) <
        1e-14 * largest(predicted) * 8);
}

// A bias-free relu network is homogeneous of degree 1 in the weights of each of its L layers, so that
// sum_w w d f / d w = L f (Euler), for each layer's own weights f, and degree 1 in x.
TEST_CASE("Euler's identity holds for bias-free relu networks, whole and by layer") {
  const auto model = bias_free({4, 6, 8, 5, 1});
  const auto theta = model.initialize(Seed{5});
  const auto x = normal<double>(1, 4, 3);
  const double f = evaluate(model, theta, x)(0, 0);
  REQUIRE(std::abs(f) > 1e-3);
  // The gradient of 1/2 (f - y)^2 at y = f - 1 is that of f.
  Matrix<double> y = make_matrix<double>(1, 1);
  y(0, 0) = f - 1;
  const auto gradient = ntape::gradient(model, theta, x, y);
  // Four layers of products of up to 8 terms.
  const double rounding = 1e-14 * 32 * std::abs(f);
  CHECK(std::abs(inner(theta, gradient) - 4 * f) < 4 * rounding);
  for (Index layer = 0; layer < 4; ++layer) {
    double part = 0;
    for (Index i = 0; i < theta.entries[2 * layer].value.size(); ++i)
      part += theta.entries[2 * layer].value.data()[i] * gradient.entries[2 * layer].value.data()[i];
    CHECK(std::abs(part - f) < rounding);
  }
  Matrix<double> twice = x;
  for (double& entry : twice) entry *= 2;
  CHECK(evaluate(model, theta, twice)(0, 0) == 2 * f);
}

}  // namespace laws_network_symmetry_test
