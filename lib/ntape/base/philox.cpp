#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <ntape/base/philox.hpp>
#include <numbers>

namespace ntape {
namespace {

using Words = std::array<std::uint64_t, 4>;

// A key word of our own beside the seed, so that ntape's streams differ from other users of Philox.
constexpr std::uint64_t kKeyTag = 0x6e74617065ULL;

Words words_of_block(Seed seed, std::uint64_t stream, std::uint64_t block) {
  const r123::Philox4x64 cipher;
  const r123::Philox4x64::ctr_type counter = {{block, stream, 0, 0}};
  const r123::Philox4x64::key_type key = {{seed.value, kKeyTag}};
  const auto encrypted = cipher(counter, key);
  return {encrypted[0], encrypted[1], encrypted[2], encrypted[3]};
}

constexpr double kUnit = 0x1.0p-53;

// The transform uses IEEE +, -, *, / and sqrt only (the build forbids contraction into fused operations): the
// log and sincos of a C library give other bits on processors with and without FMA, so that a seed would not
// name the same numbers everywhere.

// c[0] + c[1] x + c[2] x^2 + ...
template <std::size_t N>
[[gnu::always_inline]] inline double polynomial(const std::array<double, N>& c, double x) {
  double sum = c[N - 1];
  for (std::size_t k = N - 1; k-- > 0;) sum = sum * x + c[k];
  return sum;
}

// log(count 2^-53), count in 1 .. 2^53. With count = m 2^e, m in [sqrt(1/2), sqrt(2)) and s = (m - 1)/(m +
// 1): log m = 2 atanh s = 2 s + 2 s (s^2/3 + s^4/5 + ...), s^2 < .0295; what is left out is below 2^-59 of
// it.
[[gnu::always_inline]] inline double log_of_unit_fraction(std::uint64_t count) {
  constexpr std::uint64_t kRootOfHalf = 0x3fe6a09e667f3bcd;
  constexpr double kLog2High = 0x1.62e42fefa38p-1;  // times an exponent: exact
  constexpr double kLog2Low = 0x1.ef35793c7673p-45;
  constexpr std::array<double, 11> kAtanh = {1. / 3,  1. / 5,  1. / 7,  1. / 9,  1. / 11, 1. / 13,
                                             1. / 15, 1. / 17, 1. / 19, 1. / 21, 1. / 23};
  const auto bits = std::bit_cast<std::uint64_t>(static_cast<double>(count));
  const std::int64_t exponent = static_cast<std::int64_t>(bits - kRootOfHalf) >> 52;
  const auto m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  const auto e = static_cast<double>(exponent - 53);
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  return e * kLog2High + (2 * s + (2 * s * (s2 * polynomial(kAtanh, s2)) + e * kLog2Low));
}

// (cos, sin) of fraction 2^-53 turns, fraction in 0 .. 2^53 - 1: Taylor series in what is left after the
// nearest quarter turn, at most pi/4; what they leave out is below 2^-58.
[[gnu::always_inline]] inline std::array<double, 2> cos_sin_of_turn(std::uint64_t fraction) {
  constexpr std::array<double, 8> kSin = {
      -1. / 6,         1. / 120,         -1. / 5040,           1. / 362880,
      -1. / 39916800., 1. / 6227020800., -1. / 1307674368000., 1. / 355687428096000.};
  constexpr std::array<double, 8> kCos = {
      -1. / 2,        1. / 24,         -1. / 720,          1. / 40320,
      -1. / 3628800., 1. / 479001600., -1. / 87178291200., 1. / 20922789888000.};
  const std::uint64_t quarter = (fraction + (std::uint64_t{1} << 50)) >> 51;
  const auto rest = static_cast<double>(static_cast<std::int64_t>(fraction - (quarter << 51)));
  const double x = rest * 0x1.0p-51 * (std::numbers::pi / 2);
  const double x2 = x * x;
  const double s = x + x * (x2 * polynomial(kSin, x2));
  const double c = 1 + x2 * polynomial(kCos, x2);
  const bool odd = quarter % 2 == 1;
  const double cosine = odd ? s : c, sine = odd ? c : s;
  return {quarter % 4 == 1 || quarter % 4 == 2 ? -cosine : cosine, quarter % 4 >= 2 ? -sine : sine};
}

// Words and normals of many blocks, word j of block b at [j][b]: the loops below then vectorize.
constexpr std::size_t kBatch = 64;
struct Batch {
  std::uint64_t words[4][kBatch];
  double normals[4][kBatch];
};

// Plain arithmetic in every version, so that all give the bits of normals_of_block.
[[gnu::always_inline]] inline void transform_all(Batch& batch) {
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    const std::uint64_t* first = batch.words[pair];
    const std::uint64_t* second = batch.words[pair + 1];
    double* z0 = batch.normals[pair];
    double* z1 = batch.normals[pair + 1];
    for (std::size_t b = 0; b < kBatch; ++b) {
      const double radius = std::sqrt(-2.0 * log_of_unit_fraction((first[b] >> 11) + 1));
      const auto [cosine, sine] = cos_sin_of_turn(second[b] >> 11);
      z0[b] = radius * cosine;
      z1[b] = radius * sine;
    }
  }
}
#if defined(__x86_64__)
[[gnu::target("avx512f,avx512dq,avx512vl")]] void transform_avx512(Batch& batch) {
  transform_all(batch);
}
#endif
void transform_baseline(Batch& batch) {
  transform_all(batch);
}
void transform(Batch& batch) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                           __builtin_cpu_supports("avx512vl");
  if (wide) return transform_avx512(batch);
#endif
  transform_baseline(batch);
}

std::array<double, 4> normals_of_block(const Words& w) {
  std::array<double, 4> z{};
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    // A fraction in (0, 1], so that log(0) cannot happen.
    const double radius = std::sqrt(-2.0 * log_of_unit_fraction((w[pair] >> 11) + 1));
    const auto [cosine, sine] = cos_sin_of_turn(w[pair + 1] >> 11);
    z[pair] = radius * cosine;
    z[pair + 1] = radius * sine;
  }
  return z;
}

template <class Out, class Block>
void fill_from_blocks(std::uint64_t first, std::span<Out> out, Block&& block_values) {
  std::size_t k = 0;
  while (k < out.size()) {
    const std::uint64_t i = first + k;
    const auto values = block_values(i / 4);
    const std::size_t count = std::min<std::size_t>(4 - i % 4, out.size() - k);
    for (std::size_t j = 0; j < count; ++j) out[k + j] = static_cast<Out>(values[i % 4 + j]);
    k += count;
  }
}

}  // namespace

template <class Real>
void fill_normal(Seed seed, std::uint64_t stream, std::uint64_t first, std::span<Real> out) {
  const auto one = [&](std::uint64_t b) { return normals_of_block(words_of_block(seed, stream, b)); };
  // Up to the beginning of a block; whole batches; what is left.
  const std::size_t head = std::min<std::size_t>(out.size(), (4 - first % 4) % 4);
  fill_from_blocks(first, out.first(head), one);
  std::size_t k = head;
  Batch batch;
  for (; k + 4 * kBatch <= out.size(); k += 4 * kBatch) {
    for (std::size_t b = 0; b < kBatch; ++b) {
      const Words w = words_of_block(seed, stream, (first + k) / 4 + b);
      for (std::size_t j = 0; j < 4; ++j) batch.words[j][b] = w[j];
    }
    transform(batch);
    for (std::size_t b = 0; b < kBatch; ++b)
      for (std::size_t j = 0; j < 4; ++j) out[k + 4 * b + j] = static_cast<Real>(batch.normals[j][b]);
  }
  fill_from_blocks(first + k, out.subspan(k), one);
}

template void fill_normal<float>(Seed, std::uint64_t, std::uint64_t, std::span<float>);
template void fill_normal<double>(Seed, std::uint64_t, std::uint64_t, std::span<double>);

void fill_uniform(Seed seed, std::uint64_t stream, std::uint64_t first, std::span<double> out) {
  fill_from_blocks(first, out, [&](std::uint64_t b) {
    const Words w = words_of_block(seed, stream, b);
    std::array<double, 4> u{};
    for (std::size_t j = 0; j < 4; ++j) u[j] = static_cast<double>(w[j] >> 11) * kUnit;
    return u;
  });
}

}  // namespace ntape
