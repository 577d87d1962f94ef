#include <doctest/doctest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/run/table.hpp>

#include "support/csv.hpp"

namespace run_room_table_test {

using namespace ntape;
using namespace ntape::test;
using run::CsvTable;
using Cell = CsvTable::Cell;

TEST_CASE("numbers read back to the same bits") {
  std::vector<double> values = {
      0.0, -0.0, 1.0, 0.1, 1e300, -1e-300, 5e-324, 1.0 / 3, std::numeric_limits<double>::max()};
  std::vector<double> random(200);
  fill_normal<double>(Seed{1}, 0, 0, random);
  for (const double v : random) values.push_back(v * std::exp(50 * v));
  CsvTable table({"v"});
  for (const double v : values) table.add({v});
  const Csv read(table.text());
  REQUIRE(read.rows.size() == values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::string& text = read.rows[k].at("v");
    double back = std::nan("");
    std::from_chars(text.data(), text.data() + text.size(), back);
    CHECK(back == values[k]);
    CHECK(std::signbit(back) == std::signbit(values[k]));
  }
}

TEST_CASE("cells of every kind, with quotes where they are needed") {
  CsvTable table({"a", "b,c"});
  table.add({Cell(), Cell(std::int64_t{-7})});
  table.add({Cell(0.5), Cell(std::string("plain"))});
  table.add({Cell(std::string("say \"x\"")), Cell(std::string("two\nlines"))});
  table.add({Cell(std::uint64_t{18446744073709551615U}), Cell(std::uint64_t{0})});
  CHECK(table.text() ==
        "a,\"b,c\"\n,-7\n0.5,plain\n\"say \"\"x\"\"\",\"two\nlines\"\n"
        "18446744073709551615,0\n");
  CHECK_THROWS_AS(table.add({Cell()}), InternalError);
}

TEST_CASE("a table for people is aligned to the right") {
  CHECK(run::format_table({"w", "value"}, {{"10", "1"}, {"9", "22.5"}}) ==
        " w  value\n"
        "---------\n"
        "10      1\n"
        " 9   22.5\n");
  CHECK_THROWS_AS((void)run::format_table({"a"}, {{"1", "2"}}), InternalError);
}

TEST_CASE("significant digits") {
  CHECK(run::significant(8.4973004, 4) == "8.497");
  CHECK(run::significant(1e20, 6) == "1e+20");
  CHECK(run::significant(0.000012345, 3) == "1.23e-05");
}

}  // namespace run_room_table_test
