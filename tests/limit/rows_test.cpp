#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ntape/limit/rule.hpp>
#include <string>
#include <vector>

namespace limit_rows_test {

using namespace ntape::limit;

// Rows have loops of their own, with their own arc cosine or with fewer terms of a series: both routes claim
// a bound.
TEST_CASE("a row of duals is what single duals are, within both bounds") {
  const std::vector<double> variances = {1, .3, 1, 0, 7, 1e-6, 40, 1e6};
  const std::vector<double> gaps = {0, 1e-18, 1e-9, 1e-3, .2, .499999, .5, .500001, .8, .97, 1};
  for (const std::string name :
       {"relu", "leaky_relu(0.1)", "identity", "leaky_relu(-0.5)", "abs", "erf", "tanh", "elu(1)"}) {
    const Dual dual(name);
    // homogeneous duals need no rescue by a plane rule at the largest variance
    const std::size_t count = dual.degree() ? 8 : 7;
    const auto prepared = dual.rule().prepare(
        {variances.begin(), variances.begin() + static_cast<std::ptrdiff_t>(count)}, 1e-9);
    for (const double gap : gaps)
      for (const double sign : {-1., 1.}) {
        const std::size_t first = 2, many = count - first;
        double c[8], g[8], value[8], slope[8], value_bound[8], slope_bound[8], out_gap[8];
        for (std::size_t k = 0; k < many; ++k) {
          const double q = variances[first + k];
          g[k] = q == 0 ? 1 : gap;
          c[k] = sign * std::sqrt(q) * (1 - g[k]);
        }
        prepared->row(0, first, many, c, g, {value, slope, value_bound, slope_bound, out_gap});
        for (std::size_t k = 0; k < many; ++k) {
          const double q = variances[first + k];
          const Covariance s{1, c[k], q, g[k]};
          const DualValue d = dual.at(s);
          CAPTURE(name);
          CAPTURE(gap);
          CAPTURE(sign);
          CAPTURE(q);
          CHECK(std::abs(value[k] - d.value) <= value_bound[k] + d.value_bound);
          CHECK(std::abs(slope[k] - d.slope) <= slope_bound[k] + d.slope_bound);
          CHECK(value_bound[k] <= 1.1e-9 * std::sqrt(dual(1, 1, 1).value * dual(q, q, q).value));
          if (out_gap[k] < 0 || q == 0) continue;
          // what the gap of the values is, as far as they have its digits
          const double norm = std::sqrt(dual(1, 1, 1).value * dual(q, q, q).value);
          CHECK(std::abs(out_gap[k] - (1 - std::abs(d.value) / norm)) < 4e-15);
          CHECK(out_gap[k] >= 0);
        }
      }
  }
}

// relu: 1 - k(th) = th^2 / 2 - th^3 / (3 pi) + O(th^4), so from gap = 5e-19, th = 1e-9, next to nothing is
// lost.
TEST_CASE("the gap of a row keeps its digits next to equal inputs") {
  const std::vector<double> variances = {2, 2};
  const double c = 2, gap = 5e-19;
  double value = 0, slope = 0, value_bound = 0, slope_bound = 0, out = 0;
  for (const std::string name : {"relu", "abs", "leaky_relu(0.1)", "leaky_relu(-0.5)"}) {
    const Dual dual(name);
    dual.rule()
        .prepare(variances, 0)
        ->row(0, 1, 1, &c, &gap, {&value, &slope, &value_bound, &slope_bound, &out});
    const double a = name == "relu" ? 0 : name == "abs" ? -1 : name == "leaky_relu(0.1)" ? .1 : -.5;
    const double fold = (1 - a) * (1 - a), expected = (2 * a + fold) / (1 + a * a) * gap;
    CAPTURE(name);
    CHECK(std::abs(out / expected - 1) < 1e-8);
  }
}

}  // namespace limit_rows_test
