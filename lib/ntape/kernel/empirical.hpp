#pragma once

#include <ntape/kernel/network_kernel.hpp>
#include <ntape/model/mlp.hpp>
#include <vector>

namespace ntape {

/// Everything one pair of evaluations of an Mlp gives.
template <class Real>
struct EmpiricalKernels {
  Kernel<Real> ntk;
  Kernel<Real> nngp;                 ///< [N1 x N2], trace form
  Matrix<Real> outputs;              ///< f(theta, x) [N1 x C]
  std::vector<Kernel<Real>> layers;  ///< layer shares of the NTK; they sum to it
};

/// The empirical NTK (see empirical_ntk in network_kernel.hpp), its layer shares, and the empirical NNGP
/// sigma_w^2 <alpha^{L-1}, alpha'^{L-1}> / n_{L-1} + beta^2. x [N1 x n_0], x2 [N2 x n_0]; the same matrix
/// twice for symmetric kernels. Throws ShapeError when the columns are not n_0, UserError when there are no
/// examples. Cost: as empirical_ntk.
template <class Real>
[[nodiscard]] EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                                       const Matrix<Real>& x, const Matrix<Real>& x2,
                                                       const KernelOptions<Real>& options);
template <class Real>
[[nodiscard]] EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                                       const Matrix<Real>& x, const Matrix<Real>& x2,
                                                       KernelForm form = KernelForm::full) {
  return empirical_kernels(model, theta, x, x2, KernelOptions<Real>{.form = form});
}
template <class Real>
[[nodiscard]] EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                                       const Matrix<Real>& x,
                                                       KernelForm form = KernelForm::full) {
  return empirical_kernels(model, theta, x, x, KernelOptions<Real>{.form = form});
}

/// The NNGP alone, [N1 x N2].
template <class Real>
[[nodiscard]] Kernel<Real> empirical_nngp(const Mlp<Real>& model, const Parameters<Real>& theta,
                                          const Matrix<Real>& x);

}  // namespace ntape
