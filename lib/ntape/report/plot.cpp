#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <ntape/report/axis.hpp>
#include <ntape/report/plot.hpp>

namespace ntape::report {
namespace detail {

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

}  // namespace detail

namespace {

using detail::number;
using detail::quoted;
using Style = Series::Style;

constexpr std::array<const char*, 6> kPalette = {"0072B2", "D55E00", "009E73", "CC79A7", "E69F00", "56B4E9"};
// Marks are told apart by their letters, too, so that black and grey can join.
constexpr std::array<const char*, 8> kScatterPalette = {"0072B2", "D55E00", "009E73", "CC79A7",
                                                        "E69F00", "56B4E9", "000000", "888888"};
constexpr const char* kBlack = "000000";

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

std::string axis_commands(char name, AxisRange range, bool logarithmic, const std::vector<Tic>& tics) {
  const std::string axis(1, name);
  std::string text = "set " + axis + "range [" + number(range.low) + ":" + number(range.high) + "]\n";
  text += logarithmic ? "set logscale " + axis + "\n" : "";
  if (tics.empty()) return text;
  std::string list;
  for (const Tic& tic : tics) {
    list += list.empty() ? "" : ", ";
    list += quoted(tic.label) + " " + number(tic.at) + (tic.label.empty() ? " 1" : "");
  }
  return text + "set " + axis + "tics (" + list + ") enhanced\n";
}

// None: gnuplot's own.
std::vector<Tic> tics_of(AxisRange range, bool logarithmic, int most) {
  if (logarithmic) return logarithmic_tics(range);
  return most > 0 ? linear_tics(range, most) : std::vector<Tic>{};
}

std::vector<Tic> x_tics(const Figure& figure, AxisRange range, int most) {
  if (!figure.x_tic_labels.empty()) {
    if (figure.x_tic_labels.size() != figure.x_tics.size())
      throw InternalError("figure '" + figure.title + "' has another number of tics than of labels");
    std::vector<Tic> tics;
    for (std::size_t k = 0; k < figure.x_tics.size(); ++k)
      tics.push_back({figure.x_tics[k], figure.x_tic_labels[k]});
    return tics;
  }
  if (!figure.x_tics.empty()) return chosen_tics(range, figure.log_x, figure.x_tics);
  return tics_of(range, figure.log_x, most);
}

// So many points can be told apart on a curve.
constexpr std::size_t kFewPoints = 40;

bool takes_a_colour(const Series& s) {
  return s.style == Style::line || s.style == Style::points || s.style == Style::scatter;
}

// What `plot` draws of one series of so many points, without its data block's name.
std::vector<std::string> plot_commands(const Series& s, std::size_t points, std::size_t coloured) {
  const std::size_t chosen = s.colour.value_or(coloured);
  // A second round of colours is told apart by dashes.
  const bool again = chosen >= kPalette.size();
  const std::string rgb = s.style == Style::reference ? kBlack
                          : s.style == Style::scatter ? kScatterPalette[chosen % kScatterPalette.size()]
                                                      : kPalette[chosen % kPalette.size()];
  const std::string paint = " lc rgb '#" + rgb + "'";
  const std::string title = s.label.empty() ? " notitle" : " title " + quoted(s.label);
  switch (s.style) {
    case Style::points:
      return {" using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 1.5" + paint + title};
    case Style::scatter:
      return {
          " using 1:2 with points " +
          (s.mark == 0 ? (points <= kFewPoints ? "pt 7 ps 1" : "pt 7 ps 0.5") : "pt " + quoted({s.mark})) +
          paint + title};
    case Style::trace:
      return {" using 1:2 with lines lw 0.7 lc rgb '#50" + rgb + "'" + title};
    case Style::fit:
    case Style::reference:
      return {" using 1:2 with lines lw 2 dt 2" + paint + title};
    case Style::line:
      break;
  }
  std::vector<std::string> commands;
  if (!s.low.empty())
    commands.push_back(" using 1:3:4 with filledcurves fs transparent solid 0.18 noborder" + paint +
                       " notitle");
  commands.push_back(" using 1:2 with lines lw 2" + std::string(again ? " dt 4" : "") + paint + title);
  // A curve of one point is a point, and its band a bar.
  if (points == 1 && !s.low.empty())
    commands.push_back(" using 1:2:3:4 with yerrorbars pt 7 ps 0.5 lw 1.5" + paint + " notitle");
  else if (points <= kFewPoints)
    commands.push_back(" using 1:2 with points pt 7 ps 0.5" + paint + " notitle");
  return commands;
}

}  // namespace

bool has_points(const Figure& figure) {
  return std::any_of(figure.series.begin(), figure.series.end(),
                     [&](const Series& s) { return !shown_points(figure, s).empty(); });
}

namespace detail {

AxesScript axes_script(const Figure& figure, const std::string& prefix, int x_labels, int y_labels) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  AxesScript script;
  std::size_t blocks = 0, coloured = 0;
  AxisRange x{kInfinity, -kInfinity}, y = x;
  for (const Series& s : figure.series) {
    const std::vector<Point> points = shown_points(figure, s);
    if (points.empty()) continue;
    const std::string block = "$" + prefix + std::to_string(blocks++);
    script.data += block + " << END_OF_DATA\n";
    for (const Point& p : points) {
      script.data += number(p.x) + ' ' + number(p.y) + ' ' + number(p.low) + ' ' + number(p.high) + '\n';
      x = {std::min(x.low, p.x), std::max(x.high, p.x)};
      y = {std::min({y.low, p.y, p.low}), std::max({y.high, p.y, p.high})};
    }
    script.data += "END_OF_DATA\n";
    if (takes_a_colour(s)) ++coloured;
    for (const std::string& command : plot_commands(s, points.size(), std::max<std::size_t>(coloured, 1) - 1))
      script.plot += (script.plot.empty() ? "plot " : ", \\\n     ") + block + command;
  }
  const AxisRange range = padded(x.low, x.high, figure.log_x),
                  up = figure.y_range.value_or(padded(y.low, y.high, figure.log_y));
  script.settings = "set xlabel " + quoted(figure.x_label) + " noenhanced offset 0,0.3\nset ylabel " +
                    quoted(figure.y_label) + " noenhanced\n" +
                    "set border 3 lc rgb '#444444'\nset tics nomirror\n" +
                    axis_commands('x', range, figure.log_x, x_tics(figure, range, x_labels)) +
                    axis_commands('y', up, figure.log_y, tics_of(up, figure.log_y, y_labels)) +
                    "set grid xtics ytics lc rgb '#DDDDDD' lt 1 lw 1\n";
  script.plot += "\n";
  script.x = range;
  return script;
}

}  // namespace detail
}  // namespace ntape::report
