#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/lanczos.hpp>

#include "support/matrices.hpp"

namespace kernel_lanczos_test {

using namespace ntape;
using test::normal;

namespace {

// diag(eigenvalues) between two reflections, so that no eigenvector is a unit vector.
struct Known {
  std::vector<double> eigenvalues;
  Matrix<double> axis;
  mutable Index products = 0;

  explicit Known(std::vector<double> all) : eigenvalues(std::move(all)) {
    axis = normal<double>(1, eigenvalues.size(), 3);
    double square = 0;
    for (const double entry : axis) square += entry * entry;
    for (double& entry : axis) entry /= std::sqrt(square);
  }
  void reflect(std::vector<double>& v) const {
    double along = 0;
    for (Index i = 0; i < v.size(); ++i) along += axis(0, i) * v[i];
    for (Index i = 0; i < v.size(); ++i) v[i] -= 2 * along * axis(0, i);
  }
  void operator()(const double* x, double* y) const {
    std::vector<double> v(x, x + eigenvalues.size());
    reflect(v);
    for (Index i = 0; i < v.size(); ++i) v[i] *= eigenvalues[i];
    reflect(v);
    std::copy(v.begin(), v.end(), y);
    ++products;
  }
};

// The leading values each `copies` times, and a tail that falls by a power law.
std::vector<double> repeated(const std::vector<double>& leading, Index copies, Index size) {
  std::vector<double> all;
  for (const double value : leading) all.insert(all.end(), copies, value);
  for (Index k = 1; all.size() < size; ++k)
    all.push_back(0.9 * leading.back() * std::pow(static_cast<double>(k), -1.5));
  return all;
}

// Residuals are at most 1e-10 of the eigenvalue, which is then off by no more, and what the eigenvectors lack
// in orthogonality is rounding: a few eps times the root of the number of entries.
void check_leading(const std::vector<double>& spectrum, const LanczosOptions& options) {
  CAPTURE(options.top);
  const Known a(spectrum);
  const auto found = leading_pairs(std::cref(a), spectrum.size(), options);
  CHECK(found.complete);
  CHECK(a.products <= options.most_products);
  REQUIRE(found.values.size() == options.top);
  std::vector<double> product(spectrum.size());
  for (Index k = 0; k < options.top; ++k) {
    CHECK(std::abs(found.values[k] - spectrum[k]) <= 1e-10 * spectrum[0]);
    a(row(found.vectors, k), product.data());
    double square = 0;
    for (Index i = 0; i < spectrum.size(); ++i)
      square += std::pow(product[i] - found.values[k] * found.vectors(k, i), 2);
    CHECK(std::sqrt(square) <= 1e-10 * spectrum[0]);
    for (Index l = 0; l <= k; ++l) {
      double inner = 0;
      for (Index i = 0; i < spectrum.size(); ++i) inner += found.vectors(k, i) * found.vectors(l, i);
      CHECK(std::abs(inner - (k == l ? 1 : 0)) < 1e-13);
    }
  }
}

}  // namespace

TEST_CASE("an eigenvalue is found as often as it occurs") {
  check_leading(repeated({5, 4.5, 4, 3}, 10, 700), {.top = 6});
  check_leading(repeated({5, 4.5, 4, 3}, 10, 700), {.top = 23});
  check_leading(repeated({5, 1e-3, 2e-6}, 2, 300), {.top = 5});
  check_leading(repeated({5, 4.9999, 4.9998}, 7, 500), {.top = 12});
  check_leading(std::vector<double>(200, 2.0), {.top = 9});
}

TEST_CASE("one copy more of a late eigenvalue is not missed") {
  auto spectrum = repeated({9, 8, 7, 6, 5, 4, 3, 2, 1, 0.99}, 1, 400);
  spectrum.insert(spectrum.begin() + 7, spectrum[7]);
  check_leading(spectrum, {.top = 10});
}

TEST_CASE("where the spectrum ends, the rest is zeros") {
  std::vector<double> spectrum(150, 0.0);
  check_leading(spectrum, {.top = 3});
  spectrum[0] = 3;
  spectrum[1] = spectrum[2] = 1;
  check_leading(spectrum, {.top = 8});
}

// What a power law of eigenvalues takes, a glance at what is left among it.
TEST_CASE("a simple spectrum takes few products") {
  std::vector<double> spectrum;
  for (int k = 1; k <= 1000; ++k) spectrum.push_back(std::pow(k, -2.0));
  const Known a(spectrum);
  CHECK(leading_pairs(std::cref(a), spectrum.size(), {.top = 10}).complete);
  CHECK(a.products <= 60);
}

// Nothing stands out: to see that nothing is missing must not take the products of many such searches. The
// matrix has 300 rows.
TEST_CASE("a dense spectrum with copies takes a bounded number of products") {
  std::vector<double> spectrum;
  for (Index k = 0; spectrum.size() < 300; ++k)
    spectrum.insert(spectrum.end(), 1 + 7 * k % 12, std::pow(0.99, static_cast<double>(k)));
  spectrum.resize(300);
  check_leading(spectrum, {.top = 10, .most_products = 1000});
  check_leading(spectrum, {.top = 2, .most_products = 1000});
}

TEST_CASE("products that run out are told") {
  const auto spectrum = repeated({5, 4.9, 4.8, 4.7}, 10, 700);
  const Known a(spectrum);
  const auto found = leading_pairs(std::cref(a), 700, {.top = 6, .most_products = 30});
  CHECK(!found.complete);
  CHECK(found.values.size() <= 6);
  CHECK(a.products <= 30 + 32);  // one basis more
  CHECK_THROWS_AS((void)leading_pairs(std::cref(a), 42, {.top = 6}), UserError);
}

}  // namespace kernel_lanczos_test
