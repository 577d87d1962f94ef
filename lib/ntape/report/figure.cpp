#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <ntape/report/axis.hpp>
#include <ntape/report/figure.hpp>
#include <ntape/report/gnuplot.hpp>

namespace ntape::report {
namespace {

using Style = Series::Style;

constexpr std::array<const char*, 6> kPalette = {"#0072B2", "#D55E00", "#009E73",
                                                 "#CC79A7", "#E69F00", "#56B4E9"};
constexpr const char* kBlack = "#000000";

// A gnuplot single-quoted string, in which nothing is special: in double quotes, `...` would be run by a
// shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c == '\n' ? ' ' : c);
  return out + "'";
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

bool can_show(double value, bool log_axis) {
  return std::isfinite(value) && (!log_axis || value > 0);
}

struct Point {
  double x, y, low, high;
};

// A band that reaches down to 0 on a logarithmic axis ends at y.
std::vector<Point> shown_points(const Figure& figure, const Series& s) {
  std::vector<Point> points;
  for (std::size_t k = 0; k < s.x.size(); ++k) {
    if (!can_show(s.x[k], figure.log_x) || !can_show(s.y[k], figure.log_y)) continue;
    const auto end_of_band = [&](const std::vector<double>& end) {
      return k < end.size() && can_show(end[k], figure.log_y) ? end[k] : s.y[k];
    };
    points.push_back({s.x[k], s.y[k], end_of_band(s.low), end_of_band(s.high)});
  }
  return points;
}

// The same size on a page as on a screen of 96 pixels an inch; PNG at twice that.
const char* terminal(Format format) {
  switch (format) {
    case Format::pdf:
      return "set terminal pdfcairo size 7.92in,5.63in font 'sans-serif,14' background rgb 'white'\n";
    case Format::png:
      return "set terminal pngcairo size 1520,1080 fontscale 2 linewidth 2 pointscale 2 font 'sans-serif,14' "
             "background rgb 'white'\n";
    case Format::svg:
      break;
  }
  return "set terminal svg size 760,540 dynamic font 'sans-serif,14' background rgb 'white'\n";
}

std::string axis_commands(char name, AxisRange range, bool logarithmic, const std::vector<double>& chosen) {
  const std::string axis(1, name);
  std::string text = "set " + axis + "range [" + number(range.low) + ":" + number(range.high) + "]\n";
  if (logarithmic) text += "set logscale " + axis + "\n";
  if (!logarithmic && chosen.empty()) return text;
  std::string tics;
  for (const Tic& tic : chosen.empty() ? logarithmic_tics(range) : chosen_tics(range, logarithmic, chosen)) {
    tics += tics.empty() ? "" : ", ";
    tics += quoted(tic.label) + " " + number(tic.at) + (tic.label.empty() ? " 1" : "");
  }
  return text + "set " + axis + "tics (" + tics + ") enhanced\n";
}

// So many points can be told apart on a curve.
constexpr std::size_t kFewPoints = 40;

// What `plot` draws of one series of so many points, without its data block's name.
std::vector<std::string> plot_commands(const Series& s, std::size_t points, std::size_t coloured) {
  const std::size_t colour = coloured % kPalette.size();
  const bool again = coloured >= kPalette.size();  // a second round of colours is told apart by dashes
  const std::string paint =
      std::string(" lc rgb '") + (s.style == Style::reference ? kBlack : kPalette[colour]) + "'";
  const std::string title = " title " + quoted(s.label);
  if (s.style == Style::points) return {" using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 1.5" + paint + title};
  const bool dashed = s.style == Style::fit || s.style == Style::reference;
  std::vector<std::string> commands;
  if (s.style == Style::line && !s.low.empty())
    commands.push_back(" using 1:3:4 with filledcurves fs transparent solid 0.18 noborder" + paint +
                       " notitle");
  commands.push_back(" using 1:2 with lines lw 2" +
                     std::string(dashed  ? " dt 2"
                                 : again ? " dt 4"
                                         : "") +
                     paint + title);
  // A curve of one point is a point, and its band a bar.
  if (s.style == Style::line && points == 1 && !s.low.empty())
    commands.push_back(" using 1:2:3:4 with yerrorbars pt 7 ps 0.5 lw 1.5" + paint + " notitle");
  else if (s.style == Style::line && points <= kFewPoints)
    commands.push_back(" using 1:2 with points pt 7 ps 0.5" + paint + " notitle");
  return commands;
}

}  // namespace

bool has_points(const Figure& figure) {
  return std::any_of(figure.series.begin(), figure.series.end(),
                     [&](const Series& s) { return !shown_points(figure, s).empty(); });
}

std::optional<Format> format_of(const std::string& path) {
  if (path.ends_with(".svg")) return Format::svg;
  if (path.ends_with(".pdf")) return Format::pdf;
  if (path.ends_with(".png")) return Format::png;
  return {};
}

std::string gnuplot_script(const Figure& figure, Format format) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!has_points(figure)) throw InternalError("figure '" + figure.title + "' has no point to show");
  std::string data, plot;
  std::size_t blocks = 0, coloured = 0;
  AxisRange x{kInfinity, -kInfinity}, y = x;
  for (const Series& s : figure.series) {
    const std::vector<Point> points = shown_points(figure, s);
    if (points.empty()) continue;
    const std::string block = "$series" + std::to_string(blocks++);
    data += block + " << END_OF_DATA\n";
    for (const Point& p : points) {
      data += number(p.x) + ' ' + number(p.y) + ' ' + number(p.low) + ' ' + number(p.high) + '\n';
      x = {std::min(x.low, p.x), std::max(x.high, p.x)};
      y = {std::min({y.low, p.y, p.low}), std::max({y.high, p.y, p.high})};
    }
    data += "END_OF_DATA\n";
    if (s.style == Style::line || s.style == Style::points) ++coloured;
    for (const std::string& command : plot_commands(s, points.size(), std::max<std::size_t>(coloured, 1) - 1))
      plot += (plot.empty() ? "plot " : ", \\\n     ") + block + command;
  }
  return std::string("set encoding utf8\n") + terminal(format) + "set title " + quoted(figure.title) +
         " noenhanced font ',15'\nset xlabel " + quoted(figure.x_label) +
         " noenhanced offset 0,0.3\nset ylabel " + quoted(figure.y_label) +
         " noenhanced\n"
         "set key below center horizontal Left reverse noenhanced spacing 1.25 samplen 2.5 height 1\n"
         "set border 3 lc rgb '#444444'\nset tics nomirror\n" +
         axis_commands('x', padded(x.low, x.high, figure.log_x), figure.log_x, figure.x_tics) +
         axis_commands('y', padded(y.low, y.high, figure.log_y), figure.log_y, {}) +
         "set grid xtics ytics lc rgb '#DDDDDD' lt 1 lw 1\n" + data + plot + "\n";
}

std::string draw(const Figure& figure, Format format) {
  if (format == Format::svg) return draw_svg(figure);
  std::string bytes = run_gnuplot(gnuplot_script(figure, format));
  const std::string end = format == Format::pdf ? "%%EOF" : "IEND";
  if (bytes.size() < 16 || bytes.find(end, bytes.size() - 16) == std::string::npos)
    throw GnuplotError("gnuplot did not finish the figure '" + figure.title + "'");
  return bytes;
}

std::string draw_svg(const Figure& figure) {
  std::string svg = run_gnuplot(gnuplot_script(figure));
  const std::size_t end = svg.find_last_not_of(" \n\r\t");
  if (end == std::string::npos || !std::string_view(svg).substr(0, end + 1).ends_with("</svg>"))
    throw GnuplotError("gnuplot did not finish the figure '" + figure.title + "'");
  return svg;
}

}  // namespace ntape::report
