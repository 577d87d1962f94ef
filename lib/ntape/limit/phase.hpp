#pragma once

#include <ntape/limit/dual.hpp>
#include <string>

namespace ntape {

enum class PhaseKind {
  ordered,    ///< chi_1 < 1
  edge,       ///< chi_1 = 1, as far as can be told
  chaotic,    ///< chi_1 > 1
  unbounded,  ///< variances grow without end, be it slowly
  unsettled,  ///< no end of the variances was found: they are too slow
};

/// Where a deep, plain, wide network ends up (Schoenholz et al. 2017), with w = sigma_w^2 and b = beta^2.
struct Phase {
  PhaseKind kind;
  /// q*: the variance that the map p -> w K(p,p,p) + b leads to from p = 1. Infinite when it has no end, 0
  /// when all dies out, NaN when unsettled.
  double variance;
  /// d/dp of that map at q*, by differences, right to some 1e-6. Above 1 only what the map takes to q* itself
  /// stays there: other variances end elsewhere. NaN where q* is 0, infinite or NaN.
  double variance_slope;
  /// chi_1 = w K'(q*,q*,q*): below 1 nearby inputs merge (ordered), above 1 they part (chaotic). NaN when q*
  /// is infinite or NaN.
  double slope;
  /// c*: the correlation that two inputs tend to, 1 in the ordered phase. NaN as the slope.
  double correlation;
  /// xi = -1 / ln(w K' at c*): how many layers it takes to come e times nearer to it. Infinite on the edge of
  /// chaos.
  double length;
};

/// Throws UserError for an activation without a limit, for scales that are negative or not finite. Cost: some
/// hundred duals; two thousand where no end is found.
[[nodiscard]] Phase phase(const std::string& activation, double weight_scale, double bias_scale);
[[nodiscard]] Phase phase(const limit::Dual& activation, double weight_scale, double bias_scale);

}  // namespace ntape
