#pragma once

#include <algorithm>
#include <ntape/tensor/elementwise.hpp>

/// The loops of elementwise.hpp, to be included where they are instantiated (NTAPE_ELEMENTWISE) for some F: a
/// file of the sources that are compiled with -O3 -fno-trapping-math.
///
/// Each loop is compiled once for every set of instructions, by attributes, and chosen by a switch: no ifunc,
/// whose resolvers run before a sanitizer is ready, and no files with flags of their own, whose inline
/// functions the linker might choose for everyone.
#if defined(__x86_64__)
#define NTAPE_AVX2 [[gnu::target("avx2")]]
#define NTAPE_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]]
#else
#define NTAPE_AVX2
#define NTAPE_AVX512
#endif
// Both pointers may be the same one, which does not hinder vectors.
#if defined(__clang__)
#define NTAPE_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define NTAPE_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace ntape::elementwise::detail {

// Pieces that a thread takes, and within them blocks whose slopes stay in the first cache. An array of less
// than kParallel elements is done before another thread has woken up.
inline constexpr Index kBlock = 1024, kPiece = 8192, kParallel = 32768;

/// Functions that cannot be had without a branch in a few places: f.near(x) says where f and df hold.
template <class F, class Real>
concept Partial = requires(F f, Real x) {
  f.far_f(x);
};

template <class F, class Real>
[[gnu::always_inline]] inline bool all_near(const F& f, const Real* x, Index size) {
  Bits<Real> far = 0;
  for (Index k = 0; k < size; ++k) far |= f.near(x[k]) ? Bits<Real>(0) : Bits<Real>(1);
  return far == 0;
}

template <class F, class Real>
[[gnu::always_inline]] inline void values_block(const F f, const Real* x, Real* __restrict y, Index size) {
  if constexpr (Partial<F, Real>)
    if (!all_near(f, x, size)) {
      for (Index k = 0; k < size; ++k) y[k] = f.near(x[k]) ? f.f(x[k]) : f.far_f(x[k]);
      return;
    }
  for (Index k = 0; k < size; ++k) y[k] = f.f(x[k]);
}
template <class F, class Real>
[[gnu::always_inline]] inline void slopes_block(F f, const Real* x, const Real* y, Real* __restrict slope,
                                                Index size) {
  if constexpr (Partial<F, Real>)
    if (!all_near(f, x, size)) {
      for (Index k = 0; k < size; ++k) slope[k] = f.near(x[k]) ? f.df(x[k], y[k]) : f.far_df(x[k]);
      return;
    }
  for (Index k = 0; k < size; ++k) slope[k] = f.df(x[k], y[k]);
}

struct Values {
  template <class F, class Real>
  [[gnu::always_inline]] static void run(const F& f, const Real* x, Real* y, Index size) {
    for (Index k = 0; k < size; k += kBlock) values_block<F>(f, x + k, y + k, std::min(kBlock, size - k));
  }
};

struct Slopes {
  template <class F, class Real>
  [[gnu::always_inline]] static void run(const F& f, const Real* x, const Real* y, Real* slope, Index size) {
    for (Index k = 0; k < size; k += kBlock)
      slopes_block<F>(f, x + k, y + k, slope + k, std::min(kBlock, size - k));
  }
};

enum class Into { add, set };

/// `count` arrays, whose next one begins `stride` later.
template <Into into>
struct Products {
  template <class F, class Real>
  [[gnu::always_inline]] static void run(const F& f, const Real* x, const Real* y, const Real* from, Real* to,
                                         Index count, Index stride, Index size) {
    Real slope[kBlock];
    for (Index first = 0; first < size; first += kBlock) {
      const Index length = std::min(kBlock, size - first);
      slopes_block<F>(f, x + first, y + first, slope, length);
      for (Index v = 0; v < count; ++v)
        multiply(slope, from + v * stride + first, to + v * stride + first, length);
    }
  }
  template <class Real>
  [[gnu::always_inline]] static void multiply(const Real* slope, const Real* from, Real* to, Index size) {
    NTAPE_INDEPENDENT
    for (Index k = 0; k < size; ++k) {
      const Real product = slope[k] * from[k];
      if constexpr (into == Into::add)
        to[k] += product;
      else
        to[k] = product;
    }
  }
};

template <class Loop, class... Arguments>
void with_baseline(const Arguments&... arguments) {
  Loop::run(arguments...);
}
template <class Loop, class... Arguments>
NTAPE_AVX2 void with_avx2(const Arguments&... arguments) {
  Loop::run(arguments...);
}
template <class Loop, class... Arguments>
NTAPE_AVX512 void with_avx512(const Arguments&... arguments) {
  Loop::run(arguments...);
}
// NTAPE_BASELINE_ONLY: for instrumented builds, which the same loop three times over teaches nothing.
template <class Loop, class... Arguments>
void run([[maybe_unused]] Instructions with, const Arguments&... arguments) {
#if !defined(NTAPE_BASELINE_ONLY)
  if (with == Instructions::avx512) return with_avx512<Loop>(arguments...);
  if (with == Instructions::avx2) return with_avx2<Loop>(arguments...);
#endif
  with_baseline<Loop>(arguments...);
}

/// work(first, size) for pieces of [0, size), by several threads when the arrays of that size are worth it.
template <class Work>
void in_pieces(Index size, Index arrays, const Work& work) {
  if (size * arrays < kParallel) return work(Index(0), size);
  const Index pieces = (size + kPiece - 1) / kPiece;
#pragma omp parallel for schedule(static)
  for (Index p = 0; p < pieces; ++p) work(p * kPiece, std::min(kPiece, size - p * kPiece));
}

}  // namespace ntape::elementwise::detail

namespace ntape::elementwise {

template <class F, class Real>
void apply(const F& f, const Real* x, Real* y, Index size, Instructions with) {
  detail::in_pieces(size, 1,
                    [&](Index k, Index n) { detail::run<detail::Values>(with, f, x + k, y + k, n); });
}

template <class F, class Real>
void slopes(const F& f, const Real* x, const Real* y, Real* slope, Index size, Instructions with) {
  detail::in_pieces(
      size, 1, [&](Index k, Index n) { detail::run<detail::Slopes>(with, f, x + k, y + k, slope + k, n); });
}

template <class F, class Real>
void add_slope_times(const F& f, const Real* x, const Real* y, const Real* from, Real* to, Index count,
                     Index size, Instructions with) {
  detail::in_pieces(size, count, [&](Index k, Index n) {
    detail::run<detail::Products<detail::Into::add>>(with, f, x + k, y + k, from + k, to + k, count, size, n);
  });
}

template <class F, class Real>
void slope_times(const F& f, const Real* x, const Real* y, const Real* from, Real* to, Index count,
                 Index size, Instructions with) {
  detail::in_pieces(size, count, [&](Index k, Index n) {
    detail::run<detail::Products<detail::Into::set>>(with, f, x + k, y + k, from + k, to + k, count, size, n);
  });
}

}  // namespace ntape::elementwise

#define NTAPE_ELEMENTWISE(F, Real)                                                                          \
  template void ntape::elementwise::apply(const F&, const Real*, Real*, Index, Instructions);               \
  template void ntape::elementwise::slopes(const F&, const Real*, const Real*, Real*, Index, Instructions); \
  template void ntape::elementwise::add_slope_times(const F&, const Real*, const Real*, const Real*, Real*, \
                                                    Index, Index, Instructions);                            \
  template void ntape::elementwise::slope_times(const F&, const Real*, const Real*, const Real*, Real*,     \
                                                Index, Index, Instructions);
