#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/regression.hpp>

#include "support/matrices.hpp"

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
  // A tiny one does not: the condition is said.
  const KernelRegression hardly(k, y, 1e-13);
  REQUIRE(warning(hardly.report()));
  CHECK(hardly.report().condition > 1e12);
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
