#pragma once

#include <ntape/report/figure.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ntape::report {

/// Several figures side by side, for print, with one key below them all.
struct Sheet {
  std::vector<Figure> panels;  ///< from left to right, then down; titles stand above each
  std::string title;           ///< above all; empty: none
  std::size_t columns = 2;
  std::size_t key_of = 0;    ///< the panel whose series the key names
  bool key_of_all = false;   ///< instead: those of every panel, one after another
  std::size_t key_rows = 1;  ///< how many lines the key may take
  double panel_width = 400;  ///< in CSS pixels, 96 to the inch
  double panel_height = 340;
};

enum class Format { svg, pdf, png };
inline constexpr Format kFormats[] = {Format::svg, Format::pdf, Format::png};
[[nodiscard]] std::string_view extension(Format format);  ///< "svg", "pdf", "png"
/// By the ending of a file's name, .svg, .pdf or .png; empty for others.
[[nodiscard]] std::optional<Format> format_of(const std::string& path);

/// The width of a curve over the height of a panel's axes: what cannot be seen.
[[nodiscard]] double line_share(const Sheet& sheet);

/// How far two curves over the same ascending x are apart in a panel whose axes are x and y, in widths of a
/// line: the farthest that a point of one is from the other curve, drawn from point to point, in any
/// direction. A step that happens a little later moves its curve a little, not by the height of the step.
/// Curves of other sizes than x, of no points or with a value that is not finite are infinitely far apart.
/// Cost M^2.
[[nodiscard]] double lines_apart(const Sheet& sheet, AxisRange x_axis, AxisRange y_axis,
                                 const std::vector<double>& x, const std::vector<double>& first,
                                 const std::vector<double>& second);

/// The gnuplot program that draws the sheet to its standard output. As gnuplot_script for each panel; a panel
/// without points is left empty. Throws InternalError when no panel has a point.
[[nodiscard]] std::string gnuplot_script(const Sheet& sheet, Format format);

/// The finished file: svg and pdf scale, png has 192 pixels to the inch. Throws GnuplotError when gnuplot is
/// missing, fails or does not finish the file; InternalError as gnuplot_script.
[[nodiscard]] std::string draw(const Sheet& sheet, Format format);

}  // namespace ntape::report
