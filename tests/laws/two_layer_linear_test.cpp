#include <doctest/doctest.h>

#include <cmath>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>
#include <vector>

namespace laws_two_layer_linear_test {

using namespace ntape;

namespace {

struct Moment2 {
  double f, lambda;
};

// The network f = v . w x / sqrt(n) on one example: outputs and kernels along descent.
std::vector<Moment2> trained(double x, double y, double rate, Index steps) {
  const Mlp<double> model({.widths = {1, 50, 1}, .activation = "identity", .bias_scale = 0});
  data::Dataset<double> data{zeros<double>(1, 1), zeros<double>(1, 1), "", ""};
  data.x.fill(x);
  data.y.fill(y);
  struct Track final : Observer<double> {
    const Mlp<double>& model;
    const Matrix<double>& x;
    std::vector<Moment2> path;
    Track(const Mlp<double>& m, const Matrix<double>& at) : model(m), x(at) {}
    bool observe(const TrainingState<double>& s) override {
      path.push_back({s.outputs(0, 0), empirical_ntk(model, s.theta, x).values(0, 0)});
      return true;
    }
  } track(model, data.x);
  auto theta = model.initialize(Seed{4});
  gradient_descent(model, theta, data, {.rate = rate, .steps = steps}, track);
  return track.path;
}

}  // namespace

// f = v . w x/sqrt(n), with residual r = f - y and kernel lambda = (|v|^2 + |w|^2) x^2/n. A step takes v to
// v - eta r w x/sqrt(n) and w to w - eta r v x/sqrt(n), hence, exactly (Lewkowycz et al. 2020, with x and y),
//   f'      = f - eta lambda r + eta^2 (x^2/n) r^2 f
//   lambda' = lambda + (x^2/n) eta r (eta lambda r - 4 f).
TEST_CASE("a two-layer linear network goes by the exact recursion of two scalars, lazy or in a catapult") {
  constexpr double kX = 1.3, kY = 0.4, kN = 50;
  const double lambda0 = trained(kX, kY, 1, 0)[0].lambda;
  // In units of the critical rate 2/lambda; beyond 2 of them descent diverges.
  for (const double multiple : {0.1, 0.9, 1.3, 1.7}) {
    CAPTURE(multiple);
    const double rate = multiple * 2 / lambda0;
    const auto path = trained(kX, kY, rate, 60);
    REQUIRE(path.size() == 61);
    Moment2 m = path[0];
    double peak = 0;
    for (const Moment2& seen : path) {
      // A rounding of 1e-16 in f is multiplied by up to |1 - eta lambda| = 2.4 at each step of the rise of a
      // catapult, 1e3 in all, and dies out before and after.
      CHECK(std::abs(seen.f - m.f) < 1e-12);
      CHECK(std::abs(seen.lambda - m.lambda) < 1e-12);
      peak = std::max(peak, std::abs(m.f - kY));
      const double r = m.f - kY, c = kX * kX / kN;
      m = {m.f - rate * m.lambda * r + rate * rate * c * r * r * m.f,
           m.lambda + c * rate * r * (rate * m.lambda * r - 4 * m.f)};
    }
    const bool catapult = multiple > 1;
    CHECK((peak > 2 * std::abs(path[0].f - kY)) == catapult);
    CHECK((path.back().lambda < .9 * lambda0) == catapult);
    CHECK(path.back().lambda < 2 / rate);
  }
}

}  // namespace laws_two_layer_linear_test
