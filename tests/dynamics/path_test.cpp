#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/dynamics/path.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"

namespace dynamics_path_test {

using namespace ntape;
using test::largest;
using test::largest_difference;
using test::normal;

namespace {

Matrix<double> slope(const Matrix<double>& f, const Matrix<double>& y) {
  Matrix<double> u = f;
  for (Index k = 0; k < u.size(); ++k)
    u.data()[k] = (f.data()[k] - y.data()[k]) / static_cast<double>(y.shape(0));
  return u;
}

}  // namespace

TEST_CASE("of a method that is a kernel's at every step nothing is left over, whatever the kernels") {
  constexpr double kRate = .03;
  for (const double momentum : {0.0, .7})
    for (const bool full : {false, true}) {
      const auto y = normal<double>(4, 2, 1);
      Matrix<double> f = normal<double>(4, 2, 2), v = zeros<double>(4, 2);
      PathPrediction path(kRate, momentum, [&](const Matrix<double>& g) { return slope(g, y); });
      for (Index t = 0; t < 20; ++t) {
        // Another kernel at every step.
        const auto kernel = linalg::gram(linalg::view(normal<double>(full ? 8 : 4, 9, 10 + t)));
        path.arrive(f);
        CHECK(largest_difference(path.predicted(), f) < 1e-13);  // 20 steps of numbers of order 1
        if (t == 0) CHECK(path.residual().size() == 0);
        if (t > 0) {
          CHECK(largest(path.residual()) < 1e-14);
          CHECK(largest_difference(path.step(), v) < 1e-14);
        }
        path.depart([&](const Matrix<double>& u) { return kernel_product(kernel, u); });
        const auto u = slope(f, y);
        for (Index i = 0; i < 8; ++i) {
          double push = 0;
          for (Index j = 0; j < 8; ++j)
            push += full             ? kernel(i, j) * u.data()[j]
                    : i % 2 == j % 2 ? kernel(i / 2, j / 2) * u.data()[j]
                                     : 0;
          v.data()[i] = momentum * v.data()[i] - kRate * push;
        }
        for (Index i = 0; i < 8; ++i) f.data()[i] += v.data()[i];
      }
    }
}

TEST_CASE("what a step has beside its kernel's is the residual, and the prediction goes without it") {
  const auto y = normal<double>(3, 1, 1), f0 = normal<double>(3, 1, 2), extra = normal<double>(3, 1, 3);
  const auto kernel = linalg::gram(linalg::view(normal<double>(3, 5, 4)));
  PathPrediction path(.1, 0, [&](const Matrix<double>& g) { return slope(g, y); });
  path.arrive(f0);
  path.depart([&](const Matrix<double>& u) { return kernel_product(kernel, u); });
  Matrix<double> f = f0;
  const auto push = kernel_product(kernel, slope(f0, y));
  for (Index k = 0; k < 3; ++k) f.data()[k] += extra.data()[k] - .1 * push.data()[k];
  path.arrive(f);
  CHECK(largest_difference(path.residual(), extra) < 1e-15 * 10);  // two sums of numbers of order 1
  for (Index k = 0; k < 3; ++k) f.data()[k] -= extra.data()[k];
  CHECK(largest_difference(path.predicted(), f) < 1e-15 * 10);
  CHECK_THROWS_AS(path.arrive(f), InternalError);
  path.depart([&](const Matrix<double>& u) { return kernel_product(kernel, u); });
  CHECK_THROWS_AS(path.arrive(zeros<double>(2, 1)), ShapeError);
  CHECK_THROWS_AS((void)kernel_product(kernel, zeros<double>(2, 2)), ShapeError);
}

}  // namespace dynamics_path_test
