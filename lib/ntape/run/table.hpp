#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ntape::run {

/// A CSV table (RFC 4180) with a heading line. Doubles are printed with the fewest digits that read back to
/// the same bits; an empty cell (monostate) is what pandas reads as missing.
class CsvTable {
 public:
  using Cell = std::variant<std::monostate, std::int64_t, std::uint64_t, double, std::string>;

  explicit CsvTable(std::vector<std::string> columns);
  /// Throws InternalError for another number of cells than columns.
  void add(const std::vector<Cell>& cells);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::size_t columns_;
  std::string text_;
};

/// The number with so many significant digits, as printf's %g writes it: "8.497", "1e+20".
[[nodiscard]] std::string significant(double value, int digits);

/// The number with the fewest digits that read back to the same bits.
[[nodiscard]] std::string shortest(double value);

/// A table for a terminal: two spaces between right-aligned columns, a rule under the headings.
/// Throws InternalError when a row has another number of cells than there are headings.
[[nodiscard]] std::string format_table(const std::vector<std::string>& headings,
                                       const std::vector<std::vector<std::string>>& rows);

}  // namespace ntape::run
