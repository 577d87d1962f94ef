#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// Config files: the part of TOML that options need. CLI11's own reader takes a comma or a # inside a quoted
/// string for the end of it, and an unreadable file for an empty one.
namespace ntape::tools {

/// Reads `key = value` lines, where a value is a number, true, false, a string ("basic" or 'literal'), or an
/// array of these; comments and arrays over several lines are fine. Throws UserError, with the line's
/// number, for anything else, tables and repeated keys included, and for keys that are no configurable option
/// of the app. A key that excludes an option given on the command line gives way to it.
class TomlReader final : public CLI::Config {
 public:
  /// `app` must outlive the reader.
  explicit TomlReader(const CLI::App& app) : app_(app) {}
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  /// Commands write their own: see saved_config. Throws InternalError.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override;

 private:
  const CLI::App& app_;
};

/// A TOML basic string: quoted, with escapes where needed.
[[nodiscard]] std::string toml_string(const std::string& text);

/// The shortest decimal of at most 17 digits that CLI11 reads back to the same double. The value is finite.
[[nodiscard]] std::string toml_number(double value);

}  // namespace ntape::tools
