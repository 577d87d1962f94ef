#pragma once

#include <ntape/base/errors.hpp>
#include <ntape/report/axis.hpp>
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
    trace,      ///< a thin line, one of many, in the colour of the series before it unless `colour` says
    scatter,    ///< a mark at each point
  };
  std::string label;
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< around y, where the style shows them; empty: none
  Style style = Style::line;
  std::optional<std::size_t> colour = {};  ///< of the palette; empty: the next one
  char mark = 0;                           ///< of a scatter: a letter or digit; 0: a disk
};

struct Figure {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;
  std::vector<double> x_tics;  ///< where the x axis has its labels; empty: chosen by its range
  std::vector<std::string> x_tic_labels = {};  ///< one for each of x_tics; empty: their numbers
  std::optional<AxisRange> y_range = {};       ///< of the y axis; empty: as the points need it
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

/// The gnuplot program that draws the figure as SVG to its standard output. Points that cannot be shown (see
/// has_points) are left out. Texts are UTF-8 and appear letter by letter: no markup. Colours are the
/// Okabe-Ito palette, safe for colour-blind readers; the key stands below the axes and names the series that
/// have a label.
/// Throws InternalError unless has_points(figure).
[[nodiscard]] std::string gnuplot_script(const Figure& figure);

/// The figure as an SVG document. Same figure, same bytes. Throws GnuplotError when gnuplot is missing, fails
/// or does not finish the document; InternalError unless has_points(figure).
[[nodiscard]] std::string draw_svg(const Figure& figure);

}  // namespace ntape::report
