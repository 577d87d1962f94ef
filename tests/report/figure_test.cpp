#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/report/figure.hpp>
#include <ntape/report/gnuplot.hpp>

#include "support/temp_dir.hpp"

namespace report_figure_test {

using namespace ntape;
using namespace ntape::test;
using report::Figure;
using report::Series;

namespace {

const double kNan = std::nan("");
const double kInfinity = std::numeric_limits<double>::infinity();

Figure simple(bool logarithmic = true) {
  Figure f;
  f.title = "A title";
  f.x_label = "x of it";
  f.y_label = "y of it";
  f.log_x = f.log_y = logarithmic;
  f.series.push_back(
      {.label = "first", .x = {1, 10, 100}, .y = {2, 20, 30}, .low = {1, 10, 20}, .high = {3, 30, 40}});
  return f;
}

// The rows of the k-th data block.
std::string block(const std::string& script, int k) {
  const std::string head = "$series" + std::to_string(k) + " << END_OF_DATA\n";
  const std::size_t begin = script.find(head);
  if (begin == std::string::npos) return "(none)";
  const std::size_t from = begin + head.size();
  return script.substr(from, script.find("END_OF_DATA", from) - from);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("points that cannot be shown are left out") {
  Figure f = simple();
  f.series[0].x = {1, 2, 3, 4, 5, kNan, 7};
  f.series[0].y = {1, 0, -1, kNan, kInfinity, 6, 7};
  f.series[0].low = {0, 1, 1, 1, 1, 1, kNan};
  f.series[0].high = {2, 1, 1, 1, 1, 1, 8};
  CHECK(block(report::gnuplot_script(f), 0) == "1 1 1 2\n7 7 7 8\n");  // bands end where they must
  f.log_x = f.log_y = false;
  CHECK(block(report::gnuplot_script(f), 0) == "1 1 0 2\n2 0 1 1\n3 -1 1 1\n7 7 7 8\n");
}

TEST_CASE("a series without points is not drawn, a figure without any cannot be") {
  Figure f = simple();
  f.series.push_back({.label = "void", .x = {1, 2}, .y = {0, kNan}, .low = {}, .high = {}});
  const std::string script = report::gnuplot_script(f);
  CHECK(!contains(script, "void"));
  CHECK(report::has_points(f));
  f.series.erase(f.series.begin());
  CHECK(!report::has_points(f));
  CHECK(!report::has_points(Figure{}));
  CHECK_THROWS_AS((void)report::gnuplot_script(f), InternalError);
}

TEST_CASE("texts come out letter by letter") {
  Figure f = simple();
  f.title = "back\\slash \"quote\" $x `echo ran` @a_b^c {d} \n end";
  f.series[0].label = "a_1 'b' \\n";
  const std::string script = report::gnuplot_script(f);
  CHECK(contains(script, "set title 'back\\slash \"quote\" $x `echo ran` @a_b^c {d}   end' noenhanced"));
  CHECK(contains(script, "title 'a_1 ''b'' \\n'"));
  const std::string svg = report::draw_svg(f);
  CHECK(contains(svg, "back\\slash \"quote\" $x `echo ran` @a_b^c {d}"));
  CHECK(contains(svg, "a_1 'b' \\n"));
}

TEST_CASE("styles: bands for lines, bars for points, dashes for fits and references") {
  Figure f = simple();
  Series points = f.series[0], fit = f.series[0], reference = f.series[0];
  points.style = Series::Style::points;
  fit.style = Series::Style::fit;
  reference.style = Series::Style::reference;
  f.series = {f.series[0], points, fit, reference};
  const std::string script = report::gnuplot_script(f);
  CHECK(contains(script, "$series0 using 1:3:4 with filledcurves"));
  CHECK(contains(script, "$series0 using 1:2 with lines lw 2 lc rgb '#0072B2' title"));
  CHECK(contains(script, "$series1 using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 1.5 lc rgb '#D55E00'"));
  CHECK(contains(script, "$series2 using 1:2 with lines lw 2 dt 2 lc rgb '#D55E00'"));  // as its points
  CHECK(contains(script, "$series3 using 1:2 with lines lw 2 dt 2 lc rgb '#000000'"));
  CHECK(count(script, "filledcurves") == 1);
}

// gnuplot draws nothing for a line through one point.
TEST_CASE("a curve of few points shows them, one of a single point shows it with its bar") {
  Figure f = simple();
  // A point with a bar has a white halo, which is a mark as well.
  const auto marks = [&] {
    const std::string svg = report::draw_svg(f);
    return count(svg, "<use xlink:href='#gpPt6' ") - count(svg, "color='#FFFFFF'/>");
  };
  const std::string script = report::gnuplot_script(f);
  CHECK(contains(script, "$series0 using 1:2 with points pt 7 ps 0.5 lc rgb '#0072B2' notitle"));
  CHECK(marks() == 3);
  f.series[0] = {.label = "one", .x = {3}, .y = {5}, .low = {4}, .high = {6}};
  CHECK(contains(report::gnuplot_script(f), "$series0 using 1:2:3:4 with yerrorbars"));
  CHECK(marks() == 1);
  f.series[0] = {.label = "one", .x = {3}, .y = {5}, .low = {}, .high = {}};
  CHECK(marks() == 1);
  Series& many = f.series[0];
  many = {.label = "many", .x = {}, .y = {}, .low = {}, .high = {}};
  for (int k = 1; k <= 41; ++k) {
    many.x.push_back(k);
    many.y.push_back(k);
  }
  CHECK(marks() == 0);
  many.x.pop_back();
  many.y.pop_back();
  CHECK(marks() == 40);
}

TEST_CASE("more series than colours are told apart by dashes") {
  Figure f = simple();
  f.series.resize(13, f.series[0]);
  const std::string script = report::gnuplot_script(f);
  CHECK(count(script, "with lines lw 2 lc rgb '#0072B2'") == 1);
  CHECK(count(script, "with lines lw 2 dt 4 lc rgb '#0072B2'") == 2);
}

TEST_CASE("gnuplot draws a whole document, always the same, whatever the axes") {
  for (const bool logarithmic : {false, true}) {
    const Figure f = simple(logarithmic);
    const std::string svg = report::draw_svg(f);
    CHECK(contains(svg, "<svg"));
    CHECK(svg.find("</svg>") != std::string::npos);
    for (const char* text : {"A title", "x of it", "y of it", "first"}) CHECK(contains(svg, text));
    CHECK(report::draw_svg(f) == svg);
  }
}

TEST_CASE("one point, equal points, huge spans and chosen tics can be drawn") {
  for (const bool logarithmic : {false, true}) {
    Figure f = simple(logarithmic);
    f.series[0] = {.label = "one", .x = {3}, .y = {5}, .low = {}, .high = {}};
    CHECK(contains(report::draw_svg(f), "one"));
    f.series[0] = {.label = "equal", .x = {3, 3}, .y = {5, 5}, .low = {5, 5}, .high = {5, 5}};
    CHECK(contains(report::draw_svg(f), "equal"));
    f.series[0] = {.label = "far", .x = {1e-200, 1e200}, .y = {1e-200, 1e200}, .low = {}, .high = {}};
    CHECK(contains(report::draw_svg(f), "far"));
    f.x_tics = {1, 1e200};
    CHECK(contains(report::draw_svg(f), "1e+200"));
  }
}

TEST_CASE("what gnuplot does not understand is an error with its words") {
  const std::string message =
      message_of<report::GnuplotError>([] { (void)report::run_gnuplot("set nonsense\n"); });
  CHECK(contains(message, "gnuplot failed: "));
  CHECK(message.find('\n') == std::string::npos);
}

}  // namespace report_figure_test
