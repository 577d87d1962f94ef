#pragma once

#include <ntape/kernel/kernel.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/model/architecture.hpp>
#include <vector>

namespace ntape {

struct LimitOptions {
  /// How good numerical duals have to be, relative to sqrt(K(p,p,p) K(q,q,q)): at most 1e-4. Smaller is
  /// slower.
  double tolerance = 1e-12;
  bool layers = false;  ///< each layer's part, too
  /// For activations of the user's own: with {.activation = "mine"} in the architecture, {{"mine",
  /// limit::Dual(limit::Function{..})}}.
  limit::Duals duals = {};
};

struct LimitKernels {
  Kernel<double> ntk;   ///< Theta_inf [N1 x N2]
  Kernel<double> nngp;  ///< Sigma^L [N1 x N2]
  /// What ntk and nngp can be off by, entry by entry [N1 x N2], the inputs being exact: rounding, that of
  /// inner products included, what is lost below the least double, and the errors of numerical duals, carried
  /// through the layers.
  Matrix<double> ntk_bound, nngp_bound;
  /// With LimitOptions::layers: the part of ntk from the parameters W^l, b^l, for l = 0 .. L-1; their sum is
  /// ntk.
  std::vector<Matrix<double>> layers = {};
};

/// Whether the infinite-width limit of this activation is known: every one of the tape's table, and what
/// limit::Dual knows beside them.
[[nodiscard]] bool has_limit(const std::string& activation);

/// The infinite-width limit kernels (Jacot et al. 2018, Proposition 1 and Theorem 1), for every hidden width
/// going to infinity. With q the covariance of the pre-activations, A^0 = x.x'/n_0 and A^l = K_l(Sigma^l),
///   Sigma^{l+1} = sigma_w^2 A^l + beta^2,
///   Theta^1 = Sigma^1,  Theta^{l+1} = sigma_w^2 K'_l(Sigma^l) Theta^l + Sigma^{l+1}.
/// - Residual: A^l = A^{l-1} + K(Sigma^l) + m^{l-1}(x) mu(x') + mu(x) m^{l-1}(x'), where mu(x) = E[s(z^l(x))]
/// and
///   m^l = m^{l-1} + mu is the mean of alpha^l; with T^l in place of K' Theta^l, T^l = T^{l-1} + K' Theta^l.
/// - layer_norm: K and K' at p/(p+e), c/sqrt((p+e)(q+e)), q/(q+e), e = 1e-5 as in the tape's op, K' divided
/// by
///   sqrt((p+e)(q+e)); the mean over a wide layer vanishes, and the projections in its derivative are O(1/n).
/// - `standard`: n_l A^l + 1 in place of the last Sigma^{l+1} of Theta, sigma_w^2 K' Theta^l unchanged;
/// `mean_field`:
///   sigma_w^2 / n in the last layer. Both depend on the widths, and this is the leading order at those of
///   the architecture.
/// Otherwise of the widths only the input's matters.
/// x [N1 x n_0], x2 [N2 x n_0]; several outputs have the limit Theta_inf (x) Id, of which this is Theta_inf.
/// Throws UserError when has_limit is false for an activation in use that is not among the duals given, when
/// a tolerance is out of range, when a numerical dual would overflow or its variance is above 1e30;
/// ShapeError when the columns are not
/// n_0. Values too large for double come out as infinity or NaN; those on the way are scaled. Cost N1 N2 (n_0
/// + L c), c being some 100 ns for closed forms and for numerical ones that converge in some 100 terms; half
/// of it for the symmetric form. Same bits for any number of threads.
[[nodiscard]] LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                                         const Matrix<double>& x2, const LimitOptions& options = {});
[[nodiscard]] LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                                         const LimitOptions& options = {});

[[nodiscard]] Kernel<double> limit_ntk(const Architecture& architecture, const Matrix<double>& x,
                                       const LimitOptions& options = {});
[[nodiscard]] Kernel<double> limit_nngp(const Architecture& architecture, const Matrix<double>& x,
                                        const LimitOptions& options = {});

}  // namespace ntape
