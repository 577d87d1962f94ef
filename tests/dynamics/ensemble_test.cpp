#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/ensemble.hpp>
#include <ntape/dynamics/regression.hpp>

#include "support/matrices.hpp"

namespace dynamics_ensemble_test {

using namespace ntape;
using test::largest_difference;
using test::normal;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Kernels of random features: NNGP and NTK of n examples and of `there` others.
struct Problem {
  Matrix<double> ntk, ntk_cross, nngp, nngp_cross, nngp_there, y;
};
Problem problem(Index n, Index there, Index outputs, bool full) {
  const auto a = normal<double>(n, 2 * n, 1), a_there = normal<double>(there, 2 * n, 2);
  const auto b = normal<double>(n, n + 3, 3), b_there = normal<double>(there, n + 3, 4);
  const auto view = [](const auto& m) { return linalg::view(m); };
  return {linalg::gram(view(a)),       linalg::gram(view(a_there), view(a)),
          linalg::gram(view(b)),       linalg::gram(view(b_there), view(b)),
          linalg::gram(view(b_there)), normal<double>(full ? n / outputs : n, outputs, 5)};
}

Matrix<double> times(const Matrix<double>& a, const Matrix<double>& b) {
  auto c = make_matrix<double>(a.shape(0), b.shape(1));
  linalg::gemm(1.0, linalg::view(a), linalg::Op::plain, linalg::view(b), linalg::Op::plain, 0.0, c.data(),
               c.shape(1));
  return c;
}

bool symmetric(const Matrix<double>& m) {
  for (Index i = 0; i < m.shape(0); ++i)
    for (Index j = 0; j < i; ++j)
      if (m(i, j) != m(j, i)) return false;
  return true;
}

}  // namespace

TEST_CASE("the ensemble is what its members, drawn by their covariance, are trained to") {
  // Outputs are linear in f_0, so a member's training is a matrix, which unit vectors for f_0 spell out: f_t
  // = T f_0 + f_t of f_0 = 0, over training set and other inputs at once. Then the covariance is T Sigma T^T.
  for (const bool full : {false, true}) {
    const Index n = 8, there = 4, outputs = full ? 2 : 1;
    const Problem p = problem(n, there, outputs, full);
    const EnsemblePrediction ensemble(p.ntk, p.nngp, p.y);
    const EnsembleElsewhere other = ensemble.elsewhere(p.ntk_cross, p.nngp_cross, p.nngp_there);
    Matrix<double> joint = zeros<double>(n + there, n + there);
    for (Index i = 0; i < n + there; ++i)
      for (Index j = 0; j < n + there; ++j)
        joint(i, j) = i < n && j < n ? p.nngp(i, j)
                      : i < n        ? p.nngp_cross(j - n, i)
                      : j < n        ? p.nngp_cross(i - n, j)
                                     : p.nngp_there(i - n, j - n);
    for (const Moment& moment :
         {Moment::flow(.3), Moment::flow(kInfinity), Moment::descent(7, .02), Moment::descent(9, .02, .8)}) {
      const auto zero = zeros<double>(n / outputs, outputs),
                 zero_there = zeros<double>(there / outputs, outputs);
      const LazyPrediction nothing(p.ntk, zero, p.y);
      Matrix<double> move = zeros<double>(n + there, n + there), move_t = move;
      for (Index j = 0; j < n + there; ++j) {
        auto f0 = zero, f0_there = zero_there;
        (j < n ? f0.data()[j] : f0_there.data()[j - n]) = 1;
        const LazyPrediction member(p.ntk, f0, p.y);
        const auto moved = member.at(moment), at_rest = nothing.at(moment);
        const auto moved_there = member.elsewhere(p.ntk_cross, f0_there).at(moment);
        const auto at_rest_there = nothing.elsewhere(p.ntk_cross, zero_there).at(moment);
        for (Index i = 0; i < n; ++i) move(i, j) = moved.data()[i] - at_rest.data()[i];
        for (Index i = 0; i < there; ++i) move(n + i, j) = moved_there.data()[i] - at_rest_there.data()[i];
        for (Index i = 0; i < n + there; ++i) move_t(j, i) = move(i, j);
      }
      const auto expected = times(times(move, joint), move_t);
      const Gaussian train = ensemble.at(moment), test = other.at(moment);
      CHECK(train.mean == nothing.at(moment));
      CHECK(test.mean == nothing.elsewhere(p.ntk_cross, zero_there).at(moment));
      // numbers up to 20, condition of the NTK about 30, hence 1e-14 of rounding
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j) CHECK(std::abs(train.covariance(i, j) - expected(i, j)) < 1e-12);
      for (Index i = 0; i < there; ++i)
        for (Index j = 0; j < there; ++j)
          CHECK(std::abs(test.covariance(i, j) - expected(n + i, n + j)) < 1e-12);
      for (const Gaussian* g : {&train, &test}) {
        CHECK(symmetric(g->covariance));
        CHECK(g->is_sound());
        CHECK(g->rounding < 1e-9);
        const auto sd = g->deviations();
        CHECK(shape_of(sd) == shape_of(g->mean));
        for (Index k = 0; k < sd.size(); ++k)
          CHECK(std::abs(sd.data()[k] - std::sqrt(std::max(0.0, g->covariance(k, k)))) == 0);
      }
    }
  }
}

TEST_CASE("an ensemble begins as Sigma and ends, on the training set, at the targets") {
  const Problem p = problem(8, 4, 3, false);
  const EnsemblePrediction ensemble(p.ntk, p.nngp, p.y);
  const EnsembleElsewhere other = ensemble.elsewhere(p.ntk_cross, p.nngp_cross, p.nngp_there);
  for (const Moment& start : {Moment::flow(0), Moment::descent(0, 1)}) {
    CHECK(ensemble.at(start).covariance == p.nngp);
    CHECK(other.at(start).covariance == p.nngp_there);
    CHECK(test::largest(ensemble.at(start).mean) == 0);
    CHECK(test::largest(other.at(start).mean) == 0);
  }
  const Gaussian end = ensemble.at(Moment::flow(kInfinity));
  CHECK(end.mean == p.y);
  CHECK(test::largest(end.covariance) == 0);
  // the training set, taken for other inputs
  const EnsembleElsewhere same = ensemble.elsewhere(p.ntk, p.nngp, p.nngp);
  for (const double t : {.1, 5.0, kInfinity}) {
    const Gaussian a = ensemble.at(Moment::flow(t)), b = same.at(Moment::flow(t));
    // Differences of numbers up to 20, at a condition of 30.
    CHECK(largest_difference(a.mean, b.mean) < 1e-12);
    CHECK(largest_difference(a.covariance, b.covariance) < 1e-12);
    CHECK(b.is_sound());
  }
}

TEST_CASE("an ensemble trained under its own NNGP ends as the posterior without noise") {
  // With Theta = Sigma, A = kappa Sigma^-1: the covariance is that of a Gaussian process conditioned on y.
  const Problem p = problem(8, 4, 1, false);
  const EnsemblePrediction ensemble(p.nngp, p.nngp, p.y);
  const Gaussian end =
      ensemble.elsewhere(p.nngp_cross, p.nngp_cross, p.nngp_there).at(Moment::flow(kInfinity));
  const KernelRegression regression(p.nngp, p.y, 0);
  const Gaussian posterior = regression.posterior(p.nngp_cross, p.nngp_there);
  // A condition below 1e4 of 11 features for 8 examples.
  REQUIRE(regression.report().condition < 1e4);
  CHECK(largest_difference(end.mean, posterior.mean) < 1e-11);
  CHECK(largest_difference(end.covariance, posterior.covariance) < 1e-11);
}

TEST_CASE("kernels that do not belong together are refused") {
  const Problem p = problem(6, 4, 1, false);
  CHECK_THROWS_AS(EnsemblePrediction(p.ntk, p.nngp_there, p.y), ShapeError);
  const EnsemblePrediction ensemble(p.ntk, p.nngp, p.y);
  CHECK_THROWS_AS((void)ensemble.elsewhere(p.ntk_cross, p.nngp, p.nngp_there), ShapeError);
  CHECK_THROWS_AS((void)ensemble.elsewhere(p.ntk_cross, p.nngp_cross, p.nngp), ShapeError);
}

}  // namespace dynamics_ensemble_test
