#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/philox.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/limit/recursion.hpp>

using namespace ntape;

// E[Theta_0] = Theta_inf exactly at depth 2, at every width: the hidden units are independent and equal in
// law. So the mean over 200 seeds must lie within 4 standard errors; with 6 entries x 2 widths x 2
// activations, chance alone fails this for about one choice of seeds in 700, and the seeds are fixed.
TEST_CASE("the mean of Theta_0 over 200 seeds is Theta_inf within 4 standard errors, depth 2") {
  Matrix<double> x = make_matrix<double>(3, 2);
  fill_normal<double>(Seed{17}, 9, 0, {x.data(), x.size()});
  for (const char* activation : {"relu", "erf"})
    for (const Index width : {Index{32}, Index{256}}) {
      const Mlp<double> model({.widths = {2, width, 1}, .activation = activation, .bias_scale = .1});
      const auto limit = limit_ntk(model.architecture(), x).values;
      constexpr Index kSeeds = 200;
      Matrix<double> sum = zeros<double>(3, 3), squares = zeros<double>(3, 3);
      for (Index s = 0; s < kSeeds; ++s) {
        const auto k = empirical_ntk(model, model.initialize(Seed{1000 + s}), x).values;
        for (Index e = 0; e < 9; ++e) {
          sum.data()[e] += k.data()[e];
          squares.data()[e] += k.data()[e] * k.data()[e];
        }
      }
      for (Index i = 0; i < 3; ++i)
        for (Index j = 0; j <= i; ++j) {
          const double mean = sum(i, j) / kSeeds;
          const double error = std::sqrt((squares(i, j) / kSeeds - mean * mean) / (kSeeds - 1));
          CAPTURE(activation);
          CAPTURE(width);
          CAPTURE(mean);
          CAPTURE(limit(i, j));
          CAPTURE(error);
          CHECK(std::abs(mean - limit(i, j)) < 4 * error);
        }
    }
}
