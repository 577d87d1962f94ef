#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <ntape/tensor/elementwise.hpp>
#include <ntape/tensor/elementwise_functions.hpp>
#include <vector>

#include "support/elementwise_references.hpp"

namespace tensor_elementwise_test {

using namespace ntape;
using namespace ntape::elementwise;

namespace {

using test::Long;
using test::Reference;

// check(function) for each of them.
template <class Check>
void for_every_function(const Check& check) {
  const auto one = [&](const char* name, auto f) {
    CAPTURE(name);
    check(f);
  };
  one("tanh", Tanh{});
  one("erf", Erf{});
  one("sigmoid", Sigmoid{});
  one("softplus", Softplus{});
  one("silu", Silu{});
  one("gelu", Gelu{});
  one("gaussian", Gaussian{});
  one("elu", Elu{1});
  one("sin", Sin{});
  one("cos", Cos{});
}

template <class Real, class F>
struct Evaluated {
  std::vector<Real> f, df;
  Evaluated(const F& function, const std::vector<Real>& x, Instructions with = best_instructions())
      : f(x.size()), df(x.size()) {
    apply(function, x.data(), f.data(), x.size(), with);
    slopes(function, x.data(), f.data(), df.data(), x.size(), with);
  }
};

// Evenly spaced, in the middle and into the tails; beside the roots of the slopes of gelu and silu and those
// of sine and cosine; and evenly spaced exponents from the smallest denormal number to the largest.
template <class Real>
std::vector<Real> points() {
  using limits = std::numeric_limits<Real>;
  std::vector<Real> at;
  const auto spread = [&](Long low, Long high, int count) {
    for (int i = 0; i <= count; ++i)
      at.push_back(static_cast<Real>(low + (high - low) * static_cast<Long>(i) / static_cast<Long>(count)));
  };
  spread(-1, 1, 30000);
  spread(-6.1L, 6.1L, 40000);
  spread(-50, 50, 50000);
  spread(-800, 800, 20000);
  for (const Long root : {-0.75179152469356446L, -1.27846454276107380L})
    spread(root - 1e-3L, root + 1e-3L, 3000);
  for (int k = -8000; k <= 8000; ++k) {
    const auto near = static_cast<Real>(1.570796326794896619231321691639751442L * static_cast<Long>(k));
    for (const Real to : {-limits::infinity(), limits::infinity()}) at.push_back(std::nextafter(near, to));
    at.push_back(near);
  }
  const int low = limits::min_exponent - limits::digits, exponents = limits::max_exponent - low;
  for (int i = 0; i < 20000; ++i)
    for (const int sign : {-1, 1})
      at.push_back(static_cast<Real>(
          sign * std::exp2(Long(low) + static_cast<Long>(exponents) * static_cast<Long>(i) / 20000)));
  return at;
}

// |given - exact| in units of the last place that a Real as large as `exact` has. It is infinite where one of
// them is not a number or overflows, and the other is not or does not.
template <class Real>
Long units(Real given, Long exact) {
  using limits = std::numeric_limits<Real>;
  const auto rounded = static_cast<Real>(exact);
  if (given == rounded) return 0;
  if (!std::isfinite(given) || !std::isfinite(rounded)) return std::numeric_limits<Long>::infinity();
  const int exponent = std::abs(exact) < limits::min() ? limits::min_exponent : std::ilogb(exact) + 1;
  return std::abs(Long(given) - exact) / std::ldexp(Long(1), exponent - limits::digits);
}

template <class Real>
bool same_bits(const std::vector<Real>& a, const std::vector<Real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}

// Values at which functions change their form or their bits, NaN and those that <cmath> reduces among them.
template <class Real>
std::vector<Real> awkward() {
  using limits = std::numeric_limits<Real>;
  std::vector<Real> at = {0, Real(-0.0), limits::infinity(), -limits::infinity(), limits::quiet_NaN()};
  for (const double size : {1e-40, 1e-20, 1e-3, 0.3, 0.7, 0.75, 1.28, 2.6, 5.96, 9.3, 23.0, 38.2, 90.0, 500.0,
                            720.0, 12001.0, 1.5e6, 1e38})
    for (const double sign : {-1.0, 1.0}) at.push_back(static_cast<Real>(sign * size));
  return at;
}

bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b;
}

std::vector<Instructions> available() {
  std::vector<Instructions> sets = {Instructions::baseline};
  if (best_instructions() != Instructions::baseline) sets.push_back(Instructions::avx2);
  if (best_instructions() == Instructions::avx512) sets.push_back(Instructions::avx512);
  return sets;
}

}  // namespace

// 4 units in the last place are what elementwise.hpp promises. Of denormal results the last rounding is one
// unit more than what the digits before it cost, which is less than one.
TEST_CASE_TEMPLATE("every function and its slope are within 4 units in the last place", Real, float, double) {
  const auto x = points<Real>();
  for_every_function([&](auto f) {
    const Evaluated<Real, decltype(f)> given(f, x);
    const Reference exact = test::reference(f);
    const auto worst = [&](const std::vector<Real>& values, Long (*function)(Long), bool denormal) {
      Long most = 0;
      Real at = 0;
      for (Index k = 0; k < x.size(); ++k) {
        const Long y = function(x[k]), error = units(values[k], y);
        if ((std::abs(y) < std::numeric_limits<Real>::min()) == denormal && !(error <= most)) {
          most = error;
          at = x[k];
        }
      }
      CAPTURE(at);
      CHECK(most <= (denormal ? 2 : 4));
    };
    for (const bool denormal : {false, true}) {
      worst(given.f, exact.f, denormal);
      worst(given.df, exact.df, denormal);
    }
  });
}

TEST_CASE_TEMPLATE("infinities give the limits, NaN gives NaN, and zeros keep their sign", Real, float,
                   double) {
  using limits = std::numeric_limits<Real>;
  const std::vector<Real> x = {-limits::infinity(), limits::infinity(), limits::quiet_NaN(), Real(-0.0),
                               Real(0)};
  for_every_function([&](auto f) {
    const Evaluated<Real, decltype(f)> given(f, x);
    const Reference exact = test::reference(f);
    CHECK(same(given.f[0], exact.f_low));
    CHECK(same(given.f[1], exact.f_high));
    CHECK(same(given.df[0], exact.df_low));
    CHECK(same(given.df[1], exact.df_high));
    CHECK(std::isnan(given.f[2]));
    CHECK(std::isnan(given.df[2]));
    if (!exact.odd_at_zero) return;
    CHECK(given.f[3] == 0);
    CHECK(std::signbit(given.f[3]));
    CHECK(given.f[4] == 0);
    CHECK_FALSE(std::signbit(given.f[4]));
  });
}

TEST_CASE_TEMPLATE("an element's bits do not depend on its place or on the array's length", Real, float,
                   double) {
  const auto all = awkward<Real>();
  for_every_function([&](auto f) {
    using Values = Evaluated<Real, decltype(f)>;
    std::vector<Values> alone;
    for (const Real x : all) alone.emplace_back(f, std::vector<Real>{x});
    for (Index size = 1; size <= all.size(); ++size)
      for (Index first = 0; first + size <= all.size(); ++first) {
        const Values together(f, std::vector<Real>(all.begin() + static_cast<std::ptrdiff_t>(first),
                                                   all.begin() + static_cast<std::ptrdiff_t>(first + size)));
        bool equal = true;
        for (Index k = 0; k < size; ++k) {
          equal = equal && std::memcmp(&together.f[k], &alone[first + k].f[0], sizeof(Real)) == 0;
          equal = equal && std::memcmp(&together.df[k], &alone[first + k].df[0], sizeof(Real)) == 0;
        }
        CAPTURE(size);
        CAPTURE(first);
        REQUIRE(equal);
      }
  });
}

TEST_CASE_TEMPLATE("every set of instructions gives the same bits", Real, float, double) {
  const auto x = points<Real>();
  for_every_function([&](auto f) {
    const Evaluated<Real, decltype(f)> baseline(f, x, Instructions::baseline);
    for (const Instructions with : available()) {
      const Evaluated<Real, decltype(f)> given(f, x, with);
      CHECK(same_bits(given.f, baseline.f));
      CHECK(same_bits(given.df, baseline.df));
    }
  });
}

TEST_CASE_TEMPLATE("products with slopes are those of the slopes", Real, float, double) {
  constexpr Index kSize = 2500, kCount = 3;  // more than two blocks, the last not full
  auto x = points<Real>();
  x.resize(kSize);
  std::vector<Real> from(kCount * kSize), to(kCount * kSize);
  for (Index k = 0; k < from.size(); ++k) {
    from[k] = static_cast<Real>(k % 17) - Real(8);
    to[k] = static_cast<Real>(k % 5);
  }
  for_every_function([&](auto f) {
    const Evaluated<Real, decltype(f)> values(f, x);
    auto sums = to, products = from, in_place = from;
    for (Index k = 0; k < from.size(); ++k) {
      products[k] = values.df[k % kSize] * from[k];
      sums[k] = to[k] + products[k];
    }
    auto added = to, set = to;
    add_slope_times(f, x.data(), values.f.data(), from.data(), added.data(), kCount, kSize);
    slope_times(f, x.data(), values.f.data(), from.data(), set.data(), kCount, kSize);
    slope_times(f, x.data(), values.f.data(), in_place.data(), in_place.data(), kCount, kSize);
    CHECK(same_bits(added, sums));
    CHECK(same_bits(set, products));
    CHECK(same_bits(in_place, products));
  });
}

}  // namespace tensor_elementwise_test
