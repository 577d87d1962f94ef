#pragma once

#include <array>
#include <cmath>
#include <ntape/tensor/matrix.hpp>
#include <numbers>
#include <string_view>

/// An activation is two functions: f(x), and df(x, y) = f'(x) with y = f(x). Written for any Real: with a
/// Dual they carry second derivatives, so each must be differentiable as written, in the tails, too.
/// Ternaries, not fmax: they vectorize and let NaN through.
namespace ntape::detail {

/// exp(-q), and a zero without slope where it is less than the smallest double: there the derivative of q may
/// be infinite.
template <class Real>
Real decay(Real q) {
  using std::exp;
  return q > Real(750) ? Real(0) : exp(-q);
}

/// x times a factor that vanishes faster than any power of x, so that infinity times its zero is zero.
template <class Real>
Real times_vanishing(Real x, Real factor) {
  return factor == Real(0) ? Real(0) : x * factor;
}

struct Identity {
  static constexpr std::string_view name = "identity";
  template <class Real>
  Real f(Real x) const {
    return x;
  }
  template <class Real>
  Real df(Real, Real) const {
    return Real(1);
  }
};

struct Relu {
  static constexpr std::string_view name = "relu";
  template <class Real>
  Real f(Real x) const {
    return x < Real(0) ? Real(0) : x;
  }
  template <class Real>
  Real df(Real x, Real) const {
    return x > Real(0) ? Real(1) : Real(0);
  }
};

struct LeakyRelu {
  static constexpr std::string_view name = "leaky_relu";
  double a;
  template <class Real>
  Real f(Real x) const {
    return x > Real(0) ? x : static_cast<Real>(a) * x;
  }
  template <class Real>
  Real df(Real x, Real) const {
    return x > Real(0) ? Real(1) : static_cast<Real>(a);
  }
};

struct Abs {
  static constexpr std::string_view name = "abs";
  template <class Real>
  Real f(Real x) const {
    return x < Real(0) ? -x : x;
  }
  template <class Real>
  Real df(Real x, Real) const {
    return x > Real(0) ? Real(1) : x < Real(0) ? Real(-1) : Real(0);
  }
};

struct Elu {
  static constexpr std::string_view name = "elu";
  double a;
  template <class Real>
  Real f(Real x) const {
    using std::expm1;
    return x > Real(0) ? x : static_cast<Real>(a) * expm1(x);
  }
  template <class Real>
  Real df(Real x, Real) const {
    return x > Real(0) ? Real(1) : static_cast<Real>(a) * decay(-x);
  }
};

struct Erf {
  static constexpr std::string_view name = "erf";
  template <class Real>
  Real f(Real x) const {
    using std::erf;
    return erf(x);
  }
  template <class Real>
  Real df(Real x, Real) const {
    return static_cast<Real>(2 * std::numbers::inv_sqrtpi) * decay(x * x);
  }
};

/// x Phi(x), Phi the distribution function of the standard normal; by erfc, whose tail keeps its digits.
struct Gelu {
  static constexpr std::string_view name = "gelu";
  template <class Real>
  static Real phi(Real x) {
    using std::erfc;
    return static_cast<Real>(0.5) * erfc(static_cast<Real>(-1 / std::numbers::sqrt2) * x);
  }
  template <class Real>
  Real f(Real x) const {
    return times_vanishing(x, phi(x));
  }
  template <class Real>
  Real df(Real x, Real) const {
    const Real density = static_cast<Real>(std::numbers::inv_sqrtpi / std::numbers::sqrt2) *
                         decay(static_cast<Real>(0.5) * x * x);
    return phi(x) + times_vanishing(x, density);
  }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  template <class Real>
  Real f(Real x) const {
    using std::tanh;
    return tanh(x);
  }
  template <class Real>
  Real df(Real, Real y) const {
    return (Real(1) - y) * (Real(1) + y);
  }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  template <class Real>
  Real f(Real x) const {
    const Real e = decay(x < Real(0) ? -x : x);
    return (x < Real(0) ? e : Real(1)) / (Real(1) + e);
  }
  template <class Real>
  // e^-|x| / (1 + e^-|x|)^2: y (1 - y) has no digits left where y rounds to 1.
  Real df(Real x, Real) const {
    const Real e = decay(x < Real(0) ? -x : x);
    return e / ((Real(1) + e) * (Real(1) + e));
  }
};

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
struct Softplus {
  static constexpr std::string_view name = "softplus";
  template <class Real>
  Real f(Real x) const {
    using std::log1p;
    return x > Real(0) ? x + log1p(decay(x)) : log1p(decay(-x));
  }
  template <class Real>
  Real df(Real x, Real) const {
    return Sigmoid{}.f(x);
  }
};

/// x s(x), s the sigmoid; s' = e / (1 + e)^2 with e = e^-|x|, without the digits that 1 - s loses.
struct Silu {
  static constexpr std::string_view name = "silu";
  template <class Real>
  Real f(Real x) const {
    return times_vanishing(x, Sigmoid{}.f(x));
  }
  template <class Real>
  Real df(Real x, Real) const {
    const Real e = decay(x < Real(0) ? -x : x), one = Real(1) + e;
    return (x < Real(0) ? e : Real(1)) / one + times_vanishing(x, e / (one * one));
  }
};

struct Sin {
  static constexpr std::string_view name = "sin";
  template <class Real>
  Real f(Real x) const {
    using std::sin;
    return sin(x);
  }
  template <class Real>
  Real df(Real x, Real) const {
    using std::cos;
    return cos(x);
  }
};

struct Cos {
  static constexpr std::string_view name = "cos";
  template <class Real>
  Real f(Real x) const {
    using std::cos;
    return cos(x);
  }
  template <class Real>
  Real df(Real x, Real) const {
    using std::sin;
    return -sin(x);
  }
};

struct Gaussian {
  static constexpr std::string_view name = "gaussian";
  template <class Real>
  Real f(Real x) const {
    return decay(x * x);
  }
  template <class Real>
  Real df(Real x, Real y) const {
    return times_vanishing(Real(-2) * x, y);
  }
};

struct Square {
  static constexpr std::string_view name = "square";
  template <class Real>
  Real f(Real x) const {
    return x * x;
  }
  template <class Real>
  Real df(Real x, Real) const {
    return Real(2) * x;
  }
};

/// c0 + c1 x + c2 x^2 + ..., by Horner's scheme.
struct Polynomial {
  static constexpr std::string_view name = "polynomial";
  std::array<double, 16> c;  ///< an array, so that a loop over entries may keep a copy without allocating
  Index count;               ///< at least 2, c[count - 1] not zero
  template <class Real>
  Real f(Real x) const {
    Real y = static_cast<Real>(c[count - 1]);
    for (Index k = count - 1; k-- > 0;) y = y * x + static_cast<Real>(c[k]);
    return y;
  }
  template <class Real>
  Real df(Real x, Real) const {
    Real slope = static_cast<Real>(static_cast<double>(count - 1) * c[count - 1]);
    for (Index k = count - 1; k-- > 1;) slope = slope * x + static_cast<Real>(static_cast<double>(k) * c[k]);
    return slope;
  }
};

}  // namespace ntape::detail
