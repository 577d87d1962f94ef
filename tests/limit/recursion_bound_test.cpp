#include <doctest/doctest.h>

#include <cmath>
#include <ntape/limit/recursion.hpp>
#include <ntape/ops/activation.hpp>
#include <numbers>

#include "support/matrices.hpp"

namespace limit_recursion_bound_test {

using namespace ntape;
using namespace ntape::test;

namespace {

Architecture deep(const std::string& activation, Index depth, double weight = 1.2, double bias = .3) {
  return {.widths = equal_widths(3, 8, 1, depth),
          .activation = activation,
          .weight_scale = weight,
          .bias_scale = bias};
}

// Points that are far apart, opposite, parallel, equal, and next to one another.
Matrix<double> awkward_points() {
  Matrix<double> x = normal<double>(9, 3, 4);
  for (Index j = 0; j < 3; ++j) {
    x(3, j) = x(2, j);
    x(4, j) = -x(2, j);
    x(5, j) = 1.7 * x(2, j);
    x(6, j) = x(2, j) + 1e-9 * x(0, j);
    x(7, j) = -x(1, j) + 1e-6 * x(0, j);
    x(8, j) = 1e-4 * x(8, j);
  }
  return x;
}

// The relu recursion in extended precision, angles from cross products.
struct Exact {
  long double ntk, nngp;
};
Exact exact_relu(const double* x, const double* y, Index depth, long double weight, long double bias,
                 bool norm = false) {
  using Real = long double;
  const Real pi = std::numbers::pi_v<Real>;
  const auto dot = [](const double* a, const double* b) {
    Real sum = 0;
    for (int j = 0; j < 3; ++j) sum += Real(a[j]) * b[j];
    return sum;
  };
  Real cross = 0;
  for (int j = 0; j < 3; ++j) {
    const Real m = std::fma(Real(x[j]), Real(y[(j + 1) % 3]), -Real(x[(j + 1) % 3]) * y[j]);
    cross += m * m;
  }
  const Real w = weight * weight, b = bias * bias;
  const Real sx = dot(x, x) / 3, sy = dot(y, y) / 3, sxy = dot(x, y) / 3;
  Real p = w * sx + b, q = w * sy + b, c = w * sxy + b, theta = c;
  // det of Sigma^1 = w^2 |x cross y|^2 / 9 + w b |x - y|^2 / 3
  Real apart = 0;
  for (int j = 0; j < 3; ++j) apart += (Real(x[j]) - y[j]) * (Real(x[j]) - y[j]);
  Real det = w * w * cross / 9 + w * b * apart / 3;
  for (Index l = 1; l < depth; ++l) {
    const Real inverse_p = norm ? 1 / (p + 1e-5) : 1, inverse_q = norm ? 1 / (q + 1e-5) : 1,
               inverse = std::sqrt(inverse_p) * std::sqrt(inverse_q);
    p *= inverse_p;
    q *= inverse_q;
    c *= inverse;
    det *= inverse_p * inverse_q;
    const Real root = std::sqrt(det), th = std::atan2(root, c), r = std::sqrt(p) * std::sqrt(q);
    // sin - th cos, by its series where it cancels
    Real lens = std::sin(th) - th * std::cos(th);
    if (th < .3L) {
      lens = 0;
      Real term = th * th * th / 3;
      for (int k = 1; k < 14; ++k) {
        lens += term;
        term *= -th * th / (2 * k * (2 * k + 3));
      }
    }
    const Real value = (root + (pi - th) * c) / (2 * pi), slope = (pi - th) / (2 * pi);
    // 1 - normalized K = 1 - cos th - lens / pi, and the determinant from it
    const Real gap = det / (r * (r + std::abs(c))), loss = (c >= 0 ? gap : 2 - gap) - lens / pi;
    const Real a = p / 2, d = q / 2;
    const Real inner = a * d * loss * (2 - loss);  // a d - k^2
    det = w * w * inner +
          w * b *
              ((a - d) * (a - d) / ((std::sqrt(a) + std::sqrt(d)) * (std::sqrt(a) + std::sqrt(d))) +
               2 * r / 2 * loss);
    p = w * a + b;
    q = w * d + b;
    c = w * value + b;
    theta = w * slope * inverse * theta + c;
  }
  return {theta, c};
}

}  // namespace

// Absolute rounding 1e-19 of the reference is nothing here. The bound is far below what a recursion in rho
// alone would be off by at an angle of 1e-9, 1e-9 / (2 pi) a layer.
TEST_CASE("relu keeps its digits at awkward points, within the bound") {
  const Matrix<double> x = awkward_points();
  for (const Index depth : {2, 3, 7})
    for (const double bias : {0., .3}) {
      const LimitKernels k = limit_kernels(deep("relu", depth, 1.2, bias), x);
      for (Index i = 0; i < 9; ++i)
        for (Index j = 0; j < 9; ++j) {
          const Exact e = exact_relu(row(x, i), row(x, j), depth, 1.2L, bias);
          CAPTURE(depth);
          CAPTURE(bias);
          CAPTURE(i);
          CAPTURE(j);
          const double scale = std::sqrt(k.ntk.values(i, i) * k.ntk.values(j, j));
          CHECK(std::abs(k.ntk.values(i, j) - e.ntk) <= k.ntk_bound(i, j));
          CHECK(std::abs(k.nngp.values(i, j) - e.nngp) <= k.nngp_bound(i, j));
          CHECK(k.ntk_bound(i, j) < 1e-12 * scale);
        }
    }
}

// Each layer's variances are near 1 again, whatever their error was; that of covariances adds up over layers.
TEST_CASE("the bound holds through hundreds of layers with layer_norm") {
  const Matrix<double> x = normal<double>(6, 3, 4);
  double worst = 0;
  for (const Index depth : {20, 61, 200})
    for (const auto& [weight, bias] : {std::pair{1., 0.}, {std::sqrt(2.), .1}, {3., .1}}) {
      Architecture a = deep("relu", depth, weight, bias);
      a.layer_norm = true;
      const LimitKernels k = limit_kernels(a, x);
      for (Index i = 0; i < 6; ++i)
        for (Index j = 0; j < 6; ++j) {
          const Exact e = exact_relu(row(x, i), row(x, j), depth, weight, bias, true);
          const double ntk = static_cast<double>(std::abs(k.ntk.values(i, j) - e.ntk)) / k.ntk_bound(i, j),
                       nngp =
                           static_cast<double>(std::abs(k.nngp.values(i, j) - e.nngp)) / k.nngp_bound(i, j);
          CAPTURE(depth);
          CAPTURE(weight);
          CAPTURE(i);
          CAPTURE(j);
          CHECK(ntk <= 1);
          CHECK(nngp <= 1);
          CHECK(k.nngp_bound(i, j) < 1e-11 * k.nngp.values(i, i));
          worst = std::max({worst, ntk, nngp});
        }
    }
  MESSAGE("largest error over its bound: " << worst);
}

// relu with residual connections from the second hidden layer on, in extended precision.
Exact residual_relu(long double p, long double q, long double c, Index depth, long double w, long double b) {
  using Real = long double;
  const Real pi = std::numbers::pi_v<Real>;
  p = w * p + b, q = w * q + b, c = w * c + b;
  Real theta = c, a11 = 0, a22 = 0, a12 = 0, m1 = 0, m2 = 0, sum = 0;
  for (Index l = 1; l < depth; ++l) {
    const Real root = std::sqrt(std::max(p * q - c * c, Real(0))), th = std::atan2(root, c);
    const Real mu1 = std::sqrt(p / (2 * pi)), mu2 = std::sqrt(q / (2 * pi));
    a12 += (root + (pi - th) * c) / (2 * pi) + m1 * mu2 + mu1 * m2;
    a11 += p / 2 + 2 * m1 * mu1;
    a22 += q / 2 + 2 * m2 * mu2;
    m1 += mu1;
    m2 += mu2;
    sum += (pi - th) / (2 * pi) * theta;
    p = w * a11 + b, q = w * a22 + b, c = w * a12 + b;
    theta = w * sum + c;
  }
  return {theta, c};
}

// A cusp: an error of 1e-16 in rho would be one of 1e-9 in the angle, and in the NTK. The reference is off by
// 1e-12.
TEST_CASE("residual networks keep the digits of nearly collinear inputs") {
  for (const double length : {1., 3.})
    for (const double bias : {0., .3})
      for (const double angle : {1e-5, 1e-6, 1e-7}) {
        Matrix<double> x = make_matrix<double>(2, 3);
        for (Index j = 0; j < 3; ++j) {
          x(0, j) = .25 + static_cast<double>(j);
          x(1, j) = length * (x(0, j) + (j == 0 ? 2 * angle : 0));
        }
        long double s[3] = {0, 0, 0};
        for (Index j = 0; j < 3; ++j) {
          const long double u = x(0, j), v = x(1, j);
          s[0] += u * u / 3;
          s[1] += v * v / 3;
          s[2] += u * v / 3;
        }
        Architecture a = deep("relu", 10, .7, bias);
        a.residual = true;
        const LimitKernels k = limit_kernels(a, x);
        const long double weight = .7;
        const long double beta = bias;
        const Exact e = residual_relu(s[0], s[1], s[2], 10, weight * weight, beta * beta);
        CAPTURE(length);
        CAPTURE(bias);
        CAPTURE(angle);
        const double scale = static_cast<double>(e.ntk),
                     error = static_cast<double>(std::abs(k.ntk.values(0, 1) - e.ntk));
        CHECK(error <= k.ntk_bound(0, 1) + 1e-12 * scale);
        CHECK(std::abs(k.nngp.values(0, 1) - e.nngp) <= k.nngp_bound(0, 1));
        if (length == 1 || bias == 0) CHECK(k.ntk_bound(0, 1) < 1e-11 * scale);
        if (length == 1 || bias == 0) CHECK(error < 3e-12 * scale);
      }
}

// A coarse tolerance against a fine one, for every activation: they differ by no more than both bounds
// together, and the coarse bound is what was asked for, but for what kinks make of an error in rho and depth
// of an error in a layer.
TEST_CASE("bounds cover what tolerances do, through layers of every kind") {
  const Matrix<double> x = awkward_points();
  for (const std::string& name : known_activations()) {
    for (const bool norm : {false, true})
      for (const bool residual : {false, true}) {
        Architecture a = deep(name, 4, .8, .3);
        a.layer_norm = norm;
        a.residual = residual;
        const LimitKernels coarse = limit_kernels(a, x, {.tolerance = 1e-6}),
                           fine = limit_kernels(a, x, {.tolerance = 0});
        for (Index i = 0; i < 9; ++i)
          for (Index j = 0; j <= i; ++j) {
            CAPTURE(name);
            CAPTURE(norm);
            CAPTURE(residual);
            CAPTURE(i);
            CAPTURE(j);
            const double scale = std::sqrt(fine.ntk.values(i, i) * fine.ntk.values(j, j));
            CHECK(std::abs(coarse.ntk.values(i, j) - fine.ntk.values(i, j)) <=
                  coarse.ntk_bound(i, j) + fine.ntk_bound(i, j));
            CHECK(std::abs(coarse.nngp.values(i, j) - fine.nngp.values(i, j)) <=
                  coarse.nngp_bound(i, j) + fine.nngp_bound(i, j));
            CHECK(coarse.ntk_bound(i, j) < 1e-4 * scale);
            CHECK(fine.nngp_bound(i, j) < 1e-11 * scale);
          }
      }
  }
}

TEST_CASE("layers' parts add up to the kernel, and the last is the NNGP") {
  const Matrix<double> x = awkward_points();
  for (const bool residual : {false, true}) {
    Architecture a = deep("tanh", 4);
    a.residual = residual;
    a.activations = {"relu", "tanh", "gelu"};
    const LimitKernels k = limit_kernels(a, x, {.layers = true});
    REQUIRE(k.layers.size() == 4);
    Matrix<double> sum = zeros<double>(9, 9);
    for (const Matrix<double>& m : k.layers) sum += m;
    // four additions
    CHECK(largest_difference(sum, k.ntk.values) < 1e-14);
    CHECK(largest_difference(k.layers[3], k.nngp.values) < 1e-14);
  }
}

// Homogeneous networks: sigma_w multiplies the kernel by sigma_w^2L, exactly for powers of two. 16^200 =
// 2^800 is a number, 64^200 = 2^1200 is not, and neither is met on the way; what is too small is 0.
TEST_CASE("depth 200 neither overflows nor underflows on the way") {
  Matrix<double> x = normal<double>(4, 3, 8);
  for (const std::string name : {"relu", "leaky_relu(0.1)", "abs", "identity"}) {
    const auto one = limit_kernels(deep(name, 200, 1, 0), x), many = limit_kernels(deep(name, 200, 4, 0), x);
    CAPTURE(name);
    for (Index k = 0; k < 16; ++k) {
      CHECK(one.ntk.values.data()[k] != 0);
      CHECK(many.ntk.values.data()[k] == std::ldexp(one.ntk.values.data()[k], 800));
      CHECK(many.ntk_bound.data()[k] < 1e-11 * std::abs(many.ntk.values.data()[k]));
    }
  }
  // relu at sigma_w = sqrt(2): K' = 1/2 and E[s^2] = p/2 on the diagonal, so variances stay and every layer
  // adds one
  const auto critical = limit_kernels(deep("relu", 200, std::sqrt(2.), 0), x).ntk.values;
  const double square = (x(0, 0) * x(0, 0) + x(0, 1) * x(0, 1) + x(0, 2) * x(0, 2)) / 3;
  CHECK(std::abs(critical(0, 0) / (200 * 2 * square) - 1) < 1e-12);
  const auto huge = limit_kernels(deep("relu", 200, 64, 0), x).ntk.values;
  CHECK(std::isinf(huge(0, 0)));
  const auto tiny = limit_kernels(deep("relu", 200, 1. / 64, 0), x).ntk.values;
  CHECK(tiny(0, 0) == 0);
  // A layer that squashes brings any scale back: intermediate variances of 1e400 would not.
  Architecture squashed = deep("relu", 200, 64, 0);
  squashed.layer_norm = true;
  CHECK(std::isfinite(limit_kernels(squashed, x).ntk.values(0, 1)));
}

// An ordered, a critical and a chaotic tanh network: errors do not grow like a power of the depth.
TEST_CASE("the bound of a deep tanh network stays a bound of rounding") {
  const Matrix<double> x = normal<double>(6, 3, 8);
  for (const double weight : {.8, 1., 1.8}) {
    const LimitKernels k = limit_kernels(deep("tanh", 100, weight, .1), x, {.tolerance = 0});
    CAPTURE(weight);
    for (Index i = 0; i < 6; ++i)
      for (Index j = 0; j < 6; ++j)
        CHECK(k.ntk_bound(i, j) < 1e-9 * std::sqrt(k.ntk.values(i, i) * k.ntk.values(j, j)));
  }
}

TEST_CASE("the standard parametrization weighs the same layers differently") {
  const Matrix<double> x = awkward_points();
  Architecture a = deep("tanh", 2, 1.3, .4);
  const LimitKernels ntk = limit_kernels(a, x, {.layers = true});
  a.parametrization = Parametrization::standard;
  const LimitKernels standard = limit_kernels(a, x, {.layers = true});
  const double w = 1.3 * 1.3, b = .4 * .4;
  for (Index k = 0; k < 81; ++k) {
    // the last layer: w A + b against n A + 1
    const double activations = (ntk.layers[1].data()[k] - b) / w;
    CHECK(standard.layers[1].data()[k] == doctest::Approx(8 * activations + 1).epsilon(1e-12));
    CHECK(standard.nngp.values.data()[k] == ntk.nngp.values.data()[k]);
  }
}

}  // namespace limit_recursion_bound_test
