#include "rate_option.hpp"

#include <ntape/base/errors.hpp>

#include "options.hpp"

namespace ntape::tools {
namespace {

bool is_multiple(const std::string& text) {
  return text.ends_with('x');
}

}  // namespace

CLI::Validator rate_number() {
  return CLI::Validator(
      [](std::string& text) {
        std::string number = is_multiple(text) ? text.substr(0, text.size() - 1) : text;
        if (finite_number()(number).empty()) return std::string();
        return "'" + text + "' is given, and a finite decimal number is needed, or one followed by x";
      },
      "", "");
}

Rate rate_of(const std::string& text) {
  if (text.empty()) return {};
  // As CLI11 reads numbers, because toml_number writes for it.
  double value = 0;
  if (!CLI::detail::lexical_cast(is_multiple(text) ? text.substr(0, text.size() - 1) : text, value))
    throw InternalError("a rate that passed its check and is none: " + text);
  if (is_multiple(text)) return {.number = {}, .multiple = value};
  return {.number = value, .multiple = {}};
}

}  // namespace ntape::tools
