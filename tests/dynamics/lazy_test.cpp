#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/lazy.hpp>

#include "support/matrices.hpp"

using namespace ntape;
using test::normal;

namespace {

// f <- f - (rate/N) K (f - y), literally; vectors of size K.
Matrix<double> by_hand(const Matrix<double>& k, Matrix<double> f, const Matrix<double>& y, Index steps,
                       double rate, Index examples) {
  const Index size = k.shape(0), columns = f.size() / size;
  for (Index s = 0; s < steps; ++s) {
    Matrix<double> next = f;
    for (Index i = 0; i < size; ++i)
      for (Index j = 0; j < size; ++j)
        for (Index c = 0; c < columns; ++c)
          next.data()[i * columns + c] -= rate / static_cast<double>(examples) * k(i, j) *
                                          (f.data()[j * columns + c] - y.data()[j * columns + c]);
    f = next;
  }
  return f;
}

}  // namespace

TEST_CASE(
    "steps in function space are the literal iteration, shared and full kernels, overshooting rates too") {
  const auto root = normal<double>(6, 9, 1);
  const auto k = linalg::gram(linalg::view(root));
  for (const Index outputs : {Index{1}, Index{2}})
    for (const bool full : {false, true}) {
      const Index examples = full ? 6 / outputs : 6;
      const auto f0 = normal<double>(examples, outputs, 2), y = normal<double>(examples, outputs, 3);
      const LazyPrediction lazy(k, f0, y);
      const double critical = critical_rate(lazy.eigenvalues().back(), examples);
      for (const double fraction : {.1, .9, 1.01})
        for (const Index steps : {Index{0}, Index{1}, Index{30}}) {
          const auto got = lazy.after_steps(steps, fraction * critical);
          const auto expected = by_hand(k, f0, y, steps, fraction * critical, examples);
          // 30 steps of a 6 x 6 product, each rounding by 1e-16 of values below 10.
          for (Index e = 0; e < got.size(); ++e) CHECK(std::abs(got.data()[e] - expected.data()[e]) < 1e-12);
        }
    }
}

TEST_CASE("a kernel that fits nothing is refused") {
  CHECK_THROWS_AS(LazyPrediction(zeros<double>(5, 5), zeros<double>(4, 1), zeros<double>(4, 1)), ShapeError);
  CHECK_THROWS_AS(LazyPrediction(zeros<double>(4, 4), zeros<double>(4, 2), zeros<double>(4, 1)), ShapeError);
}
