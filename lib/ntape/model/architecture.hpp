#pragma once

#include <ntape/tensor/matrix.hpp>
#include <string>
#include <vector>

namespace ntape {

/// A fully connected network in the NTK parametrization (Jacot et al. 2018, section 2), as plain data:
///   z^{l+1} = (weight_scale / sqrt(n_l)) W^l alpha^l + bias_scale b^l,  alpha^0 = x,  alpha^l = s(z^l),  f =
///   z^L.
struct Architecture {
  std::vector<Index> widths;  ///< n_0 .. n_L; the depth L counts weight matrices
  std::string activation = "relu";
  double weight_scale = 1.0;  ///< sigma_w
  double bias_scale = 0.1;    ///< beta

  [[nodiscard]] Index depth() const { return widths.size() - 1; }
  /// P = sum_l (n_l + 1) n_{l+1}.
  [[nodiscard]] Index parameter_count() const;
  /// Throws UserError for fewer than two widths, a width of 0, a negative or non-finite scale.
  void validate() const;
};

/// widths {inputs, hidden (depth - 1 times), outputs}. Throws UserError when depth is 0.
[[nodiscard]] std::vector<Index> equal_widths(Index inputs, Index hidden, Index outputs, Index depth);

}  // namespace ntape
