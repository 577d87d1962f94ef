#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/drift/scaling.hpp>

namespace drift_scaling_test {

using namespace ntape;

TEST_CASE("an exact power law is found, without uncertainty") {
  const std::vector<double> widths = {64, 128, 512, 1024};
  std::vector<std::vector<double>> values(3);
  for (std::size_t s = 0; s < 3; ++s)
    for (const double w : widths) values[s].push_back(static_cast<double>(s + 1) * std::pow(w, -0.7));
  const auto fit = fit_scaling(widths, values);
  REQUIRE(fit);
  CHECK(std::abs(fit->exponent + .7) < 1e-14);  // logarithms of order 5, rounded at 1e-16
  REQUIRE(fit->ci95);
  CHECK(*fit->ci95 < 1e-13);
  CHECK(std::abs(fit->log_prefactor - std::log(6.) / 3) < 1e-13);
}

// 400 experiments of 5 seeds with normal noise: the 95% interval covers 380 +- 4.4 times; 4 standard errors.
TEST_CASE("the interval covers the true exponent 95 times in 100") {
  const std::vector<double> widths = {32, 64, 128, 256};
  int covered = 0;
  for (std::uint64_t trial = 0; trial < 400; ++trial) {
    std::vector<double> noise(20);
    fill_normal<double>(Seed{trial}, 5, 0, noise);
    std::vector<std::vector<double>> values(5);
    for (std::size_t s = 0; s < 5; ++s)
      for (std::size_t w = 0; w < 4; ++w) values[s].push_back(std::exp(.3 * noise[4 * s + w]) / widths[w]);
    const auto fit = fit_scaling(widths, values);
    REQUIRE(fit);
    covered += std::abs(fit->exponent + 1) < *fit->ci95;
  }
  CHECK(covered > 380 - 18);
  CHECK(covered < 380 + 18);
}

// Each seed is an exact power law of its own exponent: whatever widths it lacks, its slope is that.
TEST_CASE("a seed without some widths has the slope through its others") {
  const double none = std::nan("");
  const std::vector<double> widths = {4, 8, 16, 64};
  std::vector<std::vector<double>> values(4);
  for (std::size_t s = 0; s < 4; ++s)
    for (const double w : widths) values[s].push_back(std::pow(w, -0.5 - 0.1 * static_cast<double>(s)));
  values[0][0] = none;
  values[1][2] = 0;
  values[1][3] = -1;
  values[3] = {none, none, none, 1};
  const auto fit = fit_scaling(widths, values);
  REQUIRE(fit);
  CHECK(std::abs(fit->exponent + .6) < 1e-14);  // logarithms of order 4, rounded at 1e-16
  CHECK(std::abs(fit->log_prefactor) < 1e-14);
  CHECK(fit->seeds == 3);
  CHECK(fit->left_out == 1 + 2 + 4);
  // Slopes -.5, -.6, -.7: standard deviation .1, and Student's t of two degrees of freedom at 97.5%
  // is 4.302653.
  REQUIRE(fit->ci95);
  CHECK(std::abs(*fit->ci95 - 4.302653 * .1 / std::sqrt(3.)) < 1e-6);
  CHECK_THROWS_AS((void)fit_scaling(widths, {{1, 2}}), InternalError);
}

TEST_CASE("one seed has no interval, a bad seed is left out, one width has no slope") {
  const std::vector<double> widths = {10, 20};
  const auto one = fit_scaling(widths, {{1, .5}});
  REQUIRE(one);
  CHECK_FALSE(one->ci95);
  const auto two = fit_scaling(widths, {{1, .5}, {1, std::nan("")}});
  REQUIRE(two);
  CHECK(two->seeds == 1);
  CHECK(two->left_out == 2);
  CHECK_FALSE(fit_scaling(std::vector<double>{10}, {{1}}));
  CHECK_FALSE(fit_scaling(widths, {{0, 1}}));
}

}  // namespace drift_scaling_test
