#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <numbers>

namespace data_synthetic_test {

using namespace ntape;
using namespace ntape::data;

namespace {

template <class Real>
void check_product_target(const Dataset<Real>& d, double tolerance) {
  REQUIRE(shape_of(d.y) == Shape{d.x.shape(0), 1});
  for (Index i = 0; i < d.x.shape(0); ++i) {
    const double product = static_cast<double>(d.x(i, 0)) * static_cast<double>(d.x(i, 1));
    CHECK(std::abs(static_cast<double>(d.y(i, 0)) - product) <= tolerance);
  }
}

double squared_norm(const Matrix<double>& x, Index i) {
  double sum = 0.0;
  for (Index d = 0; d < x.shape(1); ++d) sum += x(i, d) * x(i, d);
  return sum;
}

}  // namespace

TEST_CASE("circle: equispaced points of norm 1, target x_1 x_2") {
  const auto d = circle<double>({.examples = 12});
  REQUIRE(shape_of(d.x) == Shape{12, 2});
  check_product_target(d, 0.0);
  for (Index i = 0; i < 12; ++i) {
    CHECK(squared_norm(d.x, i) == doctest::Approx(1.0).epsilon(1e-14));
    const Index next = (i + 1) % 12;
    const double cosine = d.x(i, 0) * d.x(next, 0) + d.x(i, 1) * d.x(next, 1);
    const double sine = d.x(i, 0) * d.x(next, 1) - d.x(i, 1) * d.x(next, 0);
    CHECK(std::atan2(sine, cosine) == doctest::Approx(std::numbers::pi / 6).epsilon(1e-13));
  }
  CHECK(d.x(0, 0) == 1.0);
  CHECK(d.x(0, 1) == 0.0);
  CHECK(circle<double>().x.shape(0) == 64);
  check_product_target(circle<float>(), 1e-7);
}

TEST_CASE("gaussian-product: N(0, 1) inputs that depend on the seed and the row only") {
  const auto d = gaussian_product<double>({.examples = 4000, .seed = Seed{3}});
  REQUIRE(shape_of(d.x) == Shape{4000, 2});
  check_product_target(d, 0.0);
  double mean = 0.0, square = 0.0, mixed = 0.0;
  for (Index i = 0; i < 4000; ++i) {
    mean += (d.x(i, 0) + d.x(i, 1)) / 8000;
    square += squared_norm(d.x, i) / 8000;
    mixed += d.y(i, 0) / 4000;
  }
  // Five standard deviations of each estimate.
  CHECK(std::abs(mean) < 5 / std::sqrt(8000.0));
  CHECK(std::abs(square - 1) < 5 * std::sqrt(2.0 / 8000.0));
  CHECK(std::abs(mixed) < 5 / std::sqrt(4000.0));

  const auto few = gaussian_product<double>({.examples = 7, .seed = Seed{3}});
  for (Index i = 0; i < 7; ++i) CHECK(few.x(i, 1) == d.x(i, 1));
  CHECK(checksum(few) != checksum(gaussian_product<double>({.examples = 7, .seed = Seed{4}})));
  CHECK(gaussian_product<double>().x.shape(0) == 128);
  const auto single = gaussian_product<float>({.examples = 7, .seed = Seed{3}});
  CHECK(checksum(single) == checksum(cast<float>(few)));
}

TEST_CASE("sphere: |x|^2 = n_0, in every direction") {
  for (const Index dimension : {Index{2}, Index{3}, Index{17}}) {
    const auto d = sphere<double>({.dimension = dimension, .examples = 500, .seed = Seed{1}});
    REQUIRE(shape_of(d.x) == Shape{500, dimension});
    check_product_target(d, 0.0);
    std::vector<double> mean(dimension, 0.0);
    for (Index i = 0; i < 500; ++i) {
      CHECK(squared_norm(d.x, i) == doctest::Approx(static_cast<double>(dimension)).epsilon(1e-13));
      for (Index k = 0; k < dimension; ++k) mean[k] += d.x(i, k) / 500;
    }
    for (const double m : mean) CHECK(std::abs(m) < 5 / std::sqrt(500.0));
  }
  const auto few = sphere<double>({.dimension = 3, .examples = 4, .seed = Seed{1}});
  const auto many = sphere<double>({.dimension = 3, .examples = 9, .seed = Seed{1}});
  for (Index i = 0; i < 4; ++i) CHECK(few.x(i, 2) == many.x(i, 2));
  CHECK(checksum(few) != checksum(sphere<double>({.dimension = 3, .examples = 4, .seed = Seed{2}})));
  check_product_target(sphere<float>({.dimension = 5, .examples = 20}), 1e-6);
}

TEST_CASE("synthetic: impossible requests") {
  CHECK_THROWS_AS((void)circle<double>({.examples = 0}), UserError);
  CHECK_THROWS_AS((void)gaussian_product<double>({.examples = 0}), UserError);
  CHECK_THROWS_AS((void)sphere<double>({.dimension = 3, .examples = 0}), UserError);
  CHECK_THROWS_AS((void)sphere<double>({.dimension = 1}), UserError);
  CHECK_THROWS_AS((void)sphere<double>({.dimension = 0}), UserError);
  CHECK_THROWS_AS((void)sphere<double>({.dimension = Index{1} << 40, .examples = Index{1} << 40}), UserError);
}

}  // namespace data_synthetic_test
