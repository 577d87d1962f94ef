#pragma once

#include <optional>
#include <span>
#include <vector>

namespace ntape {

/// A power law value ~ width^exponent, fitted on logarithms.
struct ScalingFit {
  double exponent = 0;
  double log_prefactor = 0;              ///< mean over seeds of the intercept, natural logarithm
  std::optional<double> standard_error;  ///< over seeds; empty with fewer than two
  std::optional<double> ci95;            ///< half-width; empty with fewer than two seeds
  std::size_t seeds = 0;                 ///< that have a slope
  std::size_t left_out = 0;              ///< values that no slope is made of
};

/// Least squares of log(value) on log(width) for each seed on its own, then the mean slope over seeds with
/// a Student-t 95% interval from their spread: seeds are independent, so are their slopes.
/// values[s][w] belongs to seed s and widths[w]. A value that is not positive and finite is left out, and its
/// seed has the slope through its other widths; with fewer than two of them it is left out whole. Empty when
/// no seed remains. Throws InternalError when a seed has another number of values than there are widths.
[[nodiscard]] std::optional<ScalingFit> fit_scaling(std::span<const double> widths,
                                                    const std::vector<std::vector<double>>& values);

}  // namespace ntape
