#pragma once

#include <ntape/limit/rule.hpp>
#include <vector>

namespace ntape::limit {

/// Means over u ~ N(0, variance), to nearly machine precision.
struct Moments {
  double variance = 0;
  double mean = 0;     ///< E s
  double value = 0;    ///< E s^2
  double slope = 0;    ///< E s'^2
  double stretch = 0;  ///< sqrt E (u s')^2: what rounding u by a relative e does to s(u), over e
  double curving = 0;  ///< the same for s'(u)
  double error = 0;    ///< relative, of the above
  double reach = 10;   ///< in standard deviations: where s^2 and s'^2 times the density end
};

/// Up to here the nodes next to u = 0 lie within a feature of size 1.
constexpr double kLargestVariance = 1e30;

/// Throws UserError above kLargestVariance; when s(u) is not finite, or its square has no end within 37
/// deviations.
/// Steep places take as many refinements as they need, up to ten; the error says what is left.
[[nodiscard]] Moments moments(const Function& s, double variance, int refinements = 11);

/// How far off a moment by some rule is from what `moments` says, relative: what a rule does not see alone it
/// does not see in a product either; with the error of the moment itself. 1 where that is nearly all, 0 where
/// it is rounding.
[[nodiscard]] double overlooked(double by_rule, double moment, double moment_error);

/// The sensitivity with its stretch no more than what an integral says, where that is resolved: through many
/// layers a factor is a power.
[[nodiscard]] Sensitivity sharpened(Sensitivity given, const Function& s, double variance);

/// The kinks in units of the standard deviation.
[[nodiscard]] std::vector<double> scaled_kinks(const Function& s, double variance);

}  // namespace ntape::limit
