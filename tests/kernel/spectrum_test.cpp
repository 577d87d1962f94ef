#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/kernel/spectrum.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace kernel_spectrum_test {

using namespace ntape;
using test::largest_difference;
using test::normal;

namespace {

struct Problem {
  Mlp<double> model;
  Parameters<double> theta;
  Matrix<double> x;

  explicit Problem(Index outputs)
      : model({.widths = {3, 40, 40, outputs}, .activation = "tanh"}),
        theta(model.initialize(Seed{1})),
        x(normal<double>(120, 3, 5)) {}
};

}  // namespace

// Lanczos stops at residuals of 1e-10 of the eigenvalue, and an eigenvalue is off by the square of that over
// its gap, or by rounding: N C products of size lambda_max.
TEST_CASE("the leading eigenpairs are those of the kernel that was formed") {
  for (const Index outputs : {1, 3}) {
    Problem p(outputs);
    KernelOperator<double> kernel(p.model, p.theta, p.x);
    Index seen = 0;
    const auto found = leading_spectrum(kernel, {.top = 6, .on_product = [&](Index n) { seen = n; }});
    CHECK(found.converged());
    CHECK(seen == found.products);
    REQUIRE(found.values.size() == 6);
    auto dense = empirical_ntk(p.model, p.theta, p.x).values;
    for (double& entry : dense) entry /= 120;
    const auto all = linalg::symmetric_eigenvalues(dense);
    for (Index k = 0; k < 6; ++k) {
      CHECK(std::abs(found.values[k] - all[all.size() - 1 - k]) < 1e-12 * all.back());
      CHECK(found.residuals[k] < 1e-9 * all.back());
      double length = 0;
      for (Index i = 0; i < kernel.size(); ++i) length += std::pow(found.vectors(k, i), 2);
      CHECK(std::abs(length - 1) < 1e-12);
    }
  }
}

TEST_CASE("all eigenpairs, or nearly all, are those of the kernel that was formed") {
  Problem p(1);
  for (const Index examples : {1, 2, 30}) {
    const Matrix<double> x = normal<double>(examples, 3, 5);
    KernelOperator<double> kernel(p.model, p.theta, x);
    auto dense = empirical_ntk(p.model, p.theta, x).values;
    for (double& entry : dense) entry /= static_cast<double>(examples);
    const auto all = linalg::symmetric_eigenvalues(dense);
    for (const Index top : {examples, std::max<Index>(1, examples - 1)}) {
      const auto found = leading_spectrum(kernel, {.top = top});
      CHECK(found.converged());
      REQUIRE(found.values.size() == top);
      for (Index k = 0; k < top; ++k) {
        CHECK(std::abs(found.values[k] - all[examples - 1 - k]) < 1e-12 * all.back());
        CHECK(found.residuals[k] < 1e-12 * all.back());
      }
    }
  }
}

TEST_CASE("principal components have unit norm in <.,.>_pin and reproduce themselves at the data") {
  Problem p(2);
  KernelOperator<double> kernel(p.model, p.theta, p.x);
  const auto found = leading_spectrum(kernel, {.top = 3});
  const auto components = principal_components(found, 120);
  for (Index k = 0; k < 3; ++k)
    for (Index l = 0; l <= k; ++l) {
      double inner = 0;
      for (Index i = 0; i < kernel.size(); ++i) inner += components(k, i) * components(l, i) / 120;
      CHECK(std::abs(inner - (k == l ? 1 : 0)) < 1e-9);
    }
  // Theta f / (N lambda) = f up to the residual over the eigenvalue, times sqrt(N).
  const auto again = principal_components_at(found, kernel, p.x);
  CHECK(largest_difference(again, components) < 1e-9 * std::sqrt(120));
}

// Theta = NNGP (x) 1: without hidden layers, as the kernel of a linear map, and where the last layer is zero,
// so that nothing goes through it to those below. Equal eigenvalues differ by the rounding of N C products.
TEST_CASE("equal eigenvalues are found as often as they occur, and their components are orthonormal") {
  for (const bool deep : {false, true}) {
    CAPTURE(deep);
    const Mlp<double> model(deep ? Architecture{.widths = {8, 30, 10}, .activation = "tanh"}
                                 : Architecture{.widths = {8, 10}});
    auto theta = model.initialize(Seed{1});
    if (deep)
      for (const auto* name : {"W1", "b1"})
        for (auto& entry : theta.entries)
          if (entry.name == name) entry.value.fill(0);
    const auto x = normal<double>(40, 8, 5);
    KernelOperator<double> kernel(model, theta, x);
    auto dense = empirical_ntk(model, theta, x).values;
    for (double& entry : dense) entry /= 40;
    const auto all = linalg::symmetric_eigenvalues(dense);
    REQUIRE(all[400 - 10] > (1 - 1e-12) * all.back());
    for (const Index top : {6, 25}) {
      const auto found = leading_spectrum(kernel, {.top = top});
      CHECK(found.converged());
      for (Index k = 0; k < top; ++k) CHECK(std::abs(found.values[k] - all[399 - k]) < 1e-12 * all.back());
      const auto components = principal_components(found, 40);
      for (Index k = 0; k < top; ++k)
        for (Index l = 0; l <= k; ++l) {
          double inner = 0;
          for (Index i = 0; i < kernel.size(); ++i) inner += components(k, i) * components(l, i) / 40;
          CHECK(std::abs(inner - (k == l ? 1 : 0)) < 1e-12);
        }
      CHECK(largest_difference(principal_components_at(found, kernel, x), components) < 1e-9 * std::sqrt(40));
    }
  }
}

// In float a residual is at least the rounding of its vector, about eps / 4 of a generic one.
TEST_CASE("converged is what was measured to be within the tolerance") {
  const Mlp<float> model({.widths = {3, 40, 1}, .activation = "tanh"});
  const auto theta = model.initialize(Seed{1});
  const auto x = normal<float>(120, 3, 5);
  KernelOperator<float> kernel(model, theta, x);
  for (const double tolerance : {1e-5, 1e-9, 1e-300}) {
    CAPTURE(tolerance);
    const auto found = leading_spectrum(kernel, {.top = 6, .tolerance = tolerance});
    CHECK(found.complete);
    CHECK(found.converged() == (tolerance == 1e-5));
    for (Index k = 0, next = 0; k < 6; ++k) {
      const bool above = found.residuals[k] > tolerance * found.values[0];
      CHECK(above == (next < found.unconverged.size() && found.unconverged[next] == k));
      if (above) ++next;
      CHECK(found.residuals[k] < 1e-5 * found.values[0]);
    }
  }
}

TEST_CASE("products that run out before it is sure that nothing is missing are told") {
  Problem p(3);
  KernelOperator<double> kernel(p.model, p.theta, p.x);
  const auto found = leading_spectrum(kernel, {.top = 12, .tolerance = 1e-14, .most_products = 14});
  CHECK(found.values.size() <= 12);
  CHECK(!found.complete);
  CHECK(!found.converged());
}

TEST_CASE("impossible numbers of eigenpairs are refused") {
  Problem p(1);
  KernelOperator<double> kernel(p.model, p.theta, p.x);
  CHECK_THROWS_AS((void)leading_spectrum(kernel, {.top = 0}), UserError);
  CHECK_THROWS_AS((void)leading_spectrum(kernel, {.top = 121}), UserError);
  const auto many = normal<double>(33000, 3, 5);
  KernelOperator<double> large(p.model, p.theta, many);
  const std::string told =
      test::message_of<UserError>([&] { (void)leading_spectrum(large, {.top = 10992}); });
  CHECK(test::contains(told, "32766 rows at most"));
  CHECK(test::contains(told, "up to 10991 eigenpairs"));
}

}  // namespace kernel_spectrum_test
