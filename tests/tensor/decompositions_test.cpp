#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/tensor/linalg.hpp>
#include <numbers>
#include <string>

#include "../support/temp_dir.hpp"

namespace tensor_decompositions_test {

using namespace ntape;

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

Matrix<double> symmetric_normal(Index n) {
  auto a = make_matrix<double>(n, n);
  fill_normal<double>(Seed{5}, n, 0, {a.data(), a.size()});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < i; ++j) a(j, i) = a(i, j);
  return a;
}

Matrix<double> identity(Index n) {
  auto a = zeros<double>(n, n);
  for (Index i = 0; i < n; ++i) a(i, i) = 1;
  return a;
}

// Second differences: eigenvalues 2 - 2 cos(pi k / (n + 1)), k = 1..n.
Matrix<double> second_differences(Index n) {
  auto a = zeros<double>(n, n);
  for (Index i = 0; i < n; ++i) {
    a(i, i) = 2;
    if (i > 0) a(i, i - 1) = a(i - 1, i) = -1;
  }
  return a;
}

double norm(const Matrix<double>& a) {
  double sum = 0;
  for (const double v : a) sum += v * v;
  return std::sqrt(sum);
}

// LAPACK's symmetric solvers are backward stable: residual, orthogonality and eigenvalues are off by a
// "modestly growing" p(n) eps (LAPACK Users' Guide, section 4.7); p(n) = 4 n is taken here.
double tolerance(Index n) {
  return 4 * static_cast<double>(n) * kEpsilon;
}

void check_eigenpairs(const Matrix<double>& a) {
  const Index n = a.shape(0);
  CAPTURE(n);
  const linalg::Eigen eigen = linalg::symmetric_eigen(a);
  REQUIRE(eigen.values.size() == n);
  REQUIRE((shape_of(eigen.vectors) == Shape{n, n}));
  CHECK(std::is_sorted(eigen.values.begin(), eigen.values.end()));
  const Matrix<double>& v = eigen.vectors;
  double residual = 0, skew = 0;
  for (Index k = 0; k < n; ++k)
    for (Index i = 0; i < n; ++i) {
      double image = 0, product = 0;
      for (Index j = 0; j < n; ++j) {
        image += a(i, j) * v(k, j);
        product += v(k, j) * v(i, j);
      }
      const double r = image - eigen.values[k] * v(k, i), s = product - (i == k ? 1 : 0);
      residual += r * r;
      skew += s * s;
    }
  CHECK(std::sqrt(residual) <= tolerance(n) * norm(a));
  CHECK(std::sqrt(skew) <= tolerance(n));

  const auto values = linalg::symmetric_eigenvalues(a);
  REQUIRE(values.size() == n);
  CHECK(std::is_sorted(values.begin(), values.end()));
  for (Index k = 0; k < n; ++k) CHECK(std::abs(values[k] - eigen.values[k]) <= tolerance(n) * norm(a));
}

}  // namespace

// LAPACK changes its method at n = 25 (divide and conquer) and 32 (blocked reduction).
TEST_CASE("eigenpairs satisfy A v = lambda v, ascending, with orthonormal vectors as rows") {
  for (const Index n : std::initializer_list<Index>{1, 2, 25, 26, 100, 130}) {
    check_eigenpairs(symmetric_normal(n));
    check_eigenpairs(identity(n));
    check_eigenpairs(zeros<double>(n, n));
    check_eigenpairs(second_differences(n));
  }
}

TEST_CASE("eigenvalues are those known in closed form") {
  constexpr Index kSize = 100;
  const auto values = linalg::symmetric_eigenvalues(second_differences(kSize));
  for (Index k = 0; k < kSize; ++k) {
    const double want = 2 - 2 * std::cos(std::numbers::pi * static_cast<double>(k + 1) / (kSize + 1));
    CHECK(std::abs(values[k] - want) <= tolerance(kSize) * 4);  // 4 bounds the matrix's norm
  }
}

TEST_CASE("a scaled matrix has scaled eigenvalues, far from overflow or near it") {
  for (const double scale : {0x1p-1000, 0x1p+1000}) {
    auto a = second_differences(10);
    for (double& v : a) v *= scale;
    const auto values = linalg::symmetric_eigenvalues(a);
    const auto plain = linalg::symmetric_eigenvalues(second_differences(10));
    for (Index k = 0; k < 10; ++k) CHECK(std::abs(values[k] / scale - plain[k]) <= tolerance(10) * 4);
  }
}

TEST_CASE("an empty matrix has no eigenvalues") {
  CHECK(linalg::symmetric_eigen(make_matrix<double>(0, 0)).values.empty());
  CHECK(linalg::symmetric_eigenvalues(make_matrix<double>(0, 0)).empty());
}

TEST_CASE("a matrix that is not square, or holds NaN or infinity anywhere, is refused") {
  const auto refused = [](const Matrix<double>& a, const char* why) {
    CHECK(test::contains(test::message_of<InternalError>([&] { (void)linalg::symmetric_eigen(a); }), why));
    CHECK(test::contains(test::message_of<InternalError>([&] { (void)linalg::symmetric_eigenvalues(a); }),
                         why));
  };
  refused(zeros<double>(3, 4), "3 x 4");
  refused(zeros<double>(0, 4), "0 x 4");
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    // Both triangles, the diagonal, the last entry.
    for (const Index k : std::initializer_list<Index>{0, 1, 3, 8}) {
      auto a = identity(3);
      a.data()[k] = bad;
      refused(a, "not finite");
    }
}

}  // namespace tensor_decompositions_test
