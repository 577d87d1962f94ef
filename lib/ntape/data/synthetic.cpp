#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <numbers>
#include <span>

namespace ntape::data {
namespace {

constexpr std::uint64_t kGaussianProductStream = 0xDA7A0000;
constexpr std::uint64_t kSphereStream = 0xDA7A0001;

void require_examples(Index examples, Index dimension, const char* name) {
  if (examples == 0) throw UserError(std::string(name) + " is asked for 0 examples and needs at least 1");
  if (examples > std::numeric_limits<Index>::max() / sizeof(double) / dimension) {
    throw UserError(std::string(name) + " is asked for " + std::to_string(examples) +
                    " examples of dimension " + std::to_string(dimension) +
                    ", which is too large to address");
  }
}

/// Drawn in double for every Real, so that the float dataset is the rounded double one.
Matrix<double> normal_points(Index examples, Index dimension, Seed seed, std::uint64_t stream) {
  Matrix<double> x = make_matrix<double>(examples, dimension);
  fill_normal(seed, stream, 0, std::span<double>(x.data(), x.size()));
  return x;
}

template <class Real>
Dataset<Real> with_product_target(Matrix<double> x, std::string name, std::string description) {
  Matrix<double> y = make_matrix<double>(x.shape(0), 1);
  for (Index i = 0; i < x.shape(0); ++i) y(i, 0) = x(i, 0) * x(i, 1);
  return cast<Real>(Dataset<double>{std::move(x), std::move(y), std::move(name), std::move(description)});
}

}  // namespace

template <class Real>
Dataset<Real> circle(const CircleOptions& options) {
  const Index n = options.examples;
  require_examples(n, 2, "circle");
  Matrix<double> x = make_matrix<double>(n, 2);
  for (Index i = 0; i < n; ++i) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
    x(i, 0) = std::cos(angle);
    x(i, 1) = std::sin(angle);
  }
  return with_product_target<Real>(
      std::move(x), "circle", std::to_string(n) + " equispaced points of the unit circle, target x_1 x_2");
}

template <class Real>
Dataset<Real> gaussian_product(const GaussianProductOptions& options) {
  const Index n = options.examples;
  require_examples(n, 2, "gaussian-product");
  return with_product_target<Real>(
      normal_points(n, 2, options.seed, kGaussianProductStream), "gaussian-product",
      std::to_string(n) + " points of N(0, 1) in the plane, target x_1 x_2, seed " +
          std::to_string(options.seed.value));
}

template <class Real>
Dataset<Real> sphere(const SphereOptions& options) {
  const Index n = options.examples, dimension = options.dimension;
  if (dimension < 2) {
    throw UserError("sphere is asked for dimension " + std::to_string(dimension) +
                    " and needs at least 2, because its target is x_1 x_2");
  }
  require_examples(n, dimension, "sphere");
  Matrix<double> x = normal_points(n, dimension, options.seed, kSphereStream);
  for (Index i = 0; i < n; ++i) {
    double* const point = row(x, i);
    double squares = 0.0;
    for (Index d = 0; d < dimension; ++d) squares += point[d] * point[d];
    const double scale = std::sqrt(static_cast<double>(dimension) / squares);
    for (Index d = 0; d < dimension; ++d) point[d] *= scale;
  }
  return with_product_target<Real>(std::move(x), "sphere:" + std::to_string(dimension),
                                   std::to_string(n) + " uniform points of the sphere of radius sqrt(" +
                                       std::to_string(dimension) + "), target x_1 x_2, seed " +
                                       std::to_string(options.seed.value));
}

template Dataset<float> circle(const CircleOptions&);
template Dataset<double> circle(const CircleOptions&);
template Dataset<float> gaussian_product(const GaussianProductOptions&);
template Dataset<double> gaussian_product(const GaussianProductOptions&);
template Dataset<float> sphere(const SphereOptions&);
template Dataset<double> sphere(const SphereOptions&);

}  // namespace ntape::data
