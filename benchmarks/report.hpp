#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "machine.hpp"

struct Sample {
  double median, least, most;
};

/// Of at least one value.
[[nodiscard]] Sample sample_of(std::vector<double> values);

/// What one piece of work took.
struct Row {
  std::string name;
  double seconds;    ///< median; 0 when the value is a ratio of two times
  std::string unit;  ///< of the value
  Sample value;
  double target = 0;  ///< the value should be at most that; where negative, at least minus that; 0: none
  double gflops = 0;  ///< of a large product of plain BLAS just before; 0: not measured
};

/// Prints a row of a Markdown table as soon as it is there, and keeps it for files.
class Report {
 public:
  explicit Report(Machine machine) : machine_(std::move(machine)) {}
  void start();  ///< prints the head
  void add(Row row);
  [[nodiscard]] std::string markdown() const;
  [[nodiscard]] nlohmann::json json() const;

 private:
  Machine machine_;
  std::vector<Row> rows_;
};
