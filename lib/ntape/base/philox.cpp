#include <Random123/philox.h>

#include <algorithm>
#include <array>
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

std::array<double, 4> normals_of_block(const Words& w) {
  std::array<double, 4> z{};
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    const double u = static_cast<double>((w[pair] >> 11) + 1) * kUnit;  // in (0, 1]: log(0) cannot happen
    const double v = static_cast<double>(w[pair + 1] >> 11) * kUnit;
    const double radius = std::sqrt(-2.0 * std::log(u));
    const double angle = 2.0 * std::numbers::pi * v;
    z[pair] = radius * std::cos(angle);
    z[pair + 1] = radius * std::sin(angle);
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
  fill_from_blocks(first, out,
                   [&](std::uint64_t b) { return normals_of_block(words_of_block(seed, stream, b)); });
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
