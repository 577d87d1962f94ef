#pragma once

#include <ntape/report/figure.hpp>
#include <string>

/// Gnuplot's words for one set of axes; no part of the library's interface.
namespace ntape::report::detail {

/// A gnuplot single-quoted string, in which nothing is special: in double quotes, `...` would be run by a
/// shell.
[[nodiscard]] std::string quoted(const std::string& text);
/// With 17 digits.
[[nodiscard]] std::string number(double value);

/// Data blocks named after `prefix`, at most so many labels on a linear axis (0: gnuplot's own), ranges,
/// tics, titles of the axes, and `plot`: all but terminal, title, key and margins. The figure must have
/// points.
struct AxesScript {
  std::string settings;  ///< axes: what stands before the data
  std::string data;      ///< `$name << END_OF_DATA` blocks; not allowed inside a multiplot
  std::string plot;
  AxisRange x;  ///< beyond which nothing is drawn
};
[[nodiscard]] AxesScript axes_script(const Figure& figure, const std::string& prefix, int x_labels = 0,
                                     int y_labels = 0);

}  // namespace ntape::report::detail
