#include <doctest/doctest.h>

#include <array>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/rule.hpp>
#include <string>
#include <vector>

namespace limit_hermite_test {

using namespace ntape;
using limit::Dual;
using limit::DualValue;

namespace {

// A hundred digits, of which powers of x up to 64 leave some sixty.
using Exact = boost::multiprecision::cpp_bin_float_100;

// Of He_n, by He_{k+1} = x He_k - k He_{k-1}.
std::vector<Exact> coefficients(int n) {
  std::vector<Exact> before, now = {1};
  for (int k = 0; k < n; ++k) {
    std::vector<Exact> next(now.size() + 1);
    for (std::size_t j = 0; j < now.size(); ++j) next[j + 1] = now[j];
    for (std::size_t j = 0; j < before.size(); ++j) next[j] -= k * before[j];
    before = std::move(now);
    now = std::move(next);
  }
  return now;
}

// E[h_n(u) h_n(v)] as a sum over moments E[u^i v^j], each by Isserlis:
// E[u^i v^j] = (i-1) p E[u^{i-2} v^j] + j c E[u^{i-1} v^{j-1}].
Exact moment_sum(int n, double p, double c, double q) {
  const auto count = static_cast<std::size_t>(n) + 1;
  std::vector<std::vector<Exact>> moment(count, std::vector<Exact>(count));
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < count; ++j) {
      Exact& m = moment[i][j];
      if (i == 0) {
        m = j == 0 ? Exact(1) : j == 1 ? Exact(0) : Exact((j - 1) * Exact(q) * moment[0][j - 2]);
        continue;
      }
      if (i > 1) m += (i - 1) * Exact(p) * moment[i - 2][j];
      if (j > 0) m += j * Exact(c) * moment[i - 1][j - 1];
    }
  const std::vector<Exact> h = coefficients(n);
  Exact sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < count; ++j) sum += h[i] * h[j] * moment[i][j];
  for (int k = 2; k <= n; ++k) sum /= k;
  return sum;
}

double off(double value, const Exact& exact) {
  return static_cast<double>(abs(Exact(value) - exact));
}

}  // namespace

// Sums of powers of x cancel: at p = q = 1, where K = c^n, 1e-4 of K(1,1,1) was left at n = 48.
TEST_CASE("hermite(n) keeps its digits up to the largest n") {
  for (const int n : {1, 2, 3, 8, 16, 31, 32, 48, 64}) {
    const Dual dual("hermite(" + std::to_string(n) + ")");
    CAPTURE(n);
    for (const auto& [p, c, q] : {std::array{1., .6, 1.},
                                  {1., -.999, 1.},
                                  {1., 1., 1.},
                                  {.3, .1, 2.},
                                  {.5, -.3, .25},
                                  {1.5, -1.2, 1.},
                                  {1e-4, 0., 2.},
                                  {0., 0., 3.},
                                  {25., -20., 100.}}) {
      const DualValue d = dual(p, c, q), pp = dual(p, p, p), qq = dual(q, q, q);
      CAPTURE(p);
      CAPTURE(c);
      CHECK(off(d.value, moment_sum(n, p, c, q)) <= d.value_bound);
      CHECK(off(d.slope, n * moment_sum(n - 1, p, c, q)) <= d.slope_bound);
      // Half a unit each product, some three a power: 8 + 2n units.
      CHECK(d.value_bound <= 1e-13 * std::sqrt(pp.value * qq.value));
      CHECK(d.slope_bound <= 1e-13 * std::sqrt(pp.slope * qq.slope));
    }
  }
}

TEST_CASE("what hermite(n) says of its sensitivity and its mean") {
  for (const int n : {2, 3, 8, 31, 64}) {
    const Dual dual("hermite(" + std::to_string(n) + ")");
    const double m = n;
    CAPTURE(n);
    // At variance 1: E[h_n'^2] = n, E[h_n''^2] = n (n - 1), E[(u h_n')^2] = n (n + n - 1).
    const limit::Sensitivity s = dual.rule().sensitivity(1);
    CHECK(s.slope == doctest::Approx(std::sqrt(m)));
    CHECK(s.curvature == doctest::Approx(std::sqrt(m * (m - 1))));
    CHECK(s.stretch >= std::sqrt(m * (2 * m - 1)));
    CHECK(s.stretch <= 2 * std::sqrt(m * (2 * m - 1)));
    CHECK(dual.mean(1) == 0);
    // The mean's square is K of independent u and v.
    CHECK(dual.mean(1.7) * dual.mean(1.7) == doctest::Approx(dual(1.7, 0, 1.7).value));
  }
}

}  // namespace limit_hermite_test
