#include "report.hpp"

#include <algorithm>
#include <cstdio>

namespace {

const char* const kHead =
    "| work | time | median (least to most) | target | gemm GF/s |\n|---|---|---|---|---|\n";

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

bool met(const Row& row) {
  return row.target > 0 ? row.value.median <= row.target : row.value.median >= -row.target;
}

std::string line_of(const Row& row) {
  const std::string time = row.seconds > 0 ? format("%.3f ms", 1e3 * row.seconds) : "";
  const std::string value =
      format("%.3f (%.3f to %.3f) ", row.value.median, row.value.least, row.value.most) + row.unit;
  const std::string goal = row.target != 0
                               ? format("%s %.4g, %s", row.target > 0 ? "<=" : ">=", std::abs(row.target),
                                        met(row) ? "met" : "missed")
                               : "";
  const std::string rate = row.gflops > 0 ? format("%.0f", row.gflops) : "";
  return "| " + row.name + " | " + time + " | " + value + " | " + goal + " | " + rate + " |\n";
}

}  // namespace

Sample sample_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

void Report::start() {
  std::printf("%s\n\n%s", to_string(machine_).c_str(), kHead);
  std::fflush(stdout);
}

void Report::add(Row row) {
  rows_.push_back(std::move(row));
  std::fputs(line_of(rows_.back()).c_str(), stdout);
  std::fflush(stdout);
}

std::string Report::markdown() const {
  std::string text = to_string(machine_) + "\n\n" + kHead;
  for (const Row& row : rows_) text += line_of(row);
  return text;
}

nlohmann::json Report::json() const {
  auto rows = nlohmann::json::array();
  for (const Row& row : rows_)
    rows.push_back({{"name", row.name},
                    {"seconds", row.seconds},
                    {"unit", row.unit},
                    {"median", row.value.median},
                    {"least", row.value.least},
                    {"most", row.value.most},
                    {"target", row.target},
                    {"gemm_gflops", row.gflops}});
  return {{"machine", to_json(machine_)}, {"rows", rows}};
}
