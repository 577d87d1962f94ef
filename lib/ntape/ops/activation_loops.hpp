#pragma once

#include <ntape/ops/activation_rules.hpp>
#include <ntape/tensor/elementwise.hpp>
#include <ntape/tensor/elementwise_functions.hpp>

/// What the loops over floats and doubles use instead of a rule: the vectorized function of that name where
/// there is one, which is more accurate, too, and the rule itself otherwise. Dual numbers use the rules.
namespace ntape::detail {

/// A polynomial of N coefficients, a number that the compiler must know to vectorize a loop over arguments;
/// the sums are those of Polynomial.
template <Index N>
struct PolynomialOf {
  std::array<double, 16> c;
  template <class Real>
  [[gnu::always_inline]] Real f(Real x) const {
    return from<0>(x);
  }
  template <class Real>
  [[gnu::always_inline]] Real df(Real x, Real) const {
    return slope_from<1>(x);
  }

 private:
  template <Index k, class Real>
  [[gnu::always_inline]] Real from(Real x) const {
    if constexpr (k + 1 < N)
      return from<k + 1>(x) * x + static_cast<Real>(c[k]);
    else
      return static_cast<Real>(c[k]);
  }
  template <Index k, class Real>
  [[gnu::always_inline]] Real slope_from(Real x) const {
    const auto top = static_cast<Real>(static_cast<double>(k) * c[k]);
    if constexpr (k + 1 < N)
      return slope_from<k + 1>(x) * x + top;
    else
      return top;
  }
};

template <class Rule>
Rule fast(const Rule& rule) {
  return rule;
}
inline elementwise::Tanh fast(const Tanh&) {
  return {};
}
inline elementwise::Erf fast(const Erf&) {
  return {};
}
inline elementwise::Sigmoid fast(const Sigmoid&) {
  return {};
}
inline elementwise::Softplus fast(const Softplus&) {
  return {};
}
inline elementwise::Silu fast(const Silu&) {
  return {};
}
inline elementwise::Gelu fast(const Gelu&) {
  return {};
}
inline elementwise::Gaussian fast(const Gaussian&) {
  return {};
}
inline elementwise::Elu fast(const Elu& elu) {
  return {elu.a};
}
inline elementwise::Sin fast(const Sin&) {
  return {};
}
inline elementwise::Cos fast(const Cos&) {
  return {};
}

/// use(the fast form of the rule)
template <class Rule, class Use>
void with_fast(const Rule& rule, const Use& use) {
  use(fast(rule));
}
template <class Use>
void with_fast(const Polynomial& p, const Use& use) {
  [&]<Index... k>(std::index_sequence<k...>) {
    ((p.count == k + 2 ? use(PolynomialOf<k + 2>{p.c}) : void()), ...);
  }
  (std::make_index_sequence<15>());
}

}  // namespace ntape::detail
