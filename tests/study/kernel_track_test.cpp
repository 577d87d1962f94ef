#include <doctest/doctest.h>

#include <ntape/data/synthetic.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/study/kernel_track.hpp>

#include "support/matrices.hpp"

namespace study_kernel_track_test {

using namespace ntape;
using namespace ntape::test;

namespace {

const Architecture kSmall{.widths = {2, 6, 5, 1}, .activation = "erf"};

}  // namespace

TEST_CASE_TEMPLATE("snapshots are the kernels of the parameters of their steps", Real, float, double) {
  const auto data = data::circle<Real>({.examples = 5});
  const Mlp<Real> model(kSmall);
  Parameters<Real> theta = model.initialize(Seed{3});
  const Parameters<Real> start = theta;
  KernelTrack<Real> track(model, data.x, {4, 0, 2});  // in any order
  const auto result = gradient_descent(model, theta, data, {.rate = 0.5, .steps = 4}, track);
  REQUIRE(track.snapshots().size() == 3);
  for (Index k = 0; k < 3; ++k) {
    const Snapshot& s = track.snapshots()[k];
    CHECK(s.step == 2 * k);
    CHECK(s.time == 0.5 * static_cast<double>(2 * k));
    CHECK(s.layers.size() == 3);
  }
  const Snapshot& last = track.snapshots().back();
  const auto kernels = empirical_kernels(model, theta, data.x, KernelForm::trace);
  CHECK(largest_difference(last.kernel.values, kernels.ntk.values) == 0);
  for (Index l = 0; l < 3; ++l)
    CHECK(largest_difference(last.layers[l].values, kernels.layers[l].values) == 0);
  CHECK(largest_difference(last.outputs, evaluate(model, theta, data.x)) == 0);
  CHECK(last.loss == result.loss);
  CHECK(last.parameter_change == distance(theta, start));
  CHECK(track.snapshots().front().parameter_change == 0);
  REQUIRE(last.weight_changes.size() == 3);
  for (Index l = 0; l < 3; ++l) {
    CHECK(track.snapshots().front().weight_changes[l] == 0.0);
    // W_l is entry 2 l. The same sums of 30 terms at most, in double.
    const Parameters<Real> now{{theta.entries[2 * l]}}, then{{start.entries[2 * l]}};
    CHECK(last.weight_changes[l].value() ==
          doctest::Approx(distance(now, then) / distance(then, zeros_like(then))).epsilon(1e-14));
  }
}

TEST_CASE("a sink gets what is not kept, and may stop the training") {
  const auto data = data::circle<double>({.examples = 5});
  const Mlp<double> model(kSmall);
  Parameters<double> theta = model.initialize(Seed{3});
  std::vector<Index> seen;
  KernelTrack<double> track(model, data.x, {0, 1, 2, 3, 4}, [&](Snapshot&& s) {
    seen.push_back(s.step);
    return s.step < 2;
  });
  const auto result = gradient_descent(model, theta, data, {.rate = 0.5, .steps = 4}, track);
  CHECK(seen == std::vector<Index>{0, 1, 2});
  CHECK(result.steps == 2);
  CHECK(!result.diverged);
  CHECK(track.snapshots().empty());
}

}  // namespace study_kernel_track_test
