#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/kernel/spectrum.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"

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
    CHECK(found.converged);
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
      CHECK(found.converged);
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

TEST_CASE("impossible numbers of eigenpairs are refused") {
  Problem p(1);
  KernelOperator<double> kernel(p.model, p.theta, p.x);
  CHECK_THROWS_AS((void)leading_spectrum(kernel, {.top = 0}), UserError);
  CHECK_THROWS_AS((void)leading_spectrum(kernel, {.top = 121}), UserError);
}
