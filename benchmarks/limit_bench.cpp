// The infinite-width limit at N = 2000, L = 4, against what bounds it; benchmarks/README.md has the figures.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ntape/base/philox.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/tensor/elementwise.hpp>
#include <ntape/tensor/elementwise_functions.hpp>
#include <ntape/tensor/linalg.hpp>
#include <numbers>
#include <vector>

namespace {

using namespace ntape;
using benchmark::State;

constexpr Index kExamples = 2000, kInputs = 16, kDepth = 4;
// Of one triangle, through the hidden layers.
constexpr double kDuals = 0.5 * kExamples * (kExamples + 1) * (kDepth - 1);

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Matrix<double> inputs() {
  Matrix<double> x = make_matrix<double>(kExamples, kInputs);
  fill_normal<double>(Seed{1}, 0, 0, {x.data(), x.size()});
  return x;
}

Architecture network(const std::string& activation, double weight_scale) {
  return {
      .widths = equal_widths(kInputs, 1, 1, kDepth), .activation = activation, .weight_scale = weight_scale};
}

// Nanoseconds that the transcendental part of a relu dual takes, sqrt(pq - c^2) and atan2 of it and c, one
// after the other by <cmath> on one thread: the least of several passes over arrays in cache.
double transcendental_ns() {
  constexpr Index kPairs = 4096;
  std::vector<double> c(kPairs), angle(kPairs);
  fill_uniform(Seed{2}, 0, 0, c);
  double best = 1e300;
  for (int run = 0; run < 20; ++run) {
    const Stopwatch watch;
    for (Index k = 0; k < kPairs; ++k) {
      const double cosine = 2 * c[k] - 1;
      angle[k] = std::atan2(std::sqrt(1 - cosine * cosine), cosine);
    }
    benchmark::DoNotOptimize(angle.data());
    benchmark::ClobberMemory();
    best = std::min(best, watch.seconds());
  }
  return best / kPairs * 1e9;
}

double limit_seconds(const Architecture& network, const Matrix<double>& x, double tolerance) {
  const Stopwatch watch;
  benchmark::DoNotOptimize(limit_kernels(network, x, {.tolerance = tolerance}));
  return watch.seconds();
}

// `over_transcendental`: the time over that of kDuals square roots and atan2 at the rate of <cmath> (on one
// thread the bound; on more, an n-th of it for n threads).
void limit_relu(State& state) {
  (void)run::keep_freed_memory(std::size_t{1} << 30);  // or a tenth of the time goes into clearing pages
  const Matrix<double> x = inputs();
  const double rate = transcendental_ns();
  double total = 0;
  for (auto _ : state) total += limit_seconds(network("relu", std::numbers::sqrt2), x, 1e-12);
  const double ns = total / static_cast<double>(state.iterations()) / kDuals * 1e9;
  state.counters["ns_a_dual"] = ns;
  state.counters["cmath_ns"] = rate;
  state.counters["over_transcendental"] = ns / rate;
}

// The 25 x 25 Gauss-Hermite rule for E[tanh(u) tanh(v)] and E[tanh'(u) tanh'(v)], done well: u = sqrt(p) z_i
// from a table per example, v = sqrt(q) (rho z_i + sqrt(1 - rho^2) z_j) for half of the pairs (i, j), since
// (-i, -j) gives the same, tanh by the vectorized function, and tanh' from it.
class GaussHermite {
 public:
  static constexpr int kNodes = 25, kHalf = (kNodes * kNodes + 1) / 2;

  GaussHermite() {
    // Golub and Welsch: nodes are the eigenvalues of the Jacobi matrix of He_k, weights from the Christoffel
    // numbers.
    Matrix<double> jacobi = zeros<double>(kNodes, kNodes);
    for (int k = 1; k < kNodes; ++k) jacobi(k, k - 1) = jacobi(k - 1, k) = std::sqrt(static_cast<double>(k));
    node_ = linalg::symmetric_eigenvalues(jacobi);
    for (const double z : node_) {
      double sum = 1, before = 0, now = 1;
      for (int k = 1; k < kNodes; ++k) {
        const double next = (z * now - std::sqrt(k - 1.) * before) / std::sqrt(static_cast<double>(k));
        before = now;
        now = next;
        sum += now * now;
      }
      weight_.push_back(1 / sum);
    }
    for (int k = 0; k < kHalf; ++k) {
      const int i = k / kNodes, j = k % kNodes;
      first_.push_back(node_[i]);
      second_.push_back(node_[j]);
      product_.push_back(weight_[i] * weight_[j] * (k + 1 == kHalf ? 1 : 2));
    }
  }

  struct Example {
    double deviation;
    std::vector<double> f, df;  // of the first node of each pair
  };
  [[nodiscard]] Example example(double variance) const {
    Example e{std::sqrt(variance), {}, {}};
    for (const double z : first_) {
      e.f.push_back(std::tanh(e.deviation * z));
      e.df.push_back(1 - e.f.back() * e.f.back());
    }
    return e;
  }
  // K and K'
  [[nodiscard]] std::pair<double, double> dual(const Example& u, const Example& v, double rho) const {
    alignas(64) double at[kHalf], tanh[kHalf];
    const double a = v.deviation * rho, b = v.deviation * std::sqrt(1 - rho * rho);
    for (int k = 0; k < kHalf; ++k) at[k] = a * first_[k] + b * second_[k];
    elementwise::apply(elementwise::Tanh{}, at, tanh, kHalf);
    double value[8] = {}, slope[8] = {};
    for (int k = 0; k + 8 <= kHalf; k += 8)
      for (int l = 0; l < 8; ++l) {
        const double w = product_[k + l], t = tanh[k + l];
        value[l] += w * u.f[k + l] * t;
        slope[l] += w * u.df[k + l] * (1 - t * t);
      }
    double sum = 0, slopes = 0;
    for (int k = kHalf / 8 * 8; k < kHalf; ++k) {
      sum += product_[k] * u.f[k] * tanh[k];
      slopes += product_[k] * u.df[k] * (1 - tanh[k] * tanh[k]);
    }
    for (int l = 0; l < 8; ++l) {
      sum += value[l];
      slopes += slope[l];
    }
    return {sum, slopes};
  }

 private:
  std::vector<double> node_, weight_, first_, second_, product_;
};

// Nanoseconds a dual on one thread, by that rule.
double gauss_hermite_ns(const GaussHermite& rule) {
  constexpr Index kPairs = 64;
  std::vector<double> u(2 * kPairs);
  fill_uniform(Seed{3}, 0, 0, u);
  std::vector<GaussHermite::Example> examples;
  for (Index k = 0; k < kPairs; ++k) examples.push_back(rule.example(0.5 + u[k]));
  double best = 1e300;
  for (int run = 0; run < 20; ++run) {
    const Stopwatch watch;
    for (Index k = 1; k < kPairs; ++k)
      benchmark::DoNotOptimize(rule.dual(examples[0], examples[k], 1.8 * u[kPairs + k] - 0.9));
    best = std::min(best, watch.seconds());
  }
  return best / (kPairs - 1) * 1e9;
}

// `over_relu`: the time over that of relu in the same run. `gauss_hermite_over`: how many times longer the 25
// x 25 rule takes a dual, both on one thread. `error_over`: its error over ours at p = q = 4, rho = .6 in K',
// the dual at the sharpest tolerance being right.
void limit_tanh(State& state) {
  const Matrix<double> x = inputs();
  const GaussHermite rule;
  double total = 0, relu = 1e300;
  for (int run = 0; run < 3; ++run)
    relu = std::min(relu, limit_seconds(network("relu", std::numbers::sqrt2), x, 1e-10));
  for (auto _ : state) total += limit_seconds(network("tanh", 1), x, 1e-10);
  const double seconds = total / static_cast<double>(state.iterations()), ns = seconds / kDuals * 1e9;
  const auto exact = limit::Dual("tanh")(4, 2.4, 4);
  const auto four = rule.example(4);
  state.counters["ns_a_dual"] = ns;
  state.counters["over_relu"] = seconds / relu;
  state.counters["gauss_hermite_ns"] = gauss_hermite_ns(rule);
  state.counters["gauss_hermite_over"] = state.counters["gauss_hermite_ns"] / ns;
  state.counters["gauss_hermite_error"] = std::abs(rule.dual(four, four, .6).second - exact.slope);
  // K' of one layer at tolerance 1e-10: kernels of two layers, inputs of variance 4 at an angle of acos .6
  Matrix<double> two = make_matrix<double>(2, 2);
  two(0, 0) = std::sqrt(8.);
  two(0, 1) = 0;
  two(1, 0) = .6 * std::sqrt(8.);
  two(1, 1) = .8 * std::sqrt(8.);
  const Architecture one{.widths = {2, 1, 1}, .activation = "tanh", .bias_scale = 0};
  const auto limit = limit_kernels(one, two, {.tolerance = 1e-10});
  const double slope = (limit.ntk.values(0, 1) - limit.nngp.values(0, 1)) / 2.4;
  state.counters["error"] = std::abs(slope - exact.slope);
}

double least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}
void on_the_wall_clock(benchmark::internal::Benchmark* b) {
  b->UseRealTime()->Unit(benchmark::kMillisecond)->ComputeStatistics("min", least);
}

}  // namespace

BENCHMARK(limit_relu)->Apply(on_the_wall_clock);
BENCHMARK(limit_tanh)->Apply(on_the_wall_clock);
