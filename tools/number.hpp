#pragma once

#include <ntape/run/table.hpp>
#include <string>

namespace ntape::tools {

/// A number to be read: six digits.
[[nodiscard]] inline std::string number(double value) {
  return run::significant(value, 6);
}

}  // namespace ntape::tools
