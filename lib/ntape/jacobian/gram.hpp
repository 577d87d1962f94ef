#pragma once

#include <ntape/jacobian/jacobian.hpp>
#include <ntape/tensor/kernel_form.hpp>

namespace ntape {

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
