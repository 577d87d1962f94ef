#pragma once

#include <ntape/tensor/matrix.hpp>

namespace ntape::detail {

/// A count, to reckon costs with. For this room.
[[nodiscard]] inline double number(Index n) {
  return static_cast<double>(n);
}

}  // namespace ntape::detail
