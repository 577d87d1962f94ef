#pragma once

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <string>

namespace ntape::tools {

template <class Numbers>
[[nodiscard]] bool all_finite(const Numbers& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](auto v) { return std::isfinite(v); });
}

/// "the NTK overflowed ..."; `advice` is appended.
[[nodiscard]] UserError overflow(const std::string& what, const std::string& advice = "");

}  // namespace ntape::tools
