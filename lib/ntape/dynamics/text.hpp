#pragma once

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/tensor/matrix.hpp>
#include <sstream>
#include <string>

namespace ntape::detail {

/// A number for a message. For this room.
[[nodiscard]] inline std::string text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// Throws UserError, which names the entry, when one is not finite.
inline void require_finite(const Matrix<double>& values, const std::string& what) {
  for (Index k = 0; k < values.size(); ++k)
    if (!std::isfinite(values.data()[k]))
      throw UserError("the " + what + " hold " + text(values.data()[k]) + " in row " +
                      std::to_string(k / values.shape(1)) + ", column " +
                      std::to_string(k % values.shape(1)) +
                      " (counted from 0), and finite numbers are needed");
}

}  // namespace ntape::detail
