#pragma once

#include <ntape/jacobian/jacobian.hpp>
#include <ntape/tensor/kernel_form.hpp>
#include <optional>

namespace ntape {

/// What of J1 J2^T is wanted.
template <class Real>
struct GramOptions {
  KernelForm form = KernelForm::full;
  /// A group per parameter, in the tape's order: the result is split by group. Empty: all in one.
  std::vector<Index> group_of = {};
  /// Only this group: one matrix is the result. Nothing: all of them. For gram_window and gram_by_group.
  std::optional<Index> only_group = std::nullopt;
  /// A positive weight per entry of each parameter, in its shape: J1 D J2^T instead. Null: D = I.
  const std::vector<Matrix<Real>>* preconditioner = nullptr;
};

/// The shape of a kernel of that form on n1 x n2 examples with that many outputs.
[[nodiscard]] Shape kernel_shape(KernelForm form, Index n1, Index n2, Index outputs);

/// One more than the largest group. Throws ShapeError unless there is a group per parameter.
[[nodiscard]] Index count_groups(const std::vector<Index>& group_of, Index parameters);

/// Throws ShapeError when the options do not fit parameters of these shapes, UserError for a weight that is
/// not positive.
template <class Real>
void require_options(const std::vector<Shape>& parameters, const GramOptions<Real>& options);

/// Throws ShapeError when the Jacobians differ in parameters or outputs or the options do not fit them,
/// UserError for a weight that is not positive.
template <class Real>
void require_fit(const Jacobian<Real>& j1, const Jacobian<Real>& j2, const GramOptions<Real>& options);

/// A part of a kernel: count1 examples of the first Jacobian from first1 on against count2 of the second.
struct GramWindow {
  Index first1 = 0, count1 = 0, first2 = 0, count2 = 0;
  Index whole2 = 0;  ///< N2 of the kernel that this is a part of, which the widths of tiles depend on
};

/// Kernels are cut into tiles on a grid of which every kGramBlock-th line is a multiple of kGramBlock
/// examples.
inline constexpr Index kGramBlock = 256;

/// J1 J2^T split by parameter group: result[g] sums over the parameters with group_of[parameter] == g, and
/// over all pairs of uses of each. A pair of outer blocks costs one Gram of cotangents times one of inputs,
/// taken entrywise: gram = (D D'^T) o (s s' A A'^T); uses that share their cotangents (a weight and its
/// bias) share that Gram. Other pairs are contracted densely, and so are outer blocks under a preconditioner
/// that is not constant. Pass the same object twice for a symmetric kernel: one triangle is computed.
/// Throws as require_fit.
template <class Real>
[[nodiscard]] std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                                      const GramOptions<Real>& options);

/// The same for a window of it, in memory of that size: the bits that gram_by_group gives there. Windows
/// begin and end at multiples of kGramBlock, or end with the examples; so do the parts of the kernel's
/// examples that the Jacobians may be of. A square window on the diagonal of a symmetric kernel is computed
/// as one triangle; outer pairs cost what their window costs, and dense blocks are laid out anew for each
/// window. Throws as require_fit, ShapeError for a window that is not inside or on that grid.
template <class Real>
[[nodiscard]] std::vector<Matrix<Real>> gram_window(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                                    const GramOptions<Real>& options,
                                                    const GramWindow& window);

/// The same, contracting each parameter's dense rows [N C x p]: the route that knows no structure.
template <class Real>
[[nodiscard]] std::vector<Matrix<Real>> dense_gram_by_group(const Jacobian<Real>& j1,
                                                            const Jacobian<Real>& j2,
                                                            const GramOptions<Real>& options);

/// J1 J2^T over all parameters.
template <class Real>
[[nodiscard]] Matrix<Real> gram(const Jacobian<Real>& j1, const Jacobian<Real>& j2, KernelForm form);

}  // namespace ntape
