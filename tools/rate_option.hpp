#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace ntape::tools {

/// For an option that is a rate: a finite decimal number, or one with an x after it.
[[nodiscard]] CLI::Validator rate_number();

/// "0.3" is a number, "1.5x" a multiple of the critical rate, and "" neither. `text` is what rate_number
/// passes.
struct Rate {
  std::optional<double> number, multiple;
};
[[nodiscard]] Rate rate_of(const std::string& text);

}  // namespace ntape::tools
