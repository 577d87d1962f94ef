#pragma once

#include <ntape/tensor/matrix.hpp>
#include <string>
#include <vector>

namespace ntape::study {

/// Which steps to look at, ascending; always with 0 and `last`.
///   "log:N"     about N steps, equally spaced in the logarithm
///   "every:K"   every K-th step
///   "0,10,100"  these steps (those past `last` are refused)
/// Throws UserError, saying the three forms, for anything else, and for more than a million steps.
[[nodiscard]] std::vector<Index> tracked_steps(const std::string& spec, Index last);

}  // namespace ntape::study
