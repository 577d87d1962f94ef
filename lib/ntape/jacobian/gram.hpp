#pragma once

#include <ntape/jacobian/jacobian.hpp>

namespace ntape {

/// Which pairs of outputs a kernel keeps.
///   full      [N1 C x N2 C], row n C + c: every pair of outputs
///   diagonal  [C N1 x N2], C kernels under each other: equal outputs
///   trace     [N1 x N2]: the mean over outputs of the diagonal ones, (1/C) sum_c Theta_cc
enum class KernelForm { full, diagonal, trace };

/// J1 J2^T split by parameter group: result[g] sums over the parameters with group_of[parameter] == g, and
/// over all pairs of uses of each. A pair of outer blocks costs one Gram of cotangents times one of inputs,
/// taken entrywise: gram = (D D'^T) o (s s' A A'^T); uses that share their cotangents (a weight and its
/// bias) share that Gram. Pass the same object twice for a symmetric kernel: one triangle is computed.
/// Throws ShapeError when the Jacobians have different parameters or outputs.
template <class Real>
[[nodiscard]] std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                                      KernelForm form, const std::vector<Index>& group_of);

/// J1 J2^T over all parameters.
template <class Real>
[[nodiscard]] Matrix<Real> gram(const Jacobian<Real>& j1, const Jacobian<Real>& j2, KernelForm form);

}  // namespace ntape
