#include <doctest/doctest.h>

#include <cmath>
#include <ntape/data/synthetic.hpp>
#include <ntape/study/ensemble_law.hpp>
#include <numeric>

#include "support/matrices.hpp"

namespace study_ensemble_law_test {

using namespace ntape;
using namespace ntape::test;
using study::EnsembleLaw;
using study::EnsembleOutputs;
using study::Measured;

namespace {

// Independent normal outputs of given deviation.
EnsembleOutputs gaussian(Index networks, Index size, double deviation) {
  EnsembleOutputs e;
  e.steps = {0};
  e.seeds.resize(networks);
  e.at = {size, 1};
  e.values = make_stack<double>(1, networks, size);
  const auto samples = normal<double>(networks, size, 9);
  std::transform(samples.begin(), samples.end(), e.values.begin(), [&](double v) { return deviation * v; });
  return e;
}

std::vector<Index> first(Index count) {
  std::vector<Index> columns(count);
  std::iota(columns.begin(), columns.end(), Index{0});
  return columns;
}

}  // namespace

TEST_CASE("training inputs given again as others have the same law") {
  const auto data = data::sphere<double>({.dimension = 3, .examples = 6, .seed = Seed{1}});
  const Architecture a{.widths = {3, 1, 1, 1}, .activation = "erf"};
  const std::vector<Moment> moments = {Moment::descent(0, .3), Moment::descent(40, .3, .5), Moment::flow(7)};
  const EnsembleLaw law = study::ensemble_law(a, data, data.x, moments);
  REQUIRE(shape_of(law.mean) == Shape{3, 12});
  CHECK(law.rates.size() == 6);
  for (Index t = 0; t < 3; ++t)
    for (Index k = 0; k < 6; ++k) {
      CHECK(law.mean(t, k) == doctest::Approx(law.mean(t, 6 + k)).epsilon(1e-10));
      // the one a product of decays, the other a difference of variances of size 1
      CHECK(std::abs(law.variance(t, k) - law.variance(t, 6 + k)) < 1e-12);
    }
  for (Index k = 0; k < 6; ++k) CHECK(law.mean(0, k) == 0);
  const EnsembleLaw alone = study::ensemble_law(a, data, zeros<double>(0, 3), moments);
  CHECK(shape_of(alone.mean) == Shape{3, 6});
  for (Index k = 0; k < 6; ++k) CHECK(alone.variance(1, k) == law.variance(1, k));
}

TEST_CASE("networks drawn from the law are between its P10 and P90 as often as it says, with its variance") {
  const EnsembleOutputs e = gaussian(400, 5, 2);
  EnsembleLaw law{zeros<double>(1, 5), zeros<double>(1, 5), {}};
  law.variance.fill(4);
  const Measured share = study::coverage(e, law, 0, first(5)),
                 ratio = study::variance_ratio(e, law, 0, first(5));
  // four standard errors, which are themselves what independent outputs have: sqrt(.8 .2 / 2000) and
  // sqrt(2 / 2000)
  CHECK(std::abs(share.value - .8) < 4 * share.error);
  CHECK(share.error == doctest::Approx(.0089).epsilon(.15));
  CHECK(std::abs(ratio.value - 1) < 4 * ratio.error);
  CHECK(ratio.error == doctest::Approx(.0316).epsilon(.15));
  // Of a law of half the deviation the variance is fourfold, and P(|z| < 1.28 / 2) = 0.478.
  law.variance.fill(1);
  CHECK(study::variance_ratio(e, law, 0, first(5)).value == doctest::Approx(4 * ratio.value));
  CHECK(std::abs(study::coverage(e, law, 0, first(5)).value - .478) < .05);
  // All alike is no proof of no error.
  law.variance.fill(1e6);
  const Measured all = study::coverage(e, law, 0, first(2));
  CHECK(all.value == 1);
  CHECK(all.error > 0);
  CHECK(std::isnan(study::variance_ratio(gaussian(3, 5, 1), law, 0, first(5)).value));
}

TEST_CASE("the largest score by chance is that of the normal and the chi-square distribution") {
  CHECK(study::largest_by_chance(100, 1).mean == doctest::Approx(1.959963985));
  // For many networks a chi-square is normal, but for its skew, (z^2 - 1) sqrt(2) / (3 sqrt(S)).
  const double skew = (1.96 * 1.96 - 1) * std::sqrt(2.) / 3 / 1e3;
  CHECK(study::largest_by_chance(1000000, 1).variance == doctest::Approx(1.959963985 + skew).epsilon(1e-5));
  // Ten outputs of the law exceed it in 5% of ensembles at most: here in none to 20 of 200, to 3 deviations.
  int above_mean = 0, above_variance = 0;
  const auto samples = normal<double>(200 * 30, 10, 4);
  const study::LargestScores most = study::largest_by_chance(30, 10);
  for (Index e = 0; e < 200; ++e) {
    double largest_mean = 0, largest_variance = 0;
    for (Index k = 0; k < 10; ++k) {
      double sum = 0, squares = 0;
      for (Index s = 0; s < 30; ++s) sum += samples(30 * e + s, k);
      for (Index s = 0; s < 30; ++s) squares += std::pow(samples(30 * e + s, k) - sum / 30, 2);
      largest_mean = std::max(largest_mean, std::abs(sum) / std::sqrt(30));
      largest_variance = std::max(largest_variance, std::abs(squares / 29 - 1) / std::sqrt(2. / 29));
    }
    above_mean += largest_mean > most.mean ? 1 : 0;
    above_variance += largest_variance > most.variance ? 1 : 0;
  }
  CHECK(above_mean > 0);
  CHECK(above_mean <= 20);
  CHECK(above_variance <= 20);
}

}  // namespace study_ensemble_law_test
