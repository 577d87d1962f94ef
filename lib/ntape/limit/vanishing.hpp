#pragma once

#include <ntape/limit/layers.hpp>
#include <ntape/model/architecture.hpp>
#include <vector>

namespace ntape::limit {

/// Which coefficients of power_series, up to a degree of at most 1000, are 0 because no term leads there:
/// whatever the variances, and whatever the scales that are not 0. By signs alone, so that nothing small is
/// taken for nothing. `slopes` are the hidden layers', of which only finite ones' lengths matter.
/// Cost: degree^2 / 64 operations on words a layer, times its degree.
[[nodiscard]] std::vector<bool> vanishing_coefficients(const Architecture& architecture, const Layers& layers,
                                                       const std::vector<SlopeSeries>& slopes,
                                                       std::size_t degree);

}  // namespace ntape::limit
