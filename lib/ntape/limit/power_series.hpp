#pragma once

#include <ntape/limit/dual.hpp>
#include <ntape/model/architecture.hpp>
#include <optional>
#include <vector>

namespace ntape {

/// The limit NTK of inputs of one length as a power series in the cosine t of the angle between them,
///   kappa(t) = sum_k b_k t^k,  b_k >= 0
/// (Schoenberg 1942: what is positive definite on the spheres of all dimensions). It does not depend on the
/// dimension.
struct PowerSeries {
  std::vector<double> value;  ///< b_k, k = 0 .. degrees
  std::vector<double> bound;  ///< of its error
  /// Whether b_k is 0 whatever the length of inputs and the scales, if they are not 0, as far as is known.
  std::vector<bool> vanishes;
  /// At least sum_{j>k} b_j: what the sum up to t^k can be off by, at any t in [-1, 1].
  std::vector<double> tail;
  double kappa_one = 0;         ///< kappa(1) = sum over all k of b_k
  std::optional<Index> degree;  ///< of a kappa that is a polynomial, at most: then b_k = 0 above it
};

/// Layer by layer: with rho the correlation at a layer as a series in t, K'(rho) = sum_j d_j^2 rho^j by
/// Mehler's formula, K its integral, and Theta' = sigma_w^2 K'(rho(t)) Theta + .. All terms are positive, so
/// nothing cancels: b_k is right relative to itself, to about k^2 units of rounding a layer where d_j is in
/// closed form, and to 1e-32 kappa(1) where not. (Many layers bring rho at t = 0 near 1; coefficients beyond
/// the thousandth of a layer with a kink are then felt, and only bounded.) Inputs have |x|^2 / n_0 = square.
/// Throws UserError as angle_curve, for more than 1000 degrees, for activations whose NTK is infinite at
/// equal inputs (sign). Cost about degrees^3 flops a layer: 10 ms for 200 degrees, a second for 1000.
[[nodiscard]] PowerSeries power_series(const Architecture& architecture, Index degrees = 200,
                                       double square = 1, const limit::Duals& duals = {});

}  // namespace ntape
