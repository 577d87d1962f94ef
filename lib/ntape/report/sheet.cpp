#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/report/gnuplot.hpp>
#include <ntape/report/plot.hpp>
#include <ntape/report/sheet.hpp>

namespace ntape::report {
namespace {

using detail::number;
using detail::quoted;

// Around the axes of a panel, in CSS pixels: labels of the y axis, nothing, title, labels of the x axis.
constexpr double kLeft = 74, kRight = 16, kAbove = 34, kBelow = 54;
constexpr double kTitle = 34, kKeyRow = 22;
constexpr double kLineWidth = 2;  // `lw 2`
constexpr int kXLabels = 6, kYLabels = 8;
constexpr const char* kFont = "'sans-serif,13'";

struct Layout {
  double width, height, title, key;
  std::size_t rows, columns;
};

Layout layout_of(const Sheet& sheet) {
  const std::size_t columns =
      std::clamp<std::size_t>(sheet.columns, 1, std::max<std::size_t>(sheet.panels.size(), 1));
  const std::size_t rows = (sheet.panels.size() + columns - 1) / columns;
  const double title = sheet.title.empty() ? 0 : kTitle;
  const double key = kKeyRow * static_cast<double>(sheet.key_rows) + 8;
  return {static_cast<double>(columns) * sheet.panel_width,
          static_cast<double>(rows) * sheet.panel_height + title + key,
          title,
          key,
          rows,
          columns};
}

std::string terminal(const Layout& l, Format format) {
  const auto size = [&](double scale, const char* unit) {
    return "size " + number(l.width * scale) + unit + "," + number(l.height * scale) + unit;
  };
  switch (format) {
    case Format::svg:
      return "set terminal svg " + size(1, "") + " dynamic font " + kFont + " background rgb 'white'\n";
    case Format::pdf:  // 13 pixels are 9.75 points
      return "set terminal pdfcairo " + size(1.0 / 96, "in") +
             " font 'sans-serif,9.75' fontscale 1 linewidth 0.75 background rgb 'white'\n";
    case Format::png:
      return "set terminal pngcairo " + size(2, "") +
             " font 'sans-serif,9.75' fontscale 2 linewidth 2 pointscale 2" + " background rgb 'white'\n";
  }
  throw InternalError("a format that is none");
}

// Where the axes of panel k are: fractions of the sheet, from below.
std::string margins(const Layout& l, const Sheet& sheet, std::size_t k) {
  const double left = static_cast<double>(k % l.columns) * sheet.panel_width;
  const double top = l.title + static_cast<double>(k / l.columns) * sheet.panel_height;
  const auto at = [](const char* side, double fraction) {
    return std::string("set ") + side + "margin at screen " + number(fraction) + "\n";
  };
  return at("l", (left + kLeft) / l.width) + at("r", (left + sheet.panel_width - kRight) / l.width) +
         at("t", 1 - (top + kAbove) / l.height) + at("b", 1 - (top + sheet.panel_height - kBelow) / l.height);
}

// The panels' series once more, below the sheet and out of sight, for the sake of their names: a key is only
// as wide as the axes that it belongs to.
std::string key_panel(const Layout& l, const Sheet& sheet, const std::vector<detail::AxesScript>& panels) {
  AxisRange x = panels.front().x;
  std::string plot = panels.front().plot;
  for (std::size_t k = 1; k < panels.size(); ++k) {
    x = {std::min(x.low, panels[k].x.low), std::max(x.high, panels[k].x.high)};
    // Its series after those before it: without "plot", nor the end of the line.
    plot.replace(plot.size() - 1, 1, ", \\\n     " + panels[k].plot.substr(5));
  }
  const double span = x.high - x.low;
  return "set lmargin at screen 0.02\nset rmargin at screen 0.98\nset bmargin at screen 0\n"
         "set tmargin at screen " +
         number(l.key / l.height) +
         "\nunset title\nunset xlabel\nunset ylabel\nunset border\nunset xtics\nunset ytics\nunset grid\n"
         "set key center center horizontal Left reverse noenhanced spacing 1.2 samplen 4 maxrows " +
         std::to_string(sheet.key_rows) + "\nset xrange [" + number(x.high + span) + ":" +
         number(x.high + 2 * span) + "]\n" + plot;
}

// In pixels.
struct Spot {
  double x, y;
};

double distance(Spot p, Spot from, Spot to) {
  const double dx = to.x - from.x, dy = to.y - from.y, square = dx * dx + dy * dy;
  const double along = square > 0 ? ((p.x - from.x) * dx + (p.y - from.y) * dy) / square : 0;
  const double t = std::clamp(along, 0.0, 1.0);
  return std::hypot(p.x - from.x - t * dx, p.y - from.y - t * dy);
}

// The largest distance of a spot from the line through the others.
double farthest(const std::vector<Spot>& spots, const std::vector<Spot>& line) {
  double most = 0;
  for (const Spot p : spots) {
    double least = distance(p, line.front(), line.front());
    for (std::size_t k = 0; k + 1 < line.size(); ++k)
      least = std::min(least, distance(p, line[k], line[k + 1]));
    most = std::max(most, least);
  }
  return most;
}

bool finished(std::string_view file, Format format) {
  const std::size_t end = file.find_last_not_of(" \n\r\t");
  if (end == std::string_view::npos) return false;
  switch (format) {
    case Format::svg:
      return file.substr(0, end + 1).ends_with("</svg>");
    case Format::pdf:
      return file.starts_with("%PDF-") && file.substr(0, end + 1).ends_with("%%EOF");
    case Format::png:
      return file.starts_with("\x89PNG") && file.find("IEND", file.size() - 12) != std::string_view::npos;
  }
  return false;
}

}  // namespace

std::string_view extension(Format format) {
  return format == Format::svg ? "svg" : format == Format::pdf ? "pdf" : "png";
}

std::optional<Format> format_of(const std::string& path) {
  for (const Format format : kFormats)
    if (path.ends_with('.' + std::string(extension(format)))) return format;
  return {};
}

double line_share(const Sheet& sheet) {
  return kLineWidth / (sheet.panel_height - kAbove - kBelow);
}

double lines_apart(const Sheet& sheet, AxisRange x_axis, AxisRange y_axis, const std::vector<double>& x,
                   const std::vector<double>& first, const std::vector<double>& second) {
  const auto finite = [](const std::vector<double>& v) {
    return std::all_of(v.begin(), v.end(), [](double value) { return std::isfinite(value); });
  };
  constexpr double kFar = std::numeric_limits<double>::infinity();
  if (x.empty() || first.size() != x.size() || second.size() != x.size()) return kFar;
  if (!finite(x) || !finite(first) || !finite(second)) return kFar;
  const double along = (sheet.panel_width - kLeft - kRight) / (x_axis.high - x_axis.low),
               up = (sheet.panel_height - kAbove - kBelow) / (y_axis.high - y_axis.low);
  const auto drawn = [&](const std::vector<double>& y) {
    std::vector<Spot> spots;
    for (std::size_t k = 0; k < x.size(); ++k) spots.push_back({along * x[k], up * y[k]});
    return spots;
  };
  const std::vector<Spot> a = drawn(first), b = drawn(second);
  return std::max(farthest(a, b), farthest(b, a)) / kLineWidth;
}

std::string gnuplot_script(const Sheet& sheet, Format format) {
  if (std::none_of(sheet.panels.begin(), sheet.panels.end(), has_points))
    throw InternalError("sheet '" + sheet.title + "' has no point to show");
  const Layout layout = layout_of(sheet);
  // A label belongs to one set of axes: the first that is drawn has the sheet's title.
  std::string data, panels, title, no_title, key;
  std::vector<detail::AxesScript> keyed;
  if (!sheet.title.empty()) {
    title = "set label 1 " + quoted(sheet.title) + " at screen 0.5," +
            number(1 - 0.6 * layout.title / layout.height) + " center noenhanced font '," +
            (format == Format::svg ? "15" : "11.25") + "'\n";
    no_title = "unset label 1\n";
  }
  for (std::size_t k = 0; k < sheet.panels.size(); ++k) {
    const Figure& figure = sheet.panels[k];
    if (!has_points(figure)) continue;
    const auto axes = detail::axes_script(figure, "panel" + std::to_string(k) + "_", kXLabels, kYLabels);
    data += axes.data;
    panels += (panels.empty() ? title : no_title) +
              "unset logscale\nset xtics autofreq\nset ytics autofreq\n" + margins(layout, sheet, k) +
              "set title " + quoted(figure.title) + " noenhanced offset 0,-0.3\nunset key\n" + axes.settings +
              axes.plot;
    if (sheet.key_of_all || k == sheet.key_of) keyed.push_back(axes);
  }
  if (!keyed.empty()) key = key_panel(layout, sheet, keyed);
  return "set encoding utf8\n" + terminal(layout, format) + data + "set multiplot\n" + panels + no_title +
         key + "unset multiplot\nunset output\n";
}

std::string draw(const Sheet& sheet, Format format) {
  std::string file = run_gnuplot(gnuplot_script(sheet, format));
  if (!finished(file, format)) throw GnuplotError("gnuplot did not finish the figure '" + sheet.title + "'");
  return file;
}

}  // namespace ntape::report
