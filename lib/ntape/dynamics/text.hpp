#pragma once

#include <sstream>
#include <string>

namespace ntape::detail {

/// A number for a message. For this room.
[[nodiscard]] inline std::string text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

}  // namespace ntape::detail
