#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/ops/mean_square.hpp>

#include "support/matrices.hpp"

namespace ops_mean_square_test {

using namespace ntape;
using test::normal;

TEST_CASE("the cost is 1/(2N) sum |f - y|^2: divided by the examples, not by the outputs") {
  Matrix<double> f = make_matrix<double>(2, 3), y = zeros<double>(2, 3);
  f.fill(2);
  CHECK(mean_square(f, y) == 6);  // 6 entries of 4, over 2 N = 4
}

TEST_CASE("the cotangent is the derivative of the cost") {
  auto f = normal<double>(5, 3, 1);
  const auto y = normal<double>(5, 3, 2);
  Stack<double> cotangent = make_stack<double>(1, 5, 3);
  mean_square_cotangent(f, y, cotangent);
  const double h = 1e-4;  // the cost is quadratic: a central difference is exact up to rounding, 1e-15 / h
  for (Index k = 0; k < f.size(); ++k) {
    const double kept = f.data()[k];
    f.data()[k] = kept + h;
    const double above = mean_square(f, y);
    f.data()[k] = kept - h;
    const double below = mean_square(f, y);
    f.data()[k] = kept;
    CHECK(std::abs(cotangent.data()[k] - (above - below) / (2 * h)) < 1e-10);
  }
}

TEST_CASE("outputs and targets of other shapes are refused") {
  const auto f = normal<double>(5, 3, 1), y = normal<double>(5, 2, 2);
  Stack<double> cotangent = make_stack<double>(1, 5, 3);
  CHECK_THROWS_AS((void)mean_square(f, y), ShapeError);
  CHECK_THROWS_AS(mean_square_cotangent(f, y, cotangent), ShapeError);
  Stack<double> small = make_stack<double>(1, 4, 3);
  CHECK_THROWS_AS(mean_square_cotangent(f, f, small), InternalError);
}

}  // namespace ops_mean_square_test
