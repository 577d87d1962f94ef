#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/ensemble.hpp>
#include <ntape/study/ensemble_statistics.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace study_ensemble_test {

using namespace ntape;
using namespace ntape::test;
using study::EnsembleOutputs;
using study::EnsemblePlan;

namespace {

const data::Dataset<double>& circle() {
  static const auto data = data::circle<double>({.examples = 6});
  return data;
}

EnsemblePlan plan_of(Index networks) {
  return {.architecture = {.widths = {2, 12, 1}, .activation = "erf"},
          .networks = networks,
          .first_seed = 5,
          .descent = {.rate = 0.5},
          .steps = {0, 1, 7}};
}

// S x K samples of one step, as the outputs of S networks.
EnsembleOutputs samples(Index networks, Index size, std::vector<double> values) {
  EnsembleOutputs e;
  e.steps = {0};
  e.seeds.resize(networks);
  e.at = {size, 1};
  e.values = make_stack<double>(1, networks, size);
  std::copy(values.begin(), values.end(), e.values.begin());
  return e;
}

}  // namespace

TEST_CASE("each network of an ensemble is what training it alone gives, bit for bit") {
  const auto inputs = normal<double>(4, 2, 1);
  for (const auto precision : {study::Precision::f64, study::Precision::f32}) {
    EnsemblePlan plan = plan_of(5);
    plan.precision = precision;
    const EnsembleOutputs e = study::train_ensemble(plan, circle(), inputs);
    REQUIRE(e.seeds == std::vector<std::uint64_t>{5, 6, 7, 8, 9});
    CHECK(e.at == Shape{4, 1});
    CHECK(e.stopped.empty());
    const auto alone = [&]<class Real>(Real, Index s, Index steps, double loss) {
      const Mlp<Real> model(plan.architecture);
      auto theta = model.initialize(Seed{plan.first_seed + s});
      const auto data = data::cast<Real>(circle());
      const auto result = gradient_descent(model, theta, data, {.rate = 0.5, .steps = steps});
      CHECK(result.loss == loss);
      const Matrix<Real> at = inputs;
      return Matrix<double>(evaluate(model, theta, at));
    };
    for (Index t = 0; t < e.steps.size(); ++t)
      for (const Index s : {Index{0}, Index{4}}) {
        const double loss = e.losses(t, s);
        const auto f = precision == study::Precision::f64 ? alone(double{}, s, e.steps[t], loss)
                                                          : alone(float{}, s, e.steps[t], loss);
        for (Index m = 0; m < 4; ++m) CHECK(e.values(t, s, m) == f(m, 0));
      }
  }
}

TEST_CASE("networks that diverge are left out and named") {
  EnsemblePlan plan = plan_of(12);
  plan.architecture = {.widths = {2, 2, 2, 1}, .activation = "identity"};
  plan.descent.rate = 5;
  plan.steps = {0, 40};
  Index done = 0;
  const EnsembleOutputs e =
      study::train_ensemble(plan, circle(), circle().x, [&](std::uint64_t n) { done += n; });
  CHECK(done == 12);
  REQUIRE(!e.stopped.empty());
  CHECK(e.seeds.size() + e.stopped.size() == 12);
  CHECK(contains(e.stopped.front(), "training diverged at step"));
  REQUIRE(e.values.shape(1) == e.seeds.size());
  // What was moved together is what belongs to the seed.
  EnsemblePlan one = plan;
  one.networks = 1;
  one.first_seed = e.seeds.back();
  const EnsembleOutputs last = study::train_ensemble(one, circle(), circle().x);
  for (Index m = 0; m < 6; ++m) CHECK(last.values(1, 0, m) == e.values(1, e.seeds.size() - 1, m));
  CHECK(last.losses(1, 0) == e.losses(1, e.seeds.size() - 1));
  plan.descent.rate = 1e30;
  CHECK(contains(message_of<UserError>([&] { (void)study::train_ensemble(plan, circle(), circle().x); }),
                 "every network was stopped"));
}

TEST_CASE("moments, quantiles and covariance of numbers that can be done by hand") {
  // Column 0: 1 2 3 4 10, mean 4, central squares 9 4 1 0 36, fourth powers 81 16 1 0 1296. Column 1 is twice
  // that.
  const EnsembleOutputs e = samples(5, 2, {1, 2, 2, 4, 3, 6, 4, 8, 10, 20});
  const auto m = study::moments(e);
  CHECK(m.networks == 5);
  // A few roundings of numbers of order 1 to 1e3.
  constexpr double kRounding = 1e-14;
  CHECK(m.mean(0, 0) == doctest::Approx(4).epsilon(kRounding));
  CHECK(m.variance(0, 0) == doctest::Approx(12.5).epsilon(kRounding));
  CHECK(m.mean_error(0, 0) == doctest::Approx(std::sqrt(2.5)).epsilon(kRounding));
  const double fourth = 1394.0 / 5, error = std::sqrt((fourth - 12.5 * 12.5 * 0.5) / 5);
  CHECK(m.variance_error(0, 0) == doctest::Approx(error).epsilon(kRounding));
  CHECK(m.variance_error(0, 1) == doctest::Approx(4 * error).epsilon(kRounding));
  const std::vector<double> levels = {0, 0.1, 0.5, 0.9, 1};
  const auto q = study::quantiles(e, levels);
  const double expected[] = {1, 1.4, 3, 7.6, 10};
  for (Index k = 0; k < 5; ++k) {
    CHECK(q(k, 0, 0) == doctest::Approx(expected[k]).epsilon(kRounding));
    CHECK(q(k, 0, 1) == doctest::Approx(2 * expected[k]).epsilon(kRounding));
  }
  const auto c = study::covariance(e, 0);
  CHECK(c(0, 0) == doctest::Approx(12.5).epsilon(kRounding));
  CHECK(c(0, 1) == doctest::Approx(25).epsilon(kRounding));
  CHECK(c(1, 1) == doctest::Approx(50).epsilon(kRounding));
}

TEST_CASE("z-scores of samples of the theory's law have mean 0 and variance 1") {
  // 400 outputs of 500 networks, independent N(2, 9). The mean of the scores has standard error 400^-1/2, the
  // mean of their squares (2/400)^1/2 (a little more for variances, whose law is not quite normal); 4 of
  // them.
  constexpr Index kNetworks = 500, kSize = 400;
  const auto noise = normal<double>(kNetworks, kSize, 9);
  std::vector<double> values(noise.size());
  for (Index k = 0; k < values.size(); ++k) values[k] = 2 + 3 * noise.data()[k];
  const auto m = study::moments(samples(kNetworks, kSize, values));
  Matrix<double> mean = zeros<double>(1, kSize), variance = zeros<double>(1, kSize);
  mean.fill(2);
  variance.fill(9);
  const auto z = study::z_scores(m, mean, variance);
  for (const Matrix<double>& scores : {z.mean, z.variance}) {
    double sum = 0, squares = 0;
    for (const double s : scores) sum += s, squares += s * s;
    CHECK(std::abs(sum / kSize) < 4 / std::sqrt(double(kSize)));
    CHECK(std::abs(squares / kSize - 1) < 4 * std::sqrt(2.0 / kSize) * 1.05);
  }
  // The measured standard errors are, on average, the theory's: off by (2/kNetworks)^1/2 each, less on
  // average.
  double ratio = 0;
  for (Index k = 0; k < kSize; ++k) ratio += m.variance_error(0, k) / (9 * std::sqrt(2.0 / (kNetworks - 1)));
  CHECK(ratio / kSize == doctest::Approx(1).epsilon(0.02));
  // A mean off by a tenth of the deviation is seen: 0.1 sqrt(500) = 2.2 standard errors on average.
  mean.fill(2 - 0.3);
  double shift = 0;
  for (const double s : study::z_scores(m, mean, variance).mean) shift += s;
  CHECK(shift / kSize == doctest::Approx(0.1 * std::sqrt(500.0)).epsilon(0.1));
  variance.fill(0);
  CHECK(study::z_scores(m, mean, variance).mean(0, 0) == std::numeric_limits<double>::infinity());
}

TEST_CASE("standard errors of quantiles are those of normal samples, and cover") {
  // 400 samples of 500 networks. The error of a quantile is sqrt(p (1 - p)/S)/density for large S.
  constexpr Index kNetworks = 500, kSize = 400;
  const auto noise = normal<double>(kNetworks, kSize, 11);
  const EnsembleOutputs e = samples(kNetworks, kSize, {noise.begin(), noise.end()});
  const std::vector<double> levels = {.05, .25, .5, .9},
                            normal_quantiles = {-1.6448536269514722, -.6744897501960817, 0,
                                                1.2815515655446004};
  const auto q = study::quantiles(e, levels), errors = study::quantile_errors(e, levels);
  for (Index k = 0; k < levels.size(); ++k) {
    CAPTURE(levels[k]);
    const double z = normal_quantiles[k];
    const double exact = std::sqrt(levels[k] * (1 - levels[k]) / kNetworks) /
                         (std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1)));
    double mean = 0, squares = 0;
    Index covered = 0;
    for (Index s = 0; s < kSize; ++s) {
      const double score = (q(k, 0, s) - z) / errors(k, 0, s);
      mean += errors(k, 0, s) / kSize;
      squares += std::pow((q(k, 0, s) - z) / exact, 2) / kSize;
      covered += std::abs(score) < 2;
    }
    // One of them scatters by S^-1/4, a fifth, their mean by a hundredth; the curvature of the tail and the
    // interpolation are of order S^-1/2 of it.
    CHECK(mean == doctest::Approx(exact).epsilon(.06));
    // The exact one is exact: 4 standard errors of a mean of squares, and S^-1/2 again.
    CHECK(squares == doctest::Approx(1).epsilon(4 * std::sqrt(2.0 / kSize) + .05));
    // 95.4% of a normal law; a scale that scatters by a fifth takes some 2% of it, and a share of 400 has a
    // standard error of 1%, of which 4.
    CHECK(static_cast<double>(covered) / kSize > .954 - .02 - .04);
  }
}

TEST_CASE("what few networks do not tell of a quantile is NaN") {
  const EnsembleOutputs e = samples(4, 1, {1, 2, 3, 4});
  // 1/2 +- 1/4: the values at 3/4 and 9/4 of the way from the first, 1 + 3/4 and 1 + 9/4; half of 1.5.
  const std::vector<double> levels = {0, .1, .5, 1};
  const auto errors = study::quantile_errors(e, levels);
  CHECK(errors(2, 0, 0) == .75);
  for (const Index k : {0, 1, 3}) CHECK(std::isnan(errors(k, 0, 0)));
  CHECK_THROWS_AS((void)study::quantile_errors(samples(1, 1, {1}), levels), UserError);
}

TEST_CASE("ensembles that cannot be are refused, each in a sentence") {
  const auto refusal = [](auto&& change) {
    EnsemblePlan plan = plan_of(3);
    Matrix<double> inputs = circle().x;
    change(plan, inputs);
    return message_of<UserError>([&] { (void)study::train_ensemble(plan, circle(), inputs); });
  };
  CHECK(contains(refusal([](auto& p, auto&) { p.networks = 0; }), "at least 1"));
  CHECK(contains(refusal([](auto& p, auto&) { p.first_seed = ~std::uint64_t{0}; }), "2^64"));
  CHECK(contains(refusal([](auto& p, auto&) { p.steps = {}; }), "ascending"));
  CHECK(contains(refusal([](auto& p, auto&) { p.steps = {3, 3}; }), "ascending"));
  CHECK(contains(refusal([](auto& p, auto&) { p.descent.rate = -1; }), "rate"));
  CHECK(contains(refusal([](auto& p, auto&) { p.architecture.widths[1] = Index{1} << 40; }), "memory"));
  CHECK(contains(refusal([](auto&, auto& x) { x(1, 1) = std::nan(""); }), "row 1, column 1"));
  CHECK_THROWS_AS((void)study::train_ensemble(plan_of(3), circle(), zeros<double>(2, 3)), ShapeError);
  CHECK_THROWS_AS((void)study::moments(samples(1, 1, {1})), UserError);
  CHECK_THROWS_AS((void)study::quantiles(samples(1, 1, {1}), std::vector<double>{1.5}), UserError);
}

}  // namespace study_ensemble_test
