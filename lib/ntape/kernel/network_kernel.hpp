#pragma once

#include <iosfwd>
#include <ntape/kernel/kernel.hpp>
#include <ntape/kernel/routes.hpp>
#include <ntape/model/network.hpp>

namespace ntape {

/// What of a network's kernel is wanted, and how it is made.
template <class Real>
struct KernelOptions {
  KernelForm form = KernelForm::full;
  Route route = Route::automatic;
  /// A flag per entry of theta: those that count (see select in model/parameters.hpp). Empty: all.
  std::vector<char> selected = {};
  /// Positive, shaped as theta: J D J^T. Null: D = I.
  const Parameters<Real>* preconditioner = nullptr;
  /// Whether the shares of layers are kept apart. (empirical_ntk asks for none.)
  bool layer_shares = true;
  /// Where to say which route was taken and why. Null: nowhere.
  std::ostream* explain = nullptr;
};

/// A kernel and its shares by layer (Parameters::Entry::layer), which sum to it.
template <class Real>
struct KernelWithShares {
  Kernel<Real> kernel;
  std::vector<Kernel<Real>> layers;
};

/// The kernel of two recorded outputs of one network at theta. Every parameter of the tapes must be an entry
/// of theta, by address. Throws UserError otherwise, and as kernel_by_group.
template <class Real>
[[nodiscard]] KernelWithShares<Real> kernel_of(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2,
                                               Var y2, const Parameters<Real>& theta,
                                               const KernelOptions<Real>& options);

/// The same from Jacobians that are there already, by the factored route; j1 and j2 one object for a
/// symmetric kernel. Every parameter of their tapes must be an entry of theta. Throws as gram_by_group,
/// UserError as above.
template <class Real>
[[nodiscard]] KernelWithShares<Real> kernel_of(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                               const Parameters<Real>& theta, KernelForm form);

/// The kernel alone, of a window of it: see gram_window. The bits that kernel_of gives there.
template <class Real>
[[nodiscard]] Kernel<Real> kernel_of(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                     const Parameters<Real>& theta, KernelForm form,
                                     const GramWindow& window);

/// Throws UserError when there are no examples.
template <class Real>
void require_examples(const Matrix<Real>& x);

/// empirical_ntk with its layer shares. Give the same matrix twice for a symmetric kernel.
template <class Real, Network<Real> F>
[[nodiscard]] KernelWithShares<Real> network_kernel(const F& f, const Parameters<Real>& theta,
                                                    const Matrix<Real>& x, const Matrix<Real>& x2,
                                                    const KernelOptions<Real>& options) {
  require_examples(x);
  require_examples(x2);
  Tape<Real> tape;
  const Var y = f(tape, theta, tape.input(x));
  if (&x == &x2) return kernel_of(tape, y, tape, y, theta, options);
  Tape<Real> tape2;
  const Var y2 = f(tape2, theta, tape2.input(x2));
  return kernel_of(tape, y, tape2, y2, theta, options);
}

/// The empirical NTK Theta(x, x') = sum_p d_p f(x) d_p f(x')^T at theta (Jacot et al. 2018, section 3).
/// x [N1 x n_0], x2 [N2 x n_0]. Throws UserError when there are no examples, and as f and kernel_of do.
/// Cost by the factored route: an evaluation and C reverse sweeps each, and per layer one Gram of activations
/// (2 N1 N2 n flops) and one of cotangents (times C^2, C, C for full, diagonal, trace); memory: activations
/// and cotangents of every layer, and a few N1 x N2 matrices. The N x P Jacobian is never formed.
template <class Real, Network<Real> F>
[[nodiscard]] Kernel<Real> empirical_ntk(const F& f, const Parameters<Real>& theta, const Matrix<Real>& x,
                                         const Matrix<Real>& x2, const KernelOptions<Real>& options) {
  KernelOptions<Real> whole = options;
  whole.layer_shares = false;
  return network_kernel(f, theta, x, x2, whole).kernel;
}
template <class Real, Network<Real> F>
[[nodiscard]] Kernel<Real> empirical_ntk(const F& f, const Parameters<Real>& theta, const Matrix<Real>& x,
                                         const Matrix<Real>& x2, KernelForm form = KernelForm::full) {
  return empirical_ntk(f, theta, x, x2, KernelOptions<Real>{.form = form});
}
/// Symmetric: one evaluation, one triangle.
template <class Real, Network<Real> F>
[[nodiscard]] Kernel<Real> empirical_ntk(const F& f, const Parameters<Real>& theta, const Matrix<Real>& x,
                                         const KernelOptions<Real>& options) {
  return empirical_ntk(f, theta, x, x, options);
}
template <class Real, Network<Real> F>
[[nodiscard]] Kernel<Real> empirical_ntk(const F& f, const Parameters<Real>& theta, const Matrix<Real>& x,
                                         KernelForm form = KernelForm::full) {
  return empirical_ntk(f, theta, x, x, KernelOptions<Real>{.form = form});
}

/// d/ds Theta(theta + s v) at s = 0, for any direction v shaped as theta: the kernel of dual numbers, whose
/// slopes are its derivative along v. With v = -gradient this is the speed of the kernel at the first moment
/// of training, predicted without training. Cost: about three kernels.
template <class Real, Network<Dual<Real>> F>
[[nodiscard]] Kernel<Real> kernel_velocity(const F& f, const Parameters<Real>& theta,
                                           const Parameters<Real>& direction, const Matrix<Real>& x,
                                           KernelForm form = KernelForm::full) {
  const auto moving = along(theta, direction);
  const Kernel<Dual<Real>> kernel = empirical_ntk(f, moving, fixed(x), form);
  return {slopes(kernel.values), form, kernel.outputs, "NTK velocity"};
}

}  // namespace ntape
