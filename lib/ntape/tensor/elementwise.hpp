#pragma once

#include <ntape/tensor/matrix.hpp>

/// Loops that apply a function to every element of an array, with the best vector instructions that the
/// machine has, chosen when the program runs.
///
/// A function is a small struct F with templates f(x) and df(x, y) = f'(x), y = f(x), of which loops
/// vectorize: see elementwise_functions.hpp, and elementwise_loops.hpp for how to instantiate the loops for
/// one more. What is promised of an element: its value depends on nothing but its input, so neither on its
/// place, nor the array's length, the number of threads, or the instructions chosen, bit for bit. (Sin and
/// Cos ask <cmath> beyond |x| = 12000, float 1e6, which is one more thing to depend on.)
///
/// Largest errors seen over 2.5 million arguments, in units in the last place of the exact result (f, then
/// f'):
///
///              double      float                    double      float
///   tanh       2.5  3.3    2.4  3.3      gelu       3.8  3.2    3.4  2.8
///   erf        2.8  1.5    3.2  2.1      gaussian   1.1  1.4    1.1  1.4
///   sigmoid    2.3  3.3    2.4  3.4      elu        1.2  1.1    1.2  1.1
///   softplus   2.9  2.3    2.8  2.3      sin        2.0  1.9    2.0  2.0
///   silu       2.6  3.7    2.7  3.8      cos        1.9  2.0    2.0  2.0
///
/// That holds beside the roots of the slopes of gelu and silu and in all tails, as far as results are normal
/// numbers; denormal results are off by at most 2 units of the smallest denormal number. Infinite arguments
/// give the limits, NaN gives NaN, -0 gives -0 where f(0) = 0.
namespace ntape::elementwise {

enum class Instructions { baseline, avx2, avx512 };

/// The best of them that this machine has; always `baseline` where it is no x86-64.
[[nodiscard]] Instructions best_instructions();

/// y[k] = f(x[k]) for k < size. x and y do not overlap. Cost: 30 to 90 flops an element, 0.3 to 1 ns (float)
/// and 0.9 to 2.8 ns (double) with AVX-512. Large arrays are shared out to OpenMP's threads, in pieces of a
/// fixed size; nothing is allocated.
template <class F, class Real>
void apply(const F& f, const Real* x, Real* y, Index size, Instructions with = best_instructions());

/// slope[k] = f'(x[k]), where y[k] = f(x[k]).
template <class F, class Real>
void slopes(const F& f, const Real* x, const Real* y, Real* slope, Index size,
            Instructions with = best_instructions());

/// to[v, k] += f'(x[k]) from[v, k] for v < count, k < size: `count` arrays, one after the other. A slope is
/// computed once for all of them. No two arrays overlap.
template <class F, class Real>
void add_slope_times(const F& f, const Real* x, const Real* y, const Real* from, Real* to, Index count,
                     Index size, Instructions with = best_instructions());

/// to[v, k] = f'(x[k]) from[v, k], likewise; `to` may be `from`.
template <class F, class Real>
void slope_times(const F& f, const Real* x, const Real* y, const Real* from, Real* to, Index count,
                 Index size, Instructions with = best_instructions());

}  // namespace ntape::elementwise
