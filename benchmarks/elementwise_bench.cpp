// Elementwise functions against the loop over <cmath> that they replace; benchmarks/README.md has the
// figures.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <ntape/ops/activation_rules.hpp>
#include <ntape/tensor/elementwise.hpp>
#include <ntape/tensor/elementwise_functions.hpp>
#include <string>
#include <vector>

namespace {

using namespace ntape;
using benchmark::State;
namespace rules = ntape::detail;

constexpr Index kElements = 4096;  // in the first two caches, on one thread

template <class Real>
struct Arrays {
  std::vector<Real> x, y, from, to;
  Arrays() : x(kElements), y(kElements), from(kElements, Real(1)), to(kElements) {
    for (Index k = 0; k < kElements; ++k)  // in [-4, 4), in no order that a branch predictor could learn
      x[k] = static_cast<Real>(8.0 * static_cast<double>((k * 2654435761U) % kElements) / kElements - 4);
  }
};

// Nanoseconds an element, the least of several.
template <class Work>
double nanoseconds(const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e300;
  for (int run = 0; run < 15; ++run) {
    const auto start = Clock::now();
    for (int repeat = 0; repeat < 10; ++repeat) {
      work();
      benchmark::ClobberMemory();
    }
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best / (10 * kElements);
}

// The time is that of the values. `slope_ns` is t += f'(x) u; `cmath` the same by the rules, one element
// after the other, in the same run.
template <class Function, class Rule, class Real>
void elementwise_function(State& state, Function f, Rule rule) {
  Arrays<Real> a;
  const auto values = [&] { elementwise::apply(f, a.x.data(), a.y.data(), kElements); };
  const double fast = nanoseconds(values);
  const double slope = nanoseconds([&] {
    elementwise::add_slope_times(f, a.x.data(), a.y.data(), a.from.data(), a.to.data(), 1, kElements);
  });
  const double cmath = nanoseconds([&] {
    for (Index k = 0; k < kElements; ++k) a.y[k] = rule.f(a.x[k]);
  });
  const double cmath_slope = nanoseconds([&] {
    for (Index k = 0; k < kElements; ++k) a.to[k] += rule.df(a.x[k], a.y[k]) * a.from[k];
  });
  for (auto _ : state) {
    values();
    benchmark::ClobberMemory();
  }
  state.counters["ns"] = fast;
  state.counters["cmath_over"] = cmath / fast;
  state.counters["slope_ns"] = slope;
  state.counters["cmath_slope_over"] = cmath_slope / slope;
}

template <class Real, class Function, class Rule>
void add(const char* type, Function f, Rule rule) {
  const auto name = "elementwise/" + std::string(Rule::name) + "<" + type + ">";
  benchmark::RegisterBenchmark(name.c_str(), [=](State& state) {
    elementwise_function<Function, Rule, Real>(state, f, rule);
  })->Unit(benchmark::kMicrosecond);
}
template <class Function, class Rule>
void add(Function f, Rule rule) {
  add<float>("float", f, rule);
  add<double>("double", f, rule);
}

const bool registered = [] {
  add(elementwise::Tanh{}, rules::Tanh{});
  add(elementwise::Erf{}, rules::Erf{});
  add(elementwise::Sigmoid{}, rules::Sigmoid{});
  add(elementwise::Softplus{}, rules::Softplus{});
  add(elementwise::Silu{}, rules::Silu{});
  add(elementwise::Gelu{}, rules::Gelu{});
  add(elementwise::Gaussian{}, rules::Gaussian{});
  add(elementwise::Elu{1}, rules::Elu{1});
  add(elementwise::Sin{}, rules::Sin{});
  add(elementwise::Cos{}, rules::Cos{});
  add(rules::Relu{}, rules::Relu{});
  return true;
}();

}  // namespace
