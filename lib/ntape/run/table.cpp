#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/run/table.hpp>

namespace ntape::run {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

struct CellText {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(std::int64_t v) const { return std::to_string(v); }
  std::string operator()(std::uint64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return shortest(v); }
  std::string operator()(const std::string& v) const { return quoted(v); }
};

}  // namespace

CsvTable::CsvTable(std::vector<std::string> columns) : columns_(columns.size()) {
  add(std::vector<Cell>(columns.begin(), columns.end()));
}

void CsvTable::add(const std::vector<Cell>& cells) {
  if (cells.size() != columns_)
    throw InternalError("a row of " + std::to_string(cells.size()) + " cells in a table of " +
                        std::to_string(columns_) + " columns");
  for (std::size_t k = 0; k < cells.size(); ++k) {
    if (k > 0) text_ += ',';
    text_ += std::visit(CellText{}, cells[k]);
  }
  text_ += '\n';
}

std::string significant(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string shortest(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return {digits, end};
}

std::string format_table(const std::vector<std::string>& headings,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& h : headings) widths.push_back(h.size());
  for (const auto& row : rows) {
    if (row.size() != headings.size()) throw InternalError("a table row does not fit its headings");
    for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t k = 0; k < cells.size(); ++k)
      out += std::string((k > 0 ? 2 : 0) + widths[k] - cells[k].size(), ' ') + cells[k];
    out += '\n';
  };
  line(headings);
  std::size_t total = 0;
  for (std::size_t k = 0; k < widths.size(); ++k) total += widths[k] + (k > 0 ? 2 : 0);
  out += std::string(total, '-') + '\n';
  for (const auto& row : rows) line(row);
  return out;
}

}  // namespace ntape::run
