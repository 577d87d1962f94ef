#pragma once

#include <cmath>
#include <ntape/tensor/elementwise_math.hpp>
#include <numbers>

/// The functions themselves: f(x) and df(x, y) = f'(x), y = f(x), for float and double. elementwise.hpp says
/// how accurate they are.
namespace ntape::elementwise {

struct Tanh {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    const Real z = detail::at_most(detail::Numbers<Real>::tanh_end, detail::magnitude(x));
    const Real e = detail::Exponential<Real>::of(Real(2) * z).minus_one();
    return detail::with_sign(e / (e + Real(2)), x);
  }
  /// 4 e / (1 + e)^2, e = e^(-2|x|): 1 - y^2 has no digits left in the tails.
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    const detail::Decay<Real> e(Real(2) * detail::magnitude(x));
    return e.times(Real(4) / detail::square_of_one_and(e.times(Real(1))));
  }
};

/// 1 - erfc(z) = -(e^-l - 1), l = -log(erfc(z)): without cancellation at 0 and without a case for the tail.
struct Erf {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    using N = detail::Numbers<Real>;
    const Real z = detail::at_most(N::erf_end, detail::magnitude(x));
    const Real l =
        z * static_cast<Real>(2 * std::numbers::inv_sqrtpi) + z * z * detail::polynomial(N::erf, z);
    return detail::with_sign(detail::Exponential<Real>::of(-l).minus_one(), x);
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    return detail::GaussianDecay<Real>(x, Real(1), detail::Numbers<Real>::gaussian_end)
        .times(static_cast<Real>(2 * std::numbers::inv_sqrtpi));
  }
};

struct Sigmoid {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    const Real e = detail::Decay<Real>(detail::magnitude(x)).times(Real(1));
    return (x < Real(0) ? e : Real(1)) / (Real(1) + e);
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    const detail::Decay<Real> e(detail::magnitude(x));
    return e.times(Real(1) / detail::square_of_one_and(e.times(Real(1))));
  }
};

struct Softplus {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    const Real log = detail::log1p_of_fraction(detail::Decay<Real>(detail::magnitude(x)).times(Real(1)));
    return x > Real(0) ? x + log : log;
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    return Sigmoid{}.f(x);
  }
};

struct Silu {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    const detail::Decay<Real> e(detail::magnitude(x));
    const Real part = x / (Real(1) + e.times(Real(1)));
    return x < Real(0) ? e.times(part) : part;
  }
  /// f'(-z) = e (1 + e - z) / (1 + e)^2 with e = e^-z, and f'(z) = 1 - f'(-z). Near the root z0 of 1 + e - z
  /// it is d + e^-z0 (e^d - 1), d = z0 - z, in which nothing cancels.
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    using N = detail::Numbers<Real>;
    const Real z = detail::magnitude(x);
    const detail::Decay<Real> decay(z);
    const Real e = decay.times(Real(1));
    const Real d = (N::silu_root - z) + N::silu_root_low;
    const Real near = d + static_cast<Real>(0x1.1d25cf210482ep-2) * detail::expm1_near_zero(d);
    const Real factor = detail::magnitude(d) < Real(0.34) ? near : (Real(1) - z) + e;
    const Real low = decay.times(factor / detail::square_of_one_and(e));
    return x > Real(0) ? Real(1) - low : low;
  }
};

/// With Q the upper tail of the normal distribution and r(z) = Q(z) e^(z^2/2): f(-z) = -z r e^(-z^2/2), and
/// f(z) = z + f(-z).
struct Gelu {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    using N = detail::Numbers<Real>;
    const Real z = detail::magnitude(x);
    const Real g = z / (z + N::mills_center);
    const auto zr_over_g = detail::polynomial_sum(N::mills, Real(2) * g - Real(1));
    const detail::GaussianDecay<Real> e(x, Real(0.5), N::normal_end);
    const Real tail = detail::with_sign(e.times(g * zr_over_g.value, g * zr_over_g.error), x);
    return x > Real(0) ? x - tail : tail;
  }
  /// f'(-z) = (r - z / sqrt(2 pi)) e^(-z^2/2), f'(z) = 1 - f'(-z); the root is taken out of the parenthesis.
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    using N = detail::Numbers<Real>;
    const Real z = detail::magnitude(x);
    const auto to_root = detail::sum(z - N::gelu_root, -N::gelu_root_low);
    const auto factor = detail::polynomial_sum(N::gelu_slope, (z - N::slope_center) / (z + N::slope_center));
    const Real lost = to_root.value * factor.error + to_root.error * factor.value;
    const detail::GaussianDecay<Real> e(x, Real(0.5), N::normal_end);
    const Real low = e.times(to_root.value * factor.value, lost);
    return x > Real(0) ? Real(1) - low : low;
  }
};

struct Gaussian {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    return detail::GaussianDecay<Real>(x, Real(1), detail::Numbers<Real>::gaussian_end).times(Real(1));
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    return detail::GaussianDecay<Real>(x, Real(1), detail::Numbers<Real>::gaussian_end).times(Real(-2) * x);
  }
};

/// x for x > 0, a (e^x - 1) otherwise.
struct Elu {
  double a;
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    const Real end = -detail::Numbers<Real>::expm1_end;
    const Real e = detail::Exponential<Real>::of(x < end ? end : x).minus_one();
    return x > Real(0) ? x : static_cast<Real>(a) * detail::with_sign(e, x);
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    const Real low = detail::Decay<Real>(-x).times(static_cast<Real>(a));
    return x > Real(0) ? Real(1) : low;
  }
};

/// Beyond `near` they are <cmath>'s, which reduces any argument; NaN and infinity are beyond, too.
struct Trigonometric {
  template <class Real>
  [[gnu::always_inline]] static bool near(Real x) {
    return detail::magnitude(x) <= (sizeof(Real) == sizeof(double) ? Real(12000) : Real(1e6));
  }
};

struct Sin : Trigonometric {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    return detail::sine(x, 0);
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    return detail::sine(x, 1);
  }
  template <class Real>
  Real far_f(Real x) const {
    return std::sin(x);
  }
  template <class Real>
  Real far_df(Real x) const {
    return std::cos(x);
  }
};

struct Cos : Trigonometric {
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    return detail::sine(x, 1);
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    return detail::sine(x, 2);
  }
  template <class Real>
  Real far_f(Real x) const {
    return std::cos(x);
  }
  template <class Real>
  Real far_df(Real x) const {
    return -std::sin(x);
  }
};

}  // namespace ntape::elementwise
