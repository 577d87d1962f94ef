#include <ntape/report/figure.hpp>
#include <ntape/report/gnuplot.hpp>
#include <ntape/report/plot.hpp>
#include <string_view>

namespace ntape::report {

std::string gnuplot_script(const Figure& figure) {
  if (!has_points(figure)) throw InternalError("figure '" + figure.title + "' has no point to show");
  const detail::AxesScript axes = detail::axes_script(figure, "series");
  return "set encoding utf8\n"
         "set terminal svg size 760,540 dynamic font 'sans-serif,14' background rgb 'white'\n"
         "set title " +
         detail::quoted(figure.title) +
         " noenhanced font ',15'\n"
         "set key below center horizontal Left reverse noenhanced spacing 1.25 samplen 2.5 height 1\n" +
         axes.settings + axes.data + axes.plot;
}

std::string draw_svg(const Figure& figure) {
  std::string svg = run_gnuplot(gnuplot_script(figure));
  const std::size_t end = svg.find_last_not_of(" \n\r\t");
  if (end == std::string::npos || !std::string_view(svg).substr(0, end + 1).ends_with("</svg>"))
    throw GnuplotError("gnuplot did not finish the figure '" + figure.title + "'");
  return svg;
}

}  // namespace ntape::report
