#pragma once

#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ntape::test {

/// A CSV table without quotes: its heading, and a row as cells by column name.
struct Csv {
  std::vector<std::string> columns;
  std::vector<std::map<std::string, std::string>> rows;

  explicit Csv(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::vector<std::string> cells;
      for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find(',', begin), line.size());
        cells.push_back(line.substr(begin, end - begin));
        begin = end + 1;
      }
      if (columns.empty()) {
        columns = cells;
        continue;
      }
      if (cells.size() != columns.size()) throw std::runtime_error("a row of another length: " + line);
      rows.emplace_back();
      for (std::size_t k = 0; k < cells.size(); ++k) rows.back()[columns[k]] = cells[k];
    }
  }

  [[nodiscard]] double number(std::size_t row, const std::string& column) const {
    return std::strtod(rows.at(row).at(column).c_str(), nullptr);
  }
};

}  // namespace ntape::test
