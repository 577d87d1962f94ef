#pragma once

#include <ntape/base/errors.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ntape::report {

struct Series {
  enum class Style {
    line,       ///< with a band from low to high, and its points if they are few
    points,     ///< with error bars from low to high
    fit,        ///< dashed, in the colour of the series before it
    reference,  ///< dashed and black: what the others are compared with
  };
  std::string label;
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< around y, where the style shows them; empty: none
  Style style = Style::line;
};

struct Figure {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;
  std::vector<double> x_tics;  ///< where the x axis has its labels; empty: chosen by its range
  std::vector<Series> series;
};

/// gnuplot is missing, or could not draw. The message names the Debian package.
class GnuplotError : public UserError {
 public:
  using UserError::UserError;
};

/// Whether a point would be seen: finite, and positive on a logarithmic axis. A figure without one cannot be
/// drawn.
[[nodiscard]] bool has_points(const Figure& figure);

enum class Format { svg, pdf, png };

/// By the ending of a file's name, .svg, .pdf or .png; empty for others.
[[nodiscard]] std::optional<Format> format_of(const std::string& path);

/// The gnuplot program that draws the figure to its standard output. Points that cannot be shown (see
/// has_points) are left out. Texts are UTF-8 and appear letter by letter: no markup. Colours are the
/// Okabe-Ito palette, safe for colour-blind readers; the key stands below the axes.
/// Throws InternalError unless has_points(figure).
[[nodiscard]] std::string gnuplot_script(const Figure& figure, Format format = Format::svg);

/// The figure as an SVG document. Same figure, same bytes. Throws GnuplotError when gnuplot is missing, fails
/// or does not finish the document; InternalError unless has_points(figure).
[[nodiscard]] std::string draw_svg(const Figure& figure);
/// The bytes of a file of that format; a PDF says when it was made.
[[nodiscard]] std::string draw(const Figure& figure, Format format);

}  // namespace ntape::report
