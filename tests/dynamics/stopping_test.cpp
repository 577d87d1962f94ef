#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/stopping.hpp>

#include "support/matrices.hpp"

namespace dynamics_stopping_test {

using namespace ntape;
using test::normal;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Matrix<double> diagonal(std::vector<double> values) {
  auto m = zeros<double>(values.size(), values.size());
  for (Index i = 0; i < values.size(); ++i) m(i, i) = values[i];
  return m;
}

Matrix<double> column(std::vector<double> values) {
  auto m = make_matrix<double>(values.size(), 1);
  std::copy(values.begin(), values.end(), m.begin());
  return m;
}

}  // namespace

TEST_CASE("components have rates of Theta/N, time constants and norms under the inputs' distribution") {
  // Unit vectors are the components; f_0 - y = -(3, 4, 12).
  const LazyPrediction lazy(diagonal({6, .3, 0}), zeros<double>(3, 1), column({3, 4, 12}));
  const auto components = leading_components(lazy, 10);
  REQUIRE(components.size() == 3);
  const double rates[] = {2, .1, 0}, starts[] = {3, 4, 12};
  for (Index k = 0; k < 3; ++k) {
    CHECK(components[k].rate == doctest::Approx(rates[k]).epsilon(1e-15));
    CHECK(components[k].start == doctest::Approx(starts[k] / std::sqrt(3)).epsilon(1e-15));
    CHECK(components[k].share == doctest::Approx(starts[k] * starts[k] / 169).epsilon(1e-15));
  }
  CHECK(components[1].time == doctest::Approx(10).epsilon(1e-15));
  CHECK(components[2].time == kInfinity);
  const auto table =
      residual_components(lazy, {Moment::flow(0), Moment::flow(5), Moment::flow(kInfinity)}, 2);
  CHECK(shape_of(table) == Shape{3, 2});
  CHECK(table(1, 1) == doctest::Approx(4 / std::sqrt(3) * std::exp(-.5)).epsilon(1e-14));
  CHECK(table(2, 0) == 0);
}

TEST_CASE("components make up the residual") {
  const auto root = normal<double>(7, 9, 1);
  const auto f0 = normal<double>(7, 2, 2), y = normal<double>(7, 2, 3);
  const LazyPrediction lazy(linalg::gram(linalg::view(root)), f0, y);
  const Moment moment = Moment::descent(12, .1, .5);
  const auto table = residual_components(lazy, {moment}, 7);
  const auto f = lazy.at(moment);
  double squares = 0, expected = 0;
  for (const double v : table) squares += v * v;
  for (Index k = 0; k < f.size(); ++k)
    expected += (f.data()[k] - y.data()[k]) * (f.data()[k] - y.data()[k]) / 7;
  CHECK(squares == doctest::Approx(expected).epsilon(1e-13));
}

TEST_CASE("early stopping finds the minimum of a loss in time") {
  // One example, one other input that sees it fully: f(z) = 1 - exp(-t), and the target there is .7.
  const LazyPrediction lazy(diagonal({1}), zeros<double>(1, 1), column({1}));
  const LazyElsewhere there = lazy.elsewhere(diagonal({1}), zeros<double>(1, 1));
  const StoppingTime stop = early_stopping(there, column({.7}));
  // Brent's method ends at half of the digits.
  CHECK(stop.time == doctest::Approx(-std::log(.3)).epsilon(1e-7));
  CHECK(stop.loss < 1e-14);
  CHECK(stop.loss_at_start == doctest::Approx(.245).epsilon(1e-15));
  CHECK(stop.loss_at_end == doctest::Approx(.045).epsilon(1e-15));
  // A target beyond what training reaches wants it to go on, one behind the start not to begin.
  CHECK(early_stopping(there, column({2})).time == kInfinity);
  CHECK(early_stopping(there, column({-1})).time == 0);
  CHECK_THROWS_AS((void)early_stopping(there, column({1, 2})), ShapeError);
}

TEST_CASE("early stopping keeps what its grid has seen where Brent's method ends in another minimum") {
  // A narrow dip at a point of the grid, between two wide hollows that lie deeper than what is around it.
  const double step = std::log(10) / 16, dip = 5 * step;
  const auto loss = [&](const Moment& moment) {
    const double t = moment.time();
    if (t == 0 || std::isinf(t)) return 3.0;
    const double x = std::log(t) - dip;
    return 2 - std::exp(-std::pow(x / (.02 * step), 2)) - .5 * std::pow(std::sin(2 * x / step), 2);
  };
  const StoppingTime stop = early_stopping(loss, 1, 100);
  CHECK(stop.loss == doctest::Approx(1).epsilon(1e-12));
  CHECK(stop.time == doctest::Approx(std::exp(dip)).epsilon(1e-12));
}

TEST_CASE("an ensemble stops where its networks are best in expectation, not where their mean is") {
  // Targets with noise, which the mean follows later than single networks, whose variance grows off the data.
  for (const bool full : {false, true}) {
    const Index n = 10, there = 6, outputs = 2, per = full ? outputs : 1;
    const auto features = normal<double>((n + there) * per, 40, 1),
               others = normal<double>((n + there) * per, 40, 2);
    const auto ntk = linalg::gram(linalg::view(features)), nngp = linalg::gram(linalg::view(others));
    const auto part = [&](const Matrix<double>& k, bool below, bool right) {
      const Index rows = (below ? there : n) * per, columns = (right ? there : n) * per;
      auto p = make_matrix<double>(rows, columns);
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) p(i, j) = k((below ? n * per : 0) + i, (right ? n * per : 0) + j);
      return p;
    };
    const auto y = normal<double>(n, outputs, 3);
    auto y_there = normal<double>(there, outputs, 4);
    for (double& v : y_there) v *= 3;
    const EnsemblePrediction all(part(ntk, false, false), part(nngp, false, false), y);
    const auto elsewhere =
        all.elsewhere(part(ntk, true, false), part(nngp, true, false), part(nngp, true, true));
    const StoppingTime stop = early_stopping(elsewhere, y_there);

    // By the whole covariance.
    const auto expected = [&](const Moment& moment) {
      const Gaussian g = elsewhere.at(moment);
      double sum = 0;
      for (Index m = 0; m < there; ++m)
        for (Index c = 0; c < outputs; ++c)
          sum += std::pow(g.mean(m, c) - y_there(m, c), 2) + std::pow(g.deviations()(m, c), 2);
      return sum / (2 * static_cast<double>(there));
    };
    // Numbers up to 100, at a condition below 1e3.
    CHECK(stop.loss_at_start == doctest::Approx(expected(Moment::flow(0))).epsilon(1e-12));
    CHECK(stop.loss_at_end == doctest::Approx(expected(Moment::flow(kInfinity))).epsilon(1e-9));
    for (double t = 1e-3; t < 1e3; t *= 1.05) CHECK(stop.loss <= expected(Moment::flow(t)) * (1 + 1e-9));

    // By networks: f_0 from the NNGP, each output its own column (full: all together), each trained.
    const Moment moment = Moment::flow(.05);
    constexpr Index kNetworks = 2000;
    const auto noise = normal<double>(kNetworks * outputs / per, 40, 5);
    const auto factor = std::make_shared<const KernelFactor>(all.mean().factor());
    double sum = 0, squares = 0;
    for (Index s = 0; s < kNetworks; ++s) {
      auto f = make_matrix<double>(n + there, outputs);
      for (Index i = 0; i < (n + there) * per; ++i)
        for (Index c = 0; c < outputs / per; ++c) {
          double value = 0;
          for (Index k = 0; k < 40; ++k) value += others(i, k) * noise(s * outputs / per + c, k);
          f.data()[full ? i : i * outputs + c] = value;
        }
      auto f0 = make_matrix<double>(n, outputs), f0_there = make_matrix<double>(there, outputs);
      std::copy_n(f.begin(), f0.size(), f0.begin());
      std::copy_n(f.begin() + static_cast<std::ptrdiff_t>(f0.size()), f0_there.size(), f0_there.begin());
      const LazyPrediction lazy(factor, part(ntk, false, false), f0, y);
      const auto g = lazy.elsewhere(part(ntk, true, false), f0_there).at(moment);
      double loss = 0;
      for (Index k = 0; k < g.size(); ++k)
        loss += std::pow(g.data()[k] - y_there.data()[k], 2) / (2 * static_cast<double>(there));
      sum += loss;
      squares += loss * loss;
    }
    const double mean = sum / kNetworks, error = std::sqrt((squares / kNetworks - mean * mean) / kNetworks);
    CHECK(std::abs(mean - expected(moment)) < 4 * error);
    // The loss of the mean leaves the variance out.
    CHECK(early_stopping(elsewhere.mean(), y_there).loss < stop.loss);
  }
}

TEST_CASE("early stopping beats a fine scan on noisy targets") {
  // Two modes, signal in the fast one and noise in the slow one, as in regression.
  const auto root = normal<double>(20, 25, 1), other = normal<double>(30, 25, 2),
             truth = normal<double>(25, 1, 3);
  auto y = linalg::gram(linalg::view(root), linalg::view(Matrix<double>(xt::transpose(truth))));
  const auto y_there = linalg::gram(linalg::view(other), linalg::view(Matrix<double>(xt::transpose(truth))));
  const auto noise = normal<double>(20, 1, 4);
  for (Index k = 0; k < 20; ++k) y(k, 0) += 4 * noise(k, 0);
  const LazyPrediction lazy(linalg::gram(linalg::view(root)), zeros<double>(20, 1), y);
  const LazyElsewhere there =
      lazy.elsewhere(linalg::gram(linalg::view(other), linalg::view(root)), zeros<double>(30, 1));
  const StoppingTime stop = early_stopping(there, y_there);
  const auto loss = [&](const Moment& moment) {
    const auto f = there.at(moment);
    double sum = 0;
    for (Index k = 0; k < f.size(); ++k)
      sum += (f.data()[k] - y_there.data()[k]) * (f.data()[k] - y_there.data()[k]);
    return sum / 60;
  };
  CHECK(stop.time > 0);
  CHECK(stop.time < kInfinity);
  for (double t = 1e-3; t < 1e4; t *= 1.01) CHECK(stop.loss <= loss(Moment::flow(t)) * (1 + 1e-12));
  CHECK(stop.loss < stop.loss_at_end);
  CHECK(loss(Moment::flow(stop.time)) == doctest::Approx(stop.loss).epsilon(1e-12));
}

// An eigenvalue of 1e-7, which floats do not tell from zero, and an input that feels it by 2.85e-4: its
// output grows by 2.85e-4 t/3, to the target at t = 10526, long after the other modes are through.
TEST_CASE("early stopping looks as far as modes that the kernel does not tell from zero are trusted") {
  auto k = zeros<double>(3, 3), kappa = zeros<double>(1, 3);
  k(0, 0) = k(1, 1) = 1;
  k(2, 2) = static_cast<float>(1e-7);
  kappa(0, 2) = static_cast<float>(2.85e-4);
  Matrix<double> y = make_matrix<double>(3, 1), there = make_matrix<double>(1, 1);
  y.fill(1);
  there.fill(1);
  const LazyPrediction lazy(k, zeros<double>(3, 1), y, 0x1p-21);
  REQUIRE(lazy.report().null_modes == 1);
  const StoppingTime best = early_stopping(lazy.elsewhere(kappa, zeros<double>(1, 1)), there);
  CHECK(best.time == doctest::Approx(3 / 2.85e-4).epsilon(1e-3));
  CHECK(best.loss < 1e-10);
  // Where nothing is felt of it, thirty of the longest time constant, 3, do.
  kappa(0, 2) = 0;
  kappa(0, 0) = 1;
  CHECK(early_stopping(lazy.elsewhere(kappa, zeros<double>(1, 1)), there).time > 3);
}

}  // namespace dynamics_stopping_test
