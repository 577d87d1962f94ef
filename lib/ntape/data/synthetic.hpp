#pragma once

#include <ntape/base/philox.hpp>
#include <ntape/data/dataset.hpp>

namespace ntape::data {

struct CircleOptions {
  Index examples = 64;
};
/// Equispaced points (cos, sin)(2 pi i / N) of the unit circle with target x_1 x_2: N x 2 and N x 1.
/// Throws UserError for N = 0.
template <class Real>
[[nodiscard]] Dataset<Real> circle(const CircleOptions& options = {});

struct GaussianProductOptions {
  Index examples = 128;
  Seed seed = {};
};
/// Independent N(0, 1) inputs in the plane with target x_1 x_2: N x 2 and N x 1. Example i depends on the
/// seed and i only, not on N. Throws UserError for N = 0.
template <class Real>
[[nodiscard]] Dataset<Real> gaussian_product(const GaussianProductOptions& options = {});

struct SphereOptions {
  Index dimension = 2;
  Index examples = 128;
  Seed seed = {};
};
/// Uniform on the sphere of radius sqrt(D), so that |x|^2 / n_0 = 1, with target x_1 x_2: N x D and N x 1.
/// Example i depends on the seed, D and i only. Throws UserError for N = 0 and for D < 2.
template <class Real>
[[nodiscard]] Dataset<Real> sphere(const SphereOptions& options = {});

}  // namespace ntape::data
