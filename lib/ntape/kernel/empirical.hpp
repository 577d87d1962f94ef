#pragma once

#include <ntape/kernel/kernel.hpp>
#include <ntape/model/mlp.hpp>
#include <vector>

namespace ntape {

/// Everything one pair of evaluations gives.
template <class Real>
struct EmpiricalKernels {
  Kernel<Real> ntk;
  Kernel<Real> nngp;                 ///< [N1 x N2], trace form
  Matrix<Real> outputs;              ///< f(theta, x) [N1 x C]
  std::vector<Kernel<Real>> layers;  ///< layer shares of the NTK; they sum to it
};

/// The empirical NTK Theta(x, x') = sum_p d_p f(x) d_p f(x')^T at theta (Jacot et al. 2018, section 3), its
/// layer shares, and the empirical NNGP sigma_w^2 <alpha^{L-1}, alpha'^{L-1}> / n_{L-1} + beta^2.
/// x [N1 x n_0], x2 [N2 x n_0]. Throws ShapeError when the columns are not n_0, UserError when there are no
/// examples. Cost: two evaluations, C reverse sweeps each, and per layer one Gram of activations (2 N1 N2 n
/// flops) and one of cotangents (times C^2, C, C for full, diagonal, trace); memory: activations and
/// cotangents of every layer, and a few N1 x N2 matrices. The N x P Jacobian is never formed.
template <class Real>
[[nodiscard]] EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                                       const Matrix<Real>& x, const Matrix<Real>& x2,
                                                       KernelForm form = KernelForm::full);
/// Symmetric: one evaluation, one triangle.
template <class Real>
[[nodiscard]] EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                                       const Matrix<Real>& x,
                                                       KernelForm form = KernelForm::full);

/// The NTK alone.
template <class Real>
[[nodiscard]] Kernel<Real> empirical_ntk(const Mlp<Real>& model, const Parameters<Real>& theta,
                                         const Matrix<Real>& x, KernelForm form = KernelForm::full);
template <class Real>
[[nodiscard]] Kernel<Real> empirical_ntk(const Mlp<Real>& model, const Parameters<Real>& theta,
                                         const Matrix<Real>& x, const Matrix<Real>& x2,
                                         KernelForm form = KernelForm::full);

/// The NNGP alone, [N1 x N2].
template <class Real>
[[nodiscard]] Kernel<Real> empirical_nngp(const Mlp<Real>& model, const Parameters<Real>& theta,
                                          const Matrix<Real>& x);

}  // namespace ntape
