// How far the hot paths are from what the machine's matrix product allows; benchmarks/README.md says how to
// read the figures.

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <ntape/base/philox.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/run/blas_kernel.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/train/descent.hpp>
#include <string>
#include <vector>

#include "machine.hpp"

namespace {

using namespace ntape;
using benchmark::State;

constexpr Index kExamples = 256;
constexpr Index kStepsACall = 32;

Architecture network() {
  return {.widths = {784, 1024, 1024, 1024, 1}, .activation = "relu"};
}

// Least numbers of floating-point operations of N examples through layers n_0 .. n_L with one output. A
// symmetric Gram is counted as one triangle, N (N + 1) per inner dimension; elementwise work is not counted.
struct Flops {
  double forward = 0, backward = 0, weight_gradients = 0, grams = 0;

  Flops(const std::vector<Index>& widths, Index examples) {
    const auto n = static_cast<double>(examples);
    for (Index l = 0; l + 1 < widths.size(); ++l) {
      const auto from = static_cast<double>(widths[l]), to = static_cast<double>(widths[l + 1]);
      const bool last = l + 2 == widths.size();
      forward += 2 * n * from * to;
      weight_gradients += 2 * n * from * to;
      if (l > 0) backward += (last ? 1 : 2) * n * from * to;  // from one output: a scaled row, no sum
      grams += n * (n + 1) * (from + (last ? 0 : to));        // of activations, and of cotangents
    }
  }
  [[nodiscard]] double kernel() const { return forward + backward + grams; }
  // gradient_descent evaluates once more than it steps.
  [[nodiscard]] double descent(Index steps) const {
    return forward + static_cast<double>(steps) * (forward + backward + weight_gradients);
  }
};

template <class Real>
Matrix<Real> normal_matrix(Index rows, Index cols, std::uint64_t stream) {
  auto m = make_matrix<Real>(rows, cols);
  fill_normal<Real>(Seed{1}, stream, 0, {m.data(), m.size()});
  return m;
}

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void blas_product(const Matrix<float>& a, const Matrix<float>& b, Matrix<float>& c, int n) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
              n);
}
void blas_product(const Matrix<double>& a, const Matrix<double>& b, Matrix<double>& c, int n) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
              n);
}

template <class Real>
struct LargeProduct {
  static constexpr Index kSize = 2048;
  static constexpr double kFlops = 2.0 * kSize * kSize * kSize;
  Matrix<Real> a = normal_matrix<Real>(kSize, kSize, 1);
  Matrix<Real> b = normal_matrix<Real>(kSize, kSize, 2);
  Matrix<Real> c = zeros<Real>(kSize, kSize);
};

// Flops a second of plain OpenBLAS on all threads, past ntape's tiles: the best of a few products, right now,
// because the machine's speed drifts.
template <class Real>
double blas_rate() {
  static LargeProduct<Real> product;
  double best = 0;
  for (int run = 0; run < 6; ++run) {
    const Stopwatch watch;
    blas_product(product.a, product.b, product.c, static_cast<int>(product.kSize));
    benchmark::DoNotOptimize(product.c.data());
    best = std::max(best, product.kFlops / watch.seconds());
  }
  return best;
}

// `over_bound`: the time over that of the least flops at that rate.
template <class Real, class Work>
void measure_against_bound(State& state, double flops, Work&& work) {
  const double rate = blas_rate<Real>();
  const Stopwatch watch;
  for (auto _ : state) {
    work();
    benchmark::ClobberMemory();
  }
  const double seconds = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["gflops"] = flops / seconds * 1e-9;
  state.counters["blas_gflops"] = rate * 1e-9;
  state.counters["over_bound"] = seconds / (flops / rate);
}

template <class Real>
void large_product(State& state) {
  LargeProduct<Real> p;
  measure_against_bound<Real>(state, p.kFlops, [&] {
    linalg::gemm(Real(1), linalg::view(p.a), linalg::Op::plain, linalg::view(p.b), linalg::Op::plain, Real(0),
                 p.c.data(), p.kSize);
  });
}

template <class Real>
void kernel(State& state) {
  const Mlp<Real> model(network());
  const auto theta = model.initialize(Seed{1});
  const auto x = normal_matrix<Real>(kExamples, 784, 3);
  measure_against_bound<Real>(state, Flops(network().widths, kExamples).kernel(), [&] {
    benchmark::DoNotOptimize(empirical_ntk(model, theta, x, KernelForm::trace));
  });
}

template <class Real>
void training(State& state) {
  const Mlp<Real> model(network());
  auto theta = model.initialize(Seed{1});
  const data::Dataset<Real> data{.x = normal_matrix<Real>(kExamples, 784, 3),
                                 .y = normal_matrix<Real>(kExamples, 1, 4),
                                 .name = "",
                                 .description = ""};
  measure_against_bound<Real>(state, Flops(network().widths, kExamples).descent(kStepsACall), [&] {
    const auto result = gradient_descent(model, theta, data, {.rate = 1e-2, .steps = kStepsACall});
    if (result.diverged) state.SkipWithError(result.message.c_str());
  });
}

template <class Real>
void normals(State& state) {
  std::vector<Real> z(1 << 20);
  const Stopwatch watch;
  for (auto _ : state) {
    fill_normal<Real>(Seed{1}, 0, 0, z);
    benchmark::DoNotOptimize(z.data());
    benchmark::ClobberMemory();
  }
  state.counters["million_a_second"] =
      static_cast<double>(z.size()) * static_cast<double>(state.iterations()) / watch.seconds() * 1e-6;
}

double least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}
void on_the_wall_clock(benchmark::internal::Benchmark* b) {
  b->UseRealTime()->Unit(benchmark::kMillisecond)->ComputeStatistics("min", least);
}

}  // namespace

BENCHMARK(large_product<float>)->Apply(on_the_wall_clock);
BENCHMARK(large_product<double>)->Apply(on_the_wall_clock);
BENCHMARK(kernel<float>)->Apply(on_the_wall_clock);
BENCHMARK(kernel<double>)->Apply(on_the_wall_clock);
BENCHMARK(training<float>)->Apply(on_the_wall_clock);
BENCHMARK(training<double>)->Apply(on_the_wall_clock);
BENCHMARK(normals<float>)->Apply(on_the_wall_clock);
BENCHMARK(normals<double>)->Apply(on_the_wall_clock);

int main(int argc, char** argv) {
  ntape::run::restart_with_better_blas_kernel(argv);
  benchmark::AddCustomContext("openblas_kernels", openblas_get_corename());
  benchmark::AddCustomContext("commit", describe_machine().commit);
  benchmark::AddCustomContext("threads", std::to_string(omp_get_max_threads()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
