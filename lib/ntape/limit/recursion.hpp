#pragma once

#include <ntape/kernel/kernel.hpp>
#include <ntape/model/architecture.hpp>

namespace ntape {

struct LimitKernels {
  Kernel<double> ntk;   ///< Theta_inf [N1 x N2]
  Kernel<double> nngp;  ///< Sigma^L [N1 x N2]
};

/// Whether the infinite-width limit of this activation is known: relu, erf, identity.
[[nodiscard]] bool has_limit(const std::string& activation);

/// The infinite-width limit kernels (Jacot et al. 2018, Proposition 1 and Theorem 1), for every hidden width
/// going to infinity; only the input width, depth, activation and scales of the architecture matter. With q
/// the covariance of the pre-activations,
///   Sigma^1 = sigma_w^2 x.x'/n_0 + beta^2,          Sigma^{l+1} = sigma_w^2 K(Sigma^l) + beta^2,
///   Theta^1 = Sigma^1,                     Theta^{l+1} = sigma_w^2 K'(Sigma^l) Theta^l + Sigma^{l+1}.
/// x [N1 x n_0], x2 [N2 x n_0]; several outputs have the limit Theta_inf (x) Id, of which this is Theta_inf.
/// Throws UserError when has_limit is false, ShapeError when the columns are not n_0.
/// Cost N1 N2 (n_0 + about 40 L) flops.
[[nodiscard]] LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                                         const Matrix<double>& x2);
[[nodiscard]] LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x);

[[nodiscard]] Kernel<double> limit_ntk(const Architecture& architecture, const Matrix<double>& x);
[[nodiscard]] Kernel<double> limit_nngp(const Architecture& architecture, const Matrix<double>& x);

}  // namespace ntape
