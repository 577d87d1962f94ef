#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ntape::report {

struct Series {
  enum class Style { line, points, dashed };
  std::string label;
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< a band (line) or error bars (points) around y; empty: none
  Style style = Style::line;
};

struct Figure {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;
  std::vector<Series> series;
};

/// The gnuplot program that draws the figure into `svg`. Points that a logarithmic axis cannot show (not
/// positive) or that are not finite are left out. Colours are the Okabe-Ito palette, safe for colour-blind
/// readers; the key stands outside the axes. Throws InternalError for a figure without a point to show.
[[nodiscard]] std::string gnuplot_script(const Figure& figure, const std::filesystem::path& svg);

/// Draws with gnuplot. Same figure, same bytes. Throws UserError when gnuplot is missing or fails.
void write_svg(const Figure& figure, const std::filesystem::path& svg);

}  // namespace ntape::report
