#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ntape/limit/recursion.hpp>
#include <string>
#include <vector>

#include "support/limit_oracle.hpp"
#include "support/matrices.hpp"

namespace limit_oracle_bound_test {

using namespace ntape;
using namespace ntape::test;

namespace {

Architecture network(const std::vector<std::string>& layers, double weight, double bias, Index inputs = 3) {
  Architecture a{.widths = equal_widths(inputs, 8, 1, layers.size() + 1),
                 .activation = layers.empty() ? "relu" : layers.front(),
                 .weight_scale = weight,
                 .bias_scale = bias};
  if (layers.size() > 1) a.activations = layers;
  return a;
}

// The largest error over its bound, of both kernels; infinite where a bound of 0 is missed.
double worst(const Architecture& a, const Matrix<double>& x) {
  const LimitKernels k = limit_kernels(a, x);
  double most = 0;
  for (Index i = 0; i < x.shape(0); ++i)
    for (Index j = 0; j <= i; ++j) {
      const OracleEntry e = limit_oracle(a, row(x, i), row(x, j));
      const double ntk = distance(k.ntk.values(i, j), e.ntk), nngp = distance(k.nngp.values(i, j), e.nngp);
      const double errors[2] = {ntk, nngp}, bounds[2] = {k.ntk_bound(i, j), k.nngp_bound(i, j)};
      for (int n = 0; n < 2; ++n) {
        // what is not a number fails, too
        const double ratio = errors[n] <= bounds[n] ? errors[n] / std::max(bounds[n], 1e-322) : HUGE_VAL;
        most = std::max(most, errors[n] == 0 ? 0 : ratio);
      }
    }
  return most;
}

Matrix<double> rows(const std::vector<std::vector<double>>& of) {
  Matrix<double> x = make_matrix<double>(of.size(), of[0].size());
  for (Index i = 0; i < of.size(); ++i) std::copy(of[i].begin(), of[i].end(), row(x, i));
  return x;
}

}  // namespace

// Pairs of one length so near to one another that 1 - rho rounds to nothing in some layer, and is as large as
// the rounding errors around it in others: what a layer with a kink then loses must be in its bound. They are
// not equal, and their NTK is less by the cusp times the angle.
TEST_CASE("bounds hold for near neighbours of one length, through layers of every kind") {
  const std::vector<std::vector<std::string>> stacks = {{"erf", "relu"},
                                                        {"sin", "sin", "relu"},
                                                        {"gaussian", "gaussian", "abs"},
                                                        {"erf", "erf", "erf", "relu"},
                                                        {"relu", "erf", "abs"},
                                                        {"erf", "relu", "relu"},
                                                        {"sin", "gaussian", "erf"}};
  double most = 0;
  for (const double e : {1e-7, 1e-8, 3e-9, 1e-10, 1e-12})
    for (const auto& layers : stacks)
      for (const bool residual : {false, true})
        for (const bool norm : {false, true}) {
          Architecture a = network(layers, 1.5, .1);
          a.residual = residual;
          a.layer_norm = norm;
          CAPTURE(e);
          CAPTURE(layers.size());
          CAPTURE(layers.front());
          CAPTURE(residual);
          CAPTURE(norm);
          const double ratio = worst(a, rows({{1, e, 0}, {1, -e, 0}, {-1, e, .3}}));
          CHECK(ratio <= 1);
          most = std::max(most, ratio);
        }
  MESSAGE("largest error over its bound: " << most);
}

TEST_CASE("bounds hold for points that are far apart, parallel, opposite, equal and tiny") {
  Matrix<double> x = normal<double>(7, 3, 4);
  for (Index j = 0; j < 3; ++j) {
    x(2, j) = -x(0, j);
    x(3, j) = 1.7 * x(0, j);
    x(4, j) = x(1, j) + 1e-9 * x(0, j);
    x(5, j) = x(1, j);
    x(6, j) *= 1e-5;
  }
  double most = 0;
  for (const double bias : {0., .3})
    for (const auto& layers : std::vector<std::vector<std::string>>{
             {"relu", "relu", "relu"}, {"erf", "abs", "sin"}, {"gaussian", "relu", "erf", "abs"}})
      for (const bool residual : {false, true})
        for (const bool norm : {false, true}) {
          Architecture a = network(layers, 1.2, bias);
          a.residual = residual;
          a.layer_norm = norm;
          CAPTURE(bias);
          CAPTURE(layers.front());
          CAPTURE(residual);
          CAPTURE(norm);
          const double ratio = worst(a, x);
          CHECK(ratio <= 1);
          most = std::max(most, ratio);
        }
  MESSAGE("largest error over its bound: " << most);
}

// sqrt(pq) leaves the doubles long before the kernel does, and reciprocals of it overflow.
TEST_CASE("a kernel that dies with depth is a number to its end, within its bound") {
  const Matrix<double> x = rows({{1, .5, .2}, {.3, -1, .4}});
  for (const std::string name : {"erf", "sin"})
    for (const Index layers : {150, 159, 162, 199}) {
      CAPTURE(name);
      CAPTURE(layers);
      CHECK(worst(network(std::vector<std::string>(layers, name), .1, 0), x) <= 1);
    }
  // and a layer that makes something of nothing
  std::vector<std::string> wakes(160, "sin");
  wakes.push_back("gaussian");
  CHECK(worst(network(wakes, .1, 0), x) <= 1);
}

// One scale is taken out of the network for all examples: others may vanish.
TEST_CASE("bounds hold for inputs of very different, and of very small, size") {
  for (const double size : {1e76, 1e100, 1e150})
    for (const double bias : {0., .1}) {
      CAPTURE(size);
      CAPTURE(bias);
      const Matrix<double> x = rows({{1 / size, 0, 0}, {size, 0, size / 10}, {1 / size, .1 / size, 0}});
      CHECK(worst(network({"relu", "relu", "relu"}, 1, bias), x) <= 1);
      CHECK(worst(network({"abs"}, 1, bias), x) <= 1);
    }
}

// Squares of the difference would vanish, and the angle with them.
TEST_CASE("tiny inputs keep the angle between them") {
  for (const double size : {1., 1e-146, 1e-150})
    for (const double angle : {1e-9, 1e-12}) {
      CAPTURE(size);
      CAPTURE(angle);
      const Matrix<double> x = rows({{size, 0, 0}, {size, angle * size, 0}});
      const Architecture a = network(std::vector<std::string>(6, "relu"), std::sqrt(2.), 0);
      CHECK(worst(a, x) <= 1);
      // as the cusp of relu has it: in six layers the kernel falls by more than half the angle
      const Matrix<double> k = limit_kernels(a, x).ntk.values;
      CHECK(k(0, 1) < k(0, 0) * (1 - angle / 2));
    }
}

// Equal terms round alike: errors of their sum do not cancel, as those of a random walk would.
TEST_CASE("inner products of equal terms are within their bound") {
  for (const Index n : {3, 191, 192, 193, 2000, 10007, 100000})
    for (const double value : {.1, .3, .55, 1. / 3}) {
      CAPTURE(n);
      CAPTURE(value);
      CHECK(worst(network({}, 1, 0, n), rows({std::vector<double>(n, value)})) <= 1);
    }
}

}  // namespace limit_oracle_bound_test
