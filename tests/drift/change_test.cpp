#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/drift/change.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/matrices.hpp"

namespace drift_change_test {

using namespace ntape;

namespace {

Matrix<double> psd(Index n, std::uint64_t stream) {
  const auto m = test::normal<double>(n, n + 2, stream);
  return linalg::gram(linalg::view(m));
}

Matrix<double> scaled(Matrix<double> m, double factor) {
  for (double& v : m) v *= factor;
  return m;
}

}  // namespace

// Sums of 25 to 36 products of order 10: relative rounding below 1e-14 throughout.
TEST_CASE("scaling a kernel: relative change sees it, kernel distance and CKA do not") {
  const auto k = psd(5, 1);
  CHECK(std::abs(relative_change(scaled(k, 1.25), k) - .25) < 1e-14);
  CHECK(std::abs(trace_ratio(scaled(k, 1.25), k) - 1.25) < 1e-14);
  CHECK(kernel_distance(scaled(k, 3), k) < 1e-28);
  CHECK(std::abs(centered_alignment(scaled(k, 3), k) - 1) < 1e-14);
}

TEST_CASE("kernel distance is one minus the cosine") {
  const auto a = psd(6, 1), b = psd(6, 2);
  double inner = 0, aa = 0, bb = 0;
  for (Index k = 0; k < a.size(); ++k) {
    inner += a.data()[k] * b.data()[k];
    aa += a.data()[k] * a.data()[k];
    bb += b.data()[k] * b.data()[k];
  }
  CHECK(std::abs(kernel_distance(a, b) - (1 - inner / std::sqrt(aa * bb))) < 1e-14);
}

TEST_CASE("the kernel y y^T is perfectly aligned with y, any kernel less") {
  const auto y = test::normal<double>(6, 1, 7);
  const auto ideal = linalg::gram(linalg::view(y));
  CHECK(std::abs(target_alignment(ideal, y) - 1) < 1e-14);
  CHECK(target_alignment(psd(6, 1), y) < 1);
}

TEST_CASE("CKA ignores a constant added to every entry") {
  const auto a = psd(6, 1), b = psd(6, 2);
  Matrix<double> shifted = a;
  for (double& v : shifted) v += 4;
  CHECK(std::abs(centered_alignment(a, b) - centered_alignment(shifted, b)) < 1e-13);
}

TEST_CASE("shapes must agree") {
  CHECK_THROWS_AS((void)relative_change(psd(5, 1), psd(6, 1)), ShapeError);
  CHECK_THROWS_AS((void)relative_change(psd(5, 1), zeros<double>(5, 5)), InternalError);
}

}  // namespace drift_change_test
