#pragma once

#include <optional>
#include <span>
#include <vector>

namespace ntape {

/// A power law value ~ width^exponent, fitted on logarithms.
struct ScalingFit {
  double exponent = 0;
  double log_prefactor = 0;    ///< mean over seeds of the intercept, natural logarithm
  std::optional<double> ci95;  ///< half-width; empty with fewer than two seeds
  std::size_t seeds = 0;
};

/// Least squares of log(value) on log(width) for each seed on its own, then the mean slope over seeds with
/// a Student-t 95% interval from their spread: seeds are independent, so are their slopes.
/// values[s][w] belongs to seed s and widths[w]; seeds with a value that is not positive and finite are left
/// out. Empty when fewer than two widths or no seed remains.
[[nodiscard]] std::optional<ScalingFit> fit_scaling(std::span<const double> widths,
                                                    const std::vector<std::vector<double>>& values);

}  // namespace ntape
