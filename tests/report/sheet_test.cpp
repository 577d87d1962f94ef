#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/report/sheet.hpp>

#include "support/temp_dir.hpp"

namespace report_sheet_test {

using namespace ntape;
using namespace ntape::test;
using report::Figure;
using report::Format;
using report::Series;
using report::Sheet;

namespace {

Figure panel(const std::string& title) {
  Figure f;
  f.title = title;
  f.x_label = "x of it";
  f.y_label = "y of it";
  f.series.push_back(
      {.label = "mean " + title, .x = {0, 1, 2}, .y = {1, 2, 3}, .low = {0, 1, 2}, .high = {2, 3, 4}});
  return f;
}

Sheet two() {
  Sheet sheet;
  sheet.title = "Both";
  sheet.panels = {panel("left"), panel("right")};
  return sheet;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a sheet is drawn in every format, svg always the same") {
  const Sheet sheet = two();
  for (const Format format : report::kFormats) CHECK(report::draw(sheet, format).size() > 1000);
  const std::string svg = report::draw(sheet, Format::svg);
  for (const char* text : {"Both", "left", "right", "x of it", "y of it"}) CHECK(contains(svg, text));
  CHECK(report::draw(sheet, Format::svg) == svg);
  CHECK(report::draw(sheet, Format::png).starts_with("\x89PNG"));
  CHECK(report::draw(sheet, Format::pdf).starts_with("%PDF-"));
}

TEST_CASE("one panel has the key, and the title stands once") {
  Sheet sheet = two();
  sheet.key_of = 1;
  const std::string svg = report::draw(sheet, Format::svg);
  CHECK(!contains(svg, "<text>mean left"));
  CHECK(contains(svg, "<text>mean right"));
  CHECK(count(svg, ">Both<") == 1);
}

TEST_CASE("a key of all panels names the series of each") {
  Sheet sheet = two();
  sheet.key_of_all = true;
  sheet.panels[0].log_x = true;
  const std::string svg = report::draw(sheet, Format::svg);
  CHECK(count(svg, "<text>mean left") == 1);
  CHECK(count(svg, "<text>mean right") == 1);
}

TEST_CASE("a panel without points is left out, a sheet without any cannot be drawn") {
  Sheet sheet = two();
  sheet.panels[0].series.clear();
  CHECK(!contains(report::draw(sheet, Format::svg), "left"));
  sheet.panels[1].series.clear();
  CHECK_THROWS_AS((void)report::gnuplot_script(sheet, Format::svg), InternalError);
}

TEST_CASE("a logarithmic axis does not reach the next panel, nor do chosen tics") {
  Sheet sheet = two();
  sheet.panels[0].log_x = true;
  sheet.panels[0].series[0].x = {1, 10, 100};
  sheet.panels[0].x_tics = {1, 100};
  sheet.panels[0].x_tic_labels = {"one", "hundred"};
  const std::string svg = report::draw(sheet, Format::svg);
  for (const char* text : {">one<", ">hundred<"}) CHECK(count(svg, text) == 1);
  CHECK(contains(svg, "0.5"));
  sheet.panels[0].x_tic_labels.pop_back();
  CHECK_THROWS_AS((void)report::gnuplot_script(sheet, Format::svg), InternalError);
}

TEST_CASE("scatters have the marks they are given, traces no name and the colour they are given") {
  Sheet sheet = two();
  sheet.panels[0].series = {{.label = "",
                             .x = {1, 2},
                             .y = {1, 2},
                             .low = {},
                             .high = {},
                             .style = Series::Style::scatter,
                             .colour = 7,
                             .mark = '7'},
                            {.label = "",
                             .x = {1, 2},
                             .y = {2, 1},
                             .low = {},
                             .high = {},
                             .style = Series::Style::trace,
                             .colour = 1}};
  const std::string script = report::gnuplot_script(sheet, Format::svg);
  CHECK(contains(script, "using 1:2 with points pt '7' lc rgb '#888888' notitle"));
  CHECK(contains(script, "using 1:2 with lines lw 0.7 lc rgb '#50D55E00' notitle"));
  CHECK(contains(report::draw(sheet, Format::svg), ">7<"));
}

TEST_CASE("a chosen range of the y axis is kept") {
  Sheet sheet = two();
  sheet.panels[0].y_range = report::AxisRange{-3, 17};
  CHECK(contains(report::gnuplot_script(sheet, Format::svg), "set yrange [-3:17]"));
}

TEST_CASE("the ending of a file's name is its format") {
  CHECK(report::format_of("a/b.svg") == Format::svg);
  CHECK(report::format_of("b.pdf") == Format::pdf);
  CHECK(report::format_of("b.png") == Format::png);
  CHECK(!report::format_of("a.svg/b"));
  CHECK(!report::format_of("b.jpeg"));
}

// Axes of 310 x 252 pixels, lines 2 wide.
TEST_CASE("curves are as far apart as they look, in widths of a line") {
  const Sheet sheet;
  const report::AxisRange x{0, 310}, y{0, 252};
  const auto apart = [&](const std::vector<double>& at, const std::vector<double>& a,
                         const std::vector<double>& b) {
    const double d = report::lines_apart(sheet, x, y, at, a, b);
    CHECK(report::lines_apart(sheet, x, y, at, b, a) == d);
    return d;
  };
  CHECK(apart({0, 10, 20}, {1, 5, 2}, {1, 5, 2}) == 0);
  CHECK(apart({0, 10, 20}, {1, 1, 1}, {7, 7, 7}) == 3);
  // A spike of height 6: from its tip down to the line.
  CHECK(apart({0, 10, 20}, {1, 1, 1}, {1, 7, 1}) == 3);
  // Lines of slope 1, one above the other by 4: 4 / sqrt(2) across, but 4 at the end of the lower one.
  CHECK(apart({0, 10, 20, 30}, {4, 14, 24, 34}, {0, 10, 20, 30}) == doctest::Approx(2));
  // A step of 100 that happens a pixel later is a pixel away, nearly; ten pixels later, ten.
  CHECK(apart({0, 1, 2, 3}, {0, 100, 100, 100}, {0, 0, 100, 100}) == doctest::Approx(.5).epsilon(1e-3));
  CHECK(apart({0, 10, 20, 30}, {0, 100, 100, 100}, {0, 0, 100, 100}) == doctest::Approx(5).epsilon(1e-2));
  const double far = std::numeric_limits<double>::infinity();
  CHECK(apart({0, 1}, {0, std::nan("")}, {0, 0}) == far);
  CHECK(apart({0, 1}, {0}, {0, 0}) == far);
  CHECK(apart({}, {}, {}) == far);
}

}  // namespace report_sheet_test
