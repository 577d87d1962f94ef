#pragma once

#include <cstddef>
#include <ntape/tensor/elementwise_numbers.hpp>

/// What the elementwise functions are made of: branch-free, so that loops over them vectorize, and nothing
/// but IEEE sums, products, quotients and bit operations, so that every instruction set gives the same bits
/// (the project is compiled with -ffp-contract=off). Inlined by force: code compiled for one instruction set
/// must not call code compiled for another.
namespace ntape::elementwise::detail {

template <class Real>
using Bits = typename Numbers<Real>::Bits;

template <class Real>
[[gnu::always_inline]] inline Bits<Real> to_bits(Real x) {
  return __builtin_bit_cast(Bits<Real>, x);
}
template <class Real>
[[gnu::always_inline]] inline Real from_bits(Bits<Real> bits) {
  return __builtin_bit_cast(Real, bits);
}

[[gnu::always_inline]] inline double magnitude(double x) {
  return __builtin_fabs(x);
}
[[gnu::always_inline]] inline float magnitude(float x) {
  return __builtin_fabsf(x);
}
[[gnu::always_inline]] inline double with_sign(double size, double sign) {
  return __builtin_copysign(size, sign);
}
[[gnu::always_inline]] inline float with_sign(float size, float sign) {
  return __builtin_copysignf(size, sign);
}
/// min(x, top), NaN where x is.
template <class Real>
[[gnu::always_inline]] inline Real at_most(Real top, Real x) {
  return x > top ? top : x;
}

/// c[K] + c[K + S] x + c[K + 2 S] x^2 + ...
template <std::size_t K, std::size_t S, class Real, std::size_t N>
[[gnu::always_inline]] inline Real every(const Real (&c)[N], Real x) {
  if constexpr (K + S < N)
    return c[K] + x * every<K + S, S>(c, x);
  else
    return c[K];
}

/// c[K] + c[K + 1] x + ..., as two or four interleaved polynomials of x^2 or x^4, which do not wait for each
/// other.
template <std::size_t K, class Real, std::size_t N>
[[gnu::always_inline]] inline Real interleaved(const Real (&c)[N], Real x) {
  const Real x2 = x * x;
  if constexpr (N - K > 12) {
    const Real x4 = x2 * x2;
    return (every<K, 4>(c, x4) + x * every<K + 1, 4>(c, x4)) +
           x2 * (every<K + 2, 4>(c, x4) + x * every<K + 3, 4>(c, x4));
  } else {
    return every<K, 2>(c, x2) + x * every<K + 1, 2>(c, x2);
  }
}

template <class Real, std::size_t N>
[[gnu::always_inline]] inline Real polynomial(const Real (&c)[N], Real x) {
  return interleaved<0>(c, x);
}

/// A sum, rounded, and what it lost.
template <class Real>
struct Sum {
  Real value, error;
};

/// a + b for |a| >= |b| (Dekker 1971).
template <class Real>
[[gnu::always_inline]] inline Sum<Real> sum(Real a, Real b) {
  const Real value = a + b;
  return {value, b - (value - a)};
}

/// The same sum as polynomial, when no other term is larger than c[0]: the first terms by Horner's scheme,
/// and what the last addition loses.
template <class Real, std::size_t N>
[[gnu::always_inline]] inline Sum<Real> polynomial_sum(const Real (&c)[N], Real x) {
  return sum(c[0], x * (c[1] + x * (c[2] + x * (c[3] + x * interleaved<4>(c, x)))));
}

template <class Real>
[[gnu::always_inline]] inline Real to_integer(Real x) {
  return (x + Numbers<Real>::shift) - Numbers<Real>::shift;
}

/// 2^n for an integer n with a normal result.
template <class Real>
[[gnu::always_inline]] inline Real power_of_two(Real n) {
  return from_bits<Real>(to_bits(n + Numbers<Real>::power) << Numbers<Real>::mantissa);
}

/// e^r - 1 for |r| <= log(2) / 2.
template <class Real>
[[gnu::always_inline]] inline Real expm1_near_zero(Real r) {
  return r + r * r * polynomial(Numbers<Real>::exp, r);
}

/// e^x = 2^n (1 + m), |m| < 1/2, not yet multiplied out: 2^n alone may be too small where f e^x is not.
template <class Real>
struct Exponential {
  Real n, m;

  /// Of high + low, low being small.
  [[gnu::always_inline]] static Exponential of(Real high, Real low) {
    const Real n = to_integer((high + low) * static_cast<Real>(1.4426950408889634));
    const Real r = (high - n * Numbers<Real>::ln2_high) + (low - n * Numbers<Real>::ln2_low);
    return {n, expm1_near_zero(r)};
  }
  [[gnu::always_inline]] static Exponential of(Real x) {
    const Real n = to_integer(x * static_cast<Real>(1.4426950408889634));
    const Real r = (x - n * Numbers<Real>::ln2_high) - n * Numbers<Real>::ln2_low;
    return {n, expm1_near_zero(r)};
  }
  /// f e^x, rounded once more where it is denormal.
  [[gnu::always_inline]] Real times(Real f) const {
    const Real half = to_integer(n * Real(0.5));
    return (f + f * m) * power_of_two(half) * power_of_two(n - half);
  }
  /// (f + low) e^x
  [[gnu::always_inline]] Real times(Real f, Real low) const {
    const Real half = to_integer(n * Real(0.5));
    return (f + (f * m + low)) * power_of_two(half) * power_of_two(n - half);
  }
  /// e^x - 1, where 2^n is a normal number.
  [[gnu::always_inline]] Real minus_one() const {
    const Real scale = power_of_two(n);
    return scale * m + (scale - Real(1));
  }
};

/// e^-q, q >= 0, which ends in zero, at q = infinity, too.
template <class Real>
struct Decay {
  Real q;
  Exponential<Real> e;

  [[gnu::always_inline]] explicit Decay(Real q_) : q(q_), e(Exponential<Real>::of(-q_)) {}
  /// f e^-q for an f that grows less than e^(q/50).
  [[gnu::always_inline]] Real times(Real f) const {
    return q > Numbers<Real>::decay_end ? Real(0) : e.times(f);
  }
};

/// e^(-c x^2), c = 1 or 1/2; zero from |x| = end on. The condition of the exponential is 2 c x^2, so x^2 is
/// taken exactly: with h the upper half of x's digits, x^2 = h^2 + (x - h)(x + h).
template <class Real>
struct GaussianDecay {
  bool past;
  Exponential<Real> e;

  [[gnu::always_inline]] GaussianDecay(Real x, Real c, Real end) : past(magnitude(x) > end) {
    const Real h = from_bits<Real>(to_bits(x) & Numbers<Real>::upper);
    e = Exponential<Real>::of(-c * (h * h), -c * ((x - h) * (x + h)));
  }
  /// (f + low) e^(-c x^2) for an f that grows less than a power of x, and a low that is of the size of f's
  /// rounding.
  [[gnu::always_inline]] Real times(Real f) const { return past ? Real(0) : e.times(f); }
  [[gnu::always_inline]] Real times(Real f, Real low) const { return past ? Real(0) : e.times(f, low); }
};

/// (1 + e)^2, 0 <= e <= 1: here a rounding of 1 + e would count twice.
template <class Real>
[[gnu::always_inline]] inline Real square_of_one_and(Real e) {
  return Real(1) + e * (Real(2) + e);
}

/// log(1 + e), 0 <= e <= 1: 2 atanh(s), s = e / (2 + e).
template <class Real>
[[gnu::always_inline]] inline Real log1p_of_fraction(Real e) {
  const Real s = e / (Real(2) + e), s2 = s * s;
  return Real(2) * (s + s * (s2 * polynomial(Numbers<Real>::log1p, s2)));
}

/// An angle less a multiple of pi/2, and the two last bits of that multiple.
template <class Real, class Quarter>
struct Angle {
  Real r;
  Quarter quarter;
};

/// |x| <= 12000 (Cody and Waite 1980): the multiple has 13 bits and the parts of pi/2 40, so that all
/// products but the last are exact, and the last is wrong by 2^-120, when no such x is nearer to a multiple
/// than 2^-60.
[[gnu::always_inline]] inline Angle<double, std::uint64_t> reduce(double x) {
  const double shifted = x * 0x1.45f306dc9c883p-1 + Numbers<double>::shift;
  const double k = shifted - Numbers<double>::shift;
  const double r = ((x - k * 0x1.921fb54442p+0) - k * 0x1.a308d31318p-41) - k * 0x1.8a2e03707344ap-81;
  return {r, to_bits(shifted)};
}
/// |x| <= 1e6, in double.
[[gnu::always_inline]] inline Angle<float, std::uint32_t> reduce(float x) {
  const double wide = x;
  const double k = to_integer(wide * 0x1.45f306dc9c883p-1);
  const double r = (wide - k * 0x1.921fb544p+0) - k * 0x1.0b4611a626331p-34;
  return {static_cast<float>(r), static_cast<std::uint32_t>(static_cast<std::int32_t>(k))};
}

/// sin(x + quarters pi / 2)
template <class Real>
[[gnu::always_inline]] inline Real sine(Real x, unsigned quarters) {
  const auto [r, whole] = reduce(x);
  const Bits<Real> quarter = whole + quarters;
  const Real u = r * r;
  const Real odd = r * (Real(1) + u * polynomial(Numbers<Real>::sin, u));
  const Real even = (Real(1) - Real(0.5) * u) + u * u * polynomial(Numbers<Real>::cos, u);
  const Real size = (quarter & 1) == 0 ? odd : even;
  constexpr int to_sign = static_cast<int>(8 * sizeof(Real)) - 2;
  return from_bits<Real>(to_bits(size) ^ ((quarter & 2) << to_sign));
}

}  // namespace ntape::elementwise::detail
