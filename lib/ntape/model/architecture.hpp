#pragma once

#include <ntape/tensor/matrix.hpp>
#include <string>
#include <vector>

namespace ntape {

/// What multiplies a parameter in the network, and how it is drawn. With n the number of inputs of a layer:
///
///   |              | W: multiplier a   | W: drawn with sd  | b: a | b: sd |
///   | `ntk`        | sigma_w / sqrt(n) | 1                 | beta | 1     |
///   | `standard`   | 1                 | sigma_w / sqrt(n) | 1    | beta  |
///   | `mean_field` | as `ntk`; in the last layer sigma_w / n      | beta | 1     |
///
/// Two parametrizations are the same network where a_1 theta_1 = a_2 theta_2 (see convert). There
/// J_2 = J_1 a_2 / a_1, so that Theta_2 = J_1 D J_1^T with D = (a_2 / a_1)^2 (kernel_weights), and gradient
/// descent is the same with rates eta_2 = eta_1 (a_1 / a_2)^2 per parameter (rate_factors). (Jacot et al.
/// 2018, remark 1; Sohl-Dickstein et al. 2020 on the standard one; Mei et al. 2018 on mean field.)
enum class Parametrization { ntk, standard, mean_field };

/// A fully connected network as plain data. In the NTK parametrization (Jacot et al. 2018, section 2):
///   z^{l+1} = (weight_scale / sqrt(n_l)) W^l alpha^l + bias_scale b^l,  alpha^0 = x,  alpha^l = s(z^l),
///   f = z^L.
/// With layer_norm, alpha^l = s(LN(z^l)), LN giving every row mean 0 and variance 1 (no gain, no bias). With
/// residual, alpha^l = alpha^{l-1} + s(...) in every hidden layer l >= 2 as wide as the one before.
struct Architecture {
  std::vector<Index> widths;  ///< n_0 .. n_L; the depth L counts weight matrices
  std::string activation = "relu";
  double weight_scale = 1.0;                  ///< sigma_w
  double bias_scale = 0.1;                    ///< beta
  std::vector<std::string> activations = {};  ///< one a hidden layer, instead of `activation`; empty: that
  bool residual = false;
  bool layer_norm = false;
  Parametrization parametrization = Parametrization::ntk;

  [[nodiscard]] Index depth() const { return widths.size() - 1; }
  /// P = sum_l (n_l + 1) n_{l+1}.
  [[nodiscard]] Index parameter_count() const;
  /// The activation of hidden layer l, 1 <= l < L.
  [[nodiscard]] const std::string& activation_of(Index l) const;
  /// Whether hidden layer l adds the one before.
  [[nodiscard]] bool adds_previous(Index l) const;
  /// What W^l and b^l are multiplied by, and the standard deviation that they are drawn with.
  [[nodiscard]] double weight_multiplier(Index l) const;
  [[nodiscard]] double bias_multiplier() const;
  [[nodiscard]] double weight_deviation(Index l) const;
  [[nodiscard]] double bias_deviation() const;
  /// Whether it is what Jacot et al. describe: the NTK parametrization, one activation, nothing else.
  [[nodiscard]] bool is_plain() const;
  friend bool operator==(const Architecture&, const Architecture&) = default;
  /// Throws UserError for fewer than two widths, a width of 0, a negative or non-finite scale, another number
  /// of activations than hidden layers.
  void validate() const;
};

/// widths {inputs, hidden (depth - 1 times), outputs}. Throws UserError when depth is 0.
[[nodiscard]] std::vector<Index> equal_widths(Index inputs, Index hidden, Index outputs, Index depth);

}  // namespace ntape
