#include <doctest/doctest.h>

#include <cmath>
#include <ntape/dynamics/path.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>

#include "support/matrices.hpp"

namespace laws_path_law_test {

using namespace ntape;
using test::normal;

namespace {

struct Errors {
  double residual = 0;  // the largest of any step
  double path = 0;      // of the path prediction, at the end
};

double rms(const Matrix<double>& a) {
  double sum = 0;
  for (const double v : a) sum += v * v;
  return std::sqrt(sum / static_cast<double>(a.shape(0)));
}

// A finite network along `steps` of descent, against the kernels recorded at each of them.
Errors follow(Index outputs, double rate, Index steps, double momentum) {
  const Mlp<double> model({.widths = {3, 16, 16, outputs}, .activation = "tanh", .bias_scale = .2});
  const data::Dataset<double> data{normal<double>(5, 3, 1), normal<double>(5, outputs, 2), "", ""};
  struct Track final : Observer<double> {
    const Mlp<double>& model;
    const data::Dataset<double>& data;
    PathPrediction path;
    Errors errors;
    Track(const Mlp<double>& m, const data::Dataset<double>& d, double rate, double momentum)
        : model(m), data(d), path(rate, momentum, [&d](const Matrix<double>& f) {
            Matrix<double> u = f;
            for (Index k = 0; k < u.size(); ++k) u.data()[k] = (u.data()[k] - d.y.data()[k]) / 5;
            return u;
          }) {}
    bool observe(const TrainingState<double>& s) override {
      path.arrive(s.outputs);
      if (s.step > 0) errors.residual = std::max(errors.residual, rms(path.residual()));
      const auto kernel = empirical_ntk(model, s.theta, data.x).values;
      path.depart([&](const Matrix<double>& u) { return kernel_product(kernel, u); });
      Matrix<double> gap = path.predicted();
      for (Index k = 0; k < gap.size(); ++k) gap.data()[k] -= s.outputs.data()[k];
      errors.path = rms(gap);
      return true;
    }
  } track(model, data, rate, momentum);
  auto theta = model.initialize(Seed{8});
  gradient_descent(model, theta, data, {.rate = rate, .steps = steps, .momentum = momentum}, track);
  return track.errors;
}

double slope(double at_full, double at_half) {
  return std::log2(at_full / at_half);
}

}  // namespace

// r_t = c eta^2 + O(eta^3), so that halving eta gives a slope of 2 up to O(eta). Residuals of all steps add
// up to eta^2 times their number: slope 2 after a fixed number of steps, 1 after a fixed time. The rates of
// training, Theta/N, are of order 1 here, so that the next order is about the time, 0.1 and (with momentum, 1
// / (1 - m) longer) 0.2 after 100 steps of 1e-3; and about the rate, 1e-2, at the fixed time.
TEST_CASE("a network follows its own kernels: residuals O(eta^2), 100 steps O(eta^2), a fixed time O(eta)") {
  for (const Index outputs : {Index{1}, Index{2}})
    for (const double momentum : {0.0, 0.5}) {
      CAPTURE(outputs);
      CAPTURE(momentum);
      const Errors full = follow(outputs, 1e-3, 100, momentum), half = follow(outputs, 5e-4, 100, momentum);
      CHECK(slope(full.residual, half.residual) == doctest::Approx(2).epsilon(.02));
      CHECK(slope(full.path, half.path) == doctest::Approx(2).epsilon(.05));
      const Errors coarse = follow(outputs, 1e-2, 100, momentum), fine = follow(outputs, 5e-3, 200, momentum);
      CHECK(slope(coarse.path, fine.path) == doctest::Approx(1).epsilon(.05));
    }
}

}  // namespace laws_path_law_test
