#include <doctest/doctest.h>

#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/limit/windows.hpp>
#include <vector>

#include "support/instrumented.hpp"
#include "support/matrices.hpp"

namespace limit_windows_test {

using namespace ntape;
using namespace ntape::test;

namespace {

// Puts the windows together, and counts how often each entry came.
class Whole final : public LimitSink {
 public:
  Whole(Index n1, Index n2, bool symmetric)
      : ntk(zeros<double>(n1, n2)), bound(ntk), layer(ntk), times(ntk), symmetric_(symmetric) {}

  bool wants(const LimitWindow& at) const override { return at.first1 >= from; }
  void take(const LimitWindow& at, const LimitKernels& part) override {
    CHECK(shape_of(part.ntk.values) == Shape{at.count1, at.count2});
    for (Index i = 0; i < at.count1; ++i)
      for (Index j = 0; j < at.count2; ++j) {
        put(at.first1 + i, at.first2 + j, part, i, j);
        if (symmetric_ && at.first1 != at.first2) put(at.first2 + j, at.first1 + i, part, i, j);
      }
  }
  Matrix<double> ntk, bound, layer, times;
  Index from = 0;

 private:
  void put(Index n, Index m, const LimitKernels& part, Index i, Index j) {
    ntk(n, m) = part.ntk.values(i, j);
    bound(n, m) = part.ntk_bound(i, j);
    layer(n, m) = part.layers.at(1)(i, j);
    times(n, m) += 1;
  }
  bool symmetric_;
};

Architecture network(const std::string& activation) {
  return {.widths = equal_widths(3, 1, 1, 3), .activation = activation};
}

}  // namespace

// 600 = 2 x 256 + 88: whole windows, parts, and one that holds all. The same pieces of rows, so the same
// bits.
TEST_CASE("limit kernels by windows are those at once, bit for bit") {
  const Matrix<double> x = normal<double>(600, 3, 1), z = normal<double>(300, 3, 2);
  for (const std::string activation : {"relu", "tanh"})
    for (const bool symmetric : {true, false}) {
      const Architecture a = network(activation);
      const LimitOptions options{.tolerance = 1e-6, .layers = true};
      const Matrix<double>& x2 = symmetric ? x : z;
      const LimitKernels all = symmetric ? limit_kernels(a, x, options) : limit_kernels(a, x, z, options);
      for (const Index window : {Index(256), Index(512), Index(1024)}) {
        if (kInstrumented && window != 256) continue;
        Whole sink(600, x2.shape(0), symmetric);
        limit_in_windows(a, x, x2, options, window, sink);
        CAPTURE(activation);
        CAPTURE(symmetric);
        CAPTURE(window);
        CHECK(largest_difference(sink.ntk, all.ntk.values) == 0);
        CHECK(largest_difference(sink.bound, all.ntk_bound) == 0);
        CHECK(largest_difference(sink.layer, all.layers[1]) == 0);
        CHECK(std::all_of(sink.times.begin(), sink.times.end(), [](double t) { return t == 1; }));
      }
    }
}

TEST_CASE("windows that are not wanted are left out, and others than of the grid are refused") {
  const Matrix<double> x = normal<double>(300, 3, 1);
  Whole sink(300, 300, true);
  sink.from = 256;
  limit_in_windows(network("relu"), x, x, {.layers = true}, 256, sink);
  CHECK(sink.times(0, 0) == 0);
  CHECK(sink.times(299, 0) == 1);
  CHECK_THROWS_AS(limit_in_windows(network("relu"), x, x, {}, 100, sink), ShapeError);
  CHECK_THROWS_AS(limit_in_windows(network("relu"), x, x, {}, 0, sink), ShapeError);
  CHECK_THROWS_AS(limit_in_windows(network("nothing"), x, x, {}, 256, sink), UserError);
}

// Coefficients are what numerical duals keep; more variance needs more of them.
TEST_CASE("what is kept for examples grows with their number and with their coefficients") {
  const Matrix<double> x = normal<double>(20, 3, 1), twice = normal<double>(40, 3, 1);
  const auto bytes = [](const std::string& activation, const Matrix<double>& m, double weight_scale) {
    Architecture a = network(activation);
    a.weight_scale = weight_scale;
    return limit_bytes(a, m, m, {.tolerance = 1e-10}).examples;
  };
  CHECK(bytes("relu", twice, 1) > 1.9 * bytes("relu", x, 1));
  CHECK(bytes("tanh", x, 1) > bytes("relu", x, 1));
  CHECK(bytes("tanh", x, 3) > bytes("tanh", x, 1));
  CHECK(limit_bytes(network("relu"), x, x, {}).pair == 32);
  CHECK(limit_bytes(network("relu"), x, x, {.layers = true}).pair == 56);
}

}  // namespace limit_windows_test
