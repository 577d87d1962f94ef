#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ntape {

/// The name of an activation taken apart: "polynomial(1,0,0.5)" is "polynomial" with 1, 0 and 0.5.
struct ActivationSpelling {
  std::string_view name;  ///< points into what was read
  std::vector<double> numbers;
};

/// Throws UserError when the parentheses do not close or a parameter is not a finite number.
[[nodiscard]] ActivationSpelling read_activation(const std::string& text);

}  // namespace ntape
