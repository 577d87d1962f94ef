#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <ntape/base/philox.hpp>
#include <numbers>
#include <vector>

namespace base_philox_test {

using namespace ntape;

namespace {

struct GoldenBlock {
  std::uint64_t seed, stream, block;
  std::array<std::uint64_t, 4> words;
};

// numpy 1.24.2, with tag = 0x6e74617065 and the 256-bit counter c = stream * 2**64 + block - 1 (mod 2**256),
// as four 64-bit words, least significant first (numpy adds one to the counter before it encrypts):
//   numpy.random.Philox(key=numpy.array([seed, tag], dtype=numpy.uint64), counter=c).random_raw(4)
const std::vector<GoldenBlock> kGolden = {
    {0, 0, 0, {0x5b9c3c0bb7ffc3db, 0xea80dd6e99cccc22, 0xaf4060785f4d1821, 0xf8c61b869bf04c28}},
    {7, 0, 0, {0x064968e53fb509cc, 0x5e53fe8a080f43f1, 0x8287f90bd2f09836, 0xdc78f534d10bd770}},
    {7, 3, 0, {0x9c089ae753de11f0, 0xc2098e6141855b22, 0xcac9f9ba964530ce, 0x40e4ac35731c16a4}},
    {UINT64_MAX,
     UINT64_MAX,
     0,
     {0x68109262cc16582f, 0x1a041cbe4aa9d0d8, 0x2611158aad608098, 0xb4f45c77b1cc5f3c}},
    {7,
     3,
     (std::uint64_t{1} << 62) - 1,
     {0x2dbd7e5d78e09035, 0x29504ef3511207bc, 0xb0de57f8499e4018, 0x8c4e9adf6e0e45a1}},
    {12345678901234567890U,
     1,
     250,
     {0x3bae80ff55e992ce, 0x91e2d52c59eacb0d, 0xbdf5b8e9dbf16217, 0x05230e7626554ced}},
};

std::vector<double> normals(Seed seed, std::uint64_t stream, std::uint64_t first, std::size_t count) {
  std::vector<double> z(count);
  fill_normal<double>(seed, stream, first, z);
  return z;
}

std::vector<double> uniforms(Seed seed, std::uint64_t stream, std::uint64_t first, std::size_t count) {
  std::vector<double> u(count);
  fill_uniform(seed, stream, first, u);
  return u;
}

double mean_of(const std::vector<double>& x, auto&& f) {
  double sum = 0;
  for (const double v : x) sum += f(v);
  return sum / static_cast<double>(x.size());
}

// The Kolmogorov-Smirnov distance to the distribution function `cdf`, times sqrt(n).
double kolmogorov_smirnov(std::vector<double> x, auto&& cdf) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = cdf(x[i]), below = static_cast<double>(i) / n;
    distance = std::max({distance, p - below, below + 1 / n - p});
  }
  return distance * std::sqrt(n);
}

// Exceeded with the probability of 4 standard errors, 6.3e-5: 2 exp(-2 x^2) = 6.3e-5.
constexpr double kLargestDistance = 2.28;

// Of x_i and y_i, both with mean 0 and variance 1, in standard errors.
double correlation(const double* x, const double* y, std::size_t count, auto&& f) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += f(x[i]) * f(y[i]);
  return sum / std::sqrt(static_cast<double>(count));
}

constexpr auto kItself = [](double v) { return v; };
constexpr auto kCentredSquare = [](double v) { return (v * v - 1) / std::numbers::sqrt2; };

}  // namespace

// A uniform is the upper 53 bits of a word.
TEST_CASE("the words are those of numpy's Philox, keyed by the seed, counted by block and stream") {
  for (const auto& golden : kGolden) {
    const auto u = uniforms(Seed{golden.seed}, golden.stream, 4 * golden.block, 4);
    for (std::size_t j = 0; j < 4; ++j)
      CHECK(u[j] == std::ldexp(static_cast<double>(golden.words[j] >> 11), -53));
  }
}

// Rounding in the logarithm (4 u, halved by the root), root, angle, sine or cosine, and product sums to less
// than 8 u = 4 eps of the value. The reference's own angle is off by 2 pi u of long double, times the radius.
TEST_CASE("normals are the Box-Muller transform of those words, to 4 eps of each value") {
  constexpr std::size_t kCount = 100000;
  constexpr long double kBound = 4 * std::numeric_limits<double>::epsilon();
  const auto z = normals(Seed{7}, 3, 0, kCount);
  const auto uniform = uniforms(Seed{7}, 3, 0, kCount);
  std::size_t wrong = 0;
  for (std::size_t k = 0; k < kCount; k += 2) {
    const long double u = uniform[k] + 0x1.0p-53L, v = uniform[k + 1];
    const long double radius = std::sqrt(-2 * std::log(u));
    const long double angle = 2 * std::numbers::pi_v<long double> * v;
    const long double slack = 8 * std::numeric_limits<long double>::epsilon() * radius;
    const long double x = radius * std::cos(angle), y = radius * std::sin(angle);
    wrong += !(std::abs(z[k] - x) <= kBound * std::abs(x) + slack);
    wrong += !(std::abs(z[k + 1] - y) <= kBound * std::abs(y) + slack);
  }
  CHECK(wrong == 0);
}

// A C library's log, sin and cos give other bits on other processors for about 1 in 1500 of these. The hash
// (64-bit FNV-1a, over words instead of bytes) was taken from this library; the values are tested above.
TEST_CASE("normals have the same bits on every machine") {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const double v : normals(Seed{7}, 3, 0, 100000))
    hash = (hash ^ std::bit_cast<std::uint64_t>(v)) * 0x100000001b3;
  CHECK(hash == 10551540513956255889U);
}

TEST_CASE("an element depends on its position only, however a sequence is split into calls") {
  for (const std::uint64_t start : {std::uint64_t{0}, (std::uint64_t{1} << 34) - 7, UINT64_MAX - 40}) {
    const auto z = normals(Seed{3}, 5, start, 24);
    const auto u = uniforms(Seed{3}, 5, start, 24);
    for (std::size_t first = 0; first < 12; ++first)
      for (std::size_t count = 0; count <= 12; ++count) {
        const auto part = normals(Seed{3}, 5, start + first, count);
        CHECK(std::equal(part.begin(), part.end(), z.begin() + static_cast<std::ptrdiff_t>(first)));
        const auto uniform_part = uniforms(Seed{3}, 5, start + first, count);
        CHECK(std::equal(uniform_part.begin(), uniform_part.end(),
                         u.begin() + static_cast<std::ptrdiff_t>(first)));
      }
  }
}

TEST_CASE("nothing is written outside the asked range") {
  std::vector<double> z(12, -77.0);
  fill_normal<double>(Seed{3}, 5, 2, {z.data() + 3, 5});
  fill_uniform(Seed{3}, 5, 2, {z.data() + 3, 0});
  for (const std::size_t k : std::initializer_list<std::size_t>{0, 1, 2, 8, 9, 10, 11}) CHECK(z[k] == -77.0);
  for (std::size_t k = 3; k < 8; ++k) CHECK(z[k] != -77.0);
}

TEST_CASE("float values are the rounded double values") {
  constexpr std::size_t kCount = 10000;
  std::vector<float> single(kCount);
  fill_normal<float>(Seed{9}, 2, 3, single);
  const auto z = normals(Seed{9}, 2, 3, kCount);
  std::size_t different = 0;
  for (std::size_t i = 0; i < kCount; ++i) different += single[i] != static_cast<float>(z[i]);
  CHECK(different == 0);
}

TEST_CASE("the moments and the distribution of a million normals are those of N(0, 1)") {
  constexpr std::size_t kCount = 1000000;
  const auto z = normals(Seed{1}, 0, 0, kCount);
  const auto errors = [&](int power, double expected, double variance) {
    const double mean = mean_of(z, [power](double v) { return std::pow(v, power); });
    return std::abs(mean - expected) / std::sqrt(variance / kCount);
  };
  // Var z^k = E z^{2k} - (E z^k)^2 with E z^2, z^4, z^6, z^8 = 1, 3, 15, 105.
  CHECK(errors(1, 0, 1) < 4);
  CHECK(errors(2, 1, 2) < 4);
  CHECK(errors(3, 0, 15) < 4);
  CHECK(errors(4, 3, 96) < 4);
  CHECK(kolmogorov_smirnov(z, [](double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }) <
        kLargestDistance);
  // P(|z| > 4) = 6.334e-5, so 63.3 of a million, +- 4 sqrt(63.3); sqrt(-2 log 2^-53) = 8.572 is the largest.
  const auto far = std::count_if(z.begin(), z.end(), [](double v) { return std::abs(v) > 4; });
  CHECK(std::abs(static_cast<double>(far) - 63.34) < 4 * std::sqrt(63.34));
  CHECK(std::all_of(z.begin(), z.end(), [](double v) { return std::abs(v) < 8.572; }));
}

TEST_CASE("uniforms fill [0, 1) evenly") {
  const auto u = uniforms(Seed{1}, 1, 0, 1000000);
  CHECK(std::all_of(u.begin(), u.end(), [](double v) { return v >= 0 && v < 1; }));
  CHECK(kolmogorov_smirnov(u, [](double x) { return x; }) < kLargestDistance);
}

// 4.5 standard errors: of the 32 correlations here, one lies outside by chance with probability 2e-4.
TEST_CASE("neighbours, streams and seeds are uncorrelated, and so are their squares") {
  constexpr std::size_t kCount = 200000;
  const auto z = normals(Seed{4}, 6, 0, kCount + 8);
  const auto uncorrelated = [](const double* x, const double* y) {
    CHECK(std::abs(correlation(x, y, kCount, kItself)) < 4.5);
    CHECK(std::abs(correlation(x, y, kCount, kCentredSquare)) < 4.5);
  };
  for (std::size_t lag = 1; lag <= 8; ++lag) uncorrelated(z.data(), z.data() + lag);
  struct Name {
    std::uint64_t seed, stream;
  };
  for (const Name name : {Name{4, 7}, Name{4, 5}, Name{5, 6}, Name{3, 6}, Name{6, 4}, Name{5, 7},
                          Name{4, 6 | std::uint64_t{1} << 63}, Name{4 | std::uint64_t{1} << 63, 6}}) {
    CAPTURE(name.seed);
    CAPTURE(name.stream);
    const auto other = normals(Seed{name.seed}, name.stream, 0, kCount);
    uncorrelated(z.data(), other.data());
    std::size_t equal = 0;
    for (std::size_t i = 0; i < kCount; ++i) equal += z[i] == other[i];
    CHECK(equal == 0);
  }
}

}  // namespace base_philox_test
