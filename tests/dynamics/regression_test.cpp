#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/regression.hpp>

#include "support/matrices.hpp"

namespace dynamics_regression_test {

using namespace ntape;
using test::largest_difference;
using test::normal;

TEST_CASE("one example: regression and posterior by hand") {
  Matrix<double> k = make_matrix<double>(1, 1), y = k, kappa = k, there = k;
  k(0, 0) = 2;
  y(0, 0) = 3;
  kappa(0, 0) = 1;
  there(0, 0) = 5;
  const KernelRegression regression(k, y, .5);
  const Gaussian g = regression.posterior(kappa, there);
  CHECK(g.mean(0, 0) == doctest::Approx(3 / 2.5).epsilon(1e-15));
  CHECK(g.covariance(0, 0) == doctest::Approx(5 - 1 / 2.5).epsilon(1e-15));
  CHECK(regression.report().regularizer == .5);
  CHECK(regression.report().condition == 1);
  CHECK(regression.report().full_condition == 1);
  CHECK(regression.report().effective_rank == doctest::Approx(1).epsilon(1e-15));
}

TEST_CASE("regression solves its system and says how well") {
  for (const Index outputs : {Index{1}, Index{2}})
    for (const bool full : {false, true})
      for (const double ridge : {0.0, 1e-3, 10.0}) {
        const auto root = normal<double>(8, 12, 1), other = normal<double>(6, 12, 2);
        const auto k = linalg::gram(linalg::view(root));
        const auto y = normal<double>(full ? 8 / outputs : 8, outputs, 3);
        const KernelRegression regression(k, y, ridge);
        const auto& a = regression.coefficients();
        const Index columns = y.size() / 8;
        double gap = 0;
        for (Index i = 0; i < 8; ++i)
          for (Index c = 0; c < columns; ++c) {
            double sum = ridge * a.data()[i * columns + c] - y.data()[i * columns + c];
            for (Index j = 0; j < 8; ++j) sum += k(i, j) * a.data()[j * columns + c];
            gap = std::max(gap, std::abs(sum));
          }
        // condition about 100, numbers up to 30
        CHECK(gap < 1e-12);
        CHECK(regression.report().backward_error < 1e-15 * 8);
        CHECK(!warning(regression.report()));
        // at the training inputs with no ridge: the targets, and no variance
        const Gaussian same = regression.posterior(k, k);
        CHECK(shape_of(same.mean) == shape_of(y));
        CHECK(same.is_sound());
        if (ridge == 0) {
          CHECK(largest_difference(same.mean, y) < 1e-12);
          CHECK(test::largest(same.covariance) < 1e-12);
        }
        CHECK(shape_of(regression.mean(linalg::gram(linalg::view(other), linalg::view(root)))) ==
              Shape{full ? 6 / outputs : 6, outputs});
      }
}

TEST_CASE("a kernel of few features warns with its figures, and a ridge mends it") {
  const auto root = normal<double>(20, 4, 1);
  const auto k = linalg::gram(linalg::view(root));
  const auto y = normal<double>(20, 1, 2);
  const KernelRegression bare(k, y, 0);
  CHECK(bare.report().null_modes == 16);
  // Null modes are rounding, some 1e-16 of the largest.
  CHECK(bare.report().full_condition > 1e12);
  CHECK(bare.report().condition < 1e6);
  CHECK(bare.report().effective_rank <= 4);
  CHECK(bare.report().effective_rank > 1);
  CHECK(bare.report().backward_error < 1e-14);
  REQUIRE(warning(bare.report()));
  for (const char* part :
       {"16 of 20", "condition", "effective rank", "ridge 0", "backward error", "out of reach"})
    CHECK(warning(bare.report())->find(part) != std::string::npos);
  const KernelRegression mended(k, y, .1);
  CHECK(!warning(mended.report()));
  CHECK(mended.report().unreachable == 0);
  CHECK(mended.report().condition == doctest::Approx(mended.report().lambda_max / .1 + 1).epsilon(1e-12));
  // A tiny one hardly does, which is said.
  const KernelRegression hardly(k, y, 1e-12);
  REQUIRE(warning(hardly.report()));
  CHECK(warning(hardly.report())->find("16 of 20 eigenvalues") != std::string::npos);
  CHECK(hardly.report().condition > 1e12);
  CHECK(hardly.report().full_condition == hardly.report().condition);
  // One below the rounding of K, 20 * 2.2e-16 * 40, determines nothing.
  const KernelRegression none(k, y, 1e-14);
  REQUIRE(warning(none.report()));
  for (const char* part : {"16 of 20", "count as zero", "ridge of 1e-14 is too small", "out of reach"})
    CHECK(warning(none.report())->find(part) != std::string::npos);
  CHECK(none.report().condition < 1e6);
}

TEST_CASE("no ridge makes a regression fit worse than the start, or worse than rounding explains") {
  // Five features for eight examples.
  const auto root = normal<double>(8, 5, 1), other = normal<double>(3, 5, 2);
  const auto y = normal<double>(8, 1, 3);
  const auto k = linalg::gram(linalg::view(root)),
             kappa = linalg::gram(linalg::view(other), linalg::view(root));
  const KernelRegression bare(k, y, 0);
  const Matrix<double> on_train = bare.mean(k), there = bare.mean(kappa);
  const double level = bare.report().null_level;
  // The least eigenvalue that counts is above 0.02, kappa below 10: outputs of order 1 move by 10 r / 0.02^2.
  // What rounding has left along null modes is of the size of the null level, over r, where r is above it.
  REQUIRE(bare.report().condition < 1e3);
  for (const double r : {1e-300, 1e-18, 1e-15, level, 10 * level, 1e3 * level, 1e-10, 1e-8}) {
    CAPTURE(r);
    const KernelRegression regression(k, y, r);
    const double allowed = 1e-12 + 3e4 * r + (r > level ? 3 * level / r : 0);
    CHECK(largest_difference(regression.mean(k), on_train) < allowed);
    CHECK(largest_difference(regression.mean(kappa), there) < allowed);
    CHECK(regression.report().backward_error < 1e-14);
    const Gaussian g = regression.posterior(k, k);
    // a posterior's variance is at most that of the prior, 20 here
    for (Index i = 0; i < 8; ++i) CHECK(g.covariance(i, i) <= k(i, i) * (1 + 1e-14));
    CHECK(g.is_sound());
  }
  Matrix<double> indefinite = zeros<double>(2, 2), ones = make_matrix<double>(2, 1);
  indefinite(0, 0) = ones(0, 0) = ones(1, 0) = 1;
  indefinite(1, 1) = -1e-5;
  for (const double r : {0.0, 5e-6, 1e-5, 2e-5, 1e-3}) {
    const KernelRegression regression(indefinite, ones, r);
    const Matrix<double> f = regression.mean(indefinite);
    CHECK(f(0, 0) == doctest::Approx(1 / (1 + r)).epsilon(1e-15));
    CHECK(f(1, 0) == 0);  // where it was at the start
    REQUIRE(warning(regression.report()));
    // All that counts, and nothing else, is in both conditions.
    const SolveReport& report = regression.report();
    CHECK(report.condition == doctest::Approx(r > 1e-5 ? (1 + r) / r : 1).epsilon(1e-15));
    if (r > 1e-5) CHECK(report.full_condition == report.condition);
    // The kernel that was solved with is off by its negative eigenvalue.
    CHECK(report.backward_error < 1.1e-5);
  }
}

TEST_CASE("a solve that went wrong is reported, and nothing is that a solve of floats cannot help") {
  SolveReport report{.size = 4, .lambda_max = 1, .lambda_min = .5};
  report.condition = report.full_condition = 2;
  report.solved = true;
  report.backward_error = 1e-9;
  REQUIRE(warning(report));
  CHECK(warning(report)->find("the solve with the kernel went wrong") == 0);
  CHECK(warning(report)->find("backward error 1e-09") != std::string::npos);
  report.backward_error = 1e-11;
  CHECK(!warning(report));
  report.precision = 0x1p-23;
  report.backward_error = 1e-7;
  CHECK(!warning(report));
  // Three digits are left of a system that floats name, up to a condition of 8389.
  report.condition = 8000;
  CHECK(!warning(report));
  report.condition = 9000;
  REQUIRE(warning(report));
  CHECK(warning(report)->find("known to 1.19e-07") != std::string::npos);
}

TEST_CASE("ridges and shapes that cannot be are refused") {
  const auto root = normal<double>(4, 9, 1);
  const auto k = linalg::gram(linalg::view(root));
  const auto y = normal<double>(4, 1, 2);
  CHECK_THROWS_AS(KernelRegression(k, y, -1), UserError);
  CHECK_THROWS_AS(KernelRegression(k, y, HUGE_VAL), UserError);
  CHECK_THROWS_AS(KernelRegression(k, normal<double>(3, 1, 2), 0), ShapeError);
  Matrix<double> hole = y;
  hole(3, 0) = HUGE_VAL;
  CHECK_THROWS_AS(KernelRegression(k, hole, 0), UserError);
  const KernelRegression regression(k, y, 0);
  Matrix<double> across = zeros<double>(2, 4);
  across(0, 1) = std::nan("");
  CHECK_THROWS_AS((void)regression.mean(across), UserError);
  CHECK_THROWS_AS((void)regression.mean(normal<double>(2, 3, 1)), ShapeError);
  CHECK_THROWS_AS((void)regression.posterior(normal<double>(2, 4, 1), k), ShapeError);
}

}  // namespace dynamics_regression_test
