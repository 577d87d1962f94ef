#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <ntape/base/errors.hpp>
#include <ntape/report/figure.hpp>

extern char** environ;

namespace ntape::report {
namespace {

constexpr std::array<const char*, 7> kPalette = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000"};

// A gnuplot double-quoted string; labels are drawn with `noenhanced`, so only these two are special.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

bool can_show(double value, bool log_axis) {
  return std::isfinite(value) && (!log_axis || value > 0);
}

// x y low high; without a band low = high = y. A band that reaches down to 0 on a log axis ends at y.
std::string data_block(const Figure& figure, const Series& s) {
  std::string rows;
  const bool band = !s.low.empty();
  for (std::size_t k = 0; k < s.x.size(); ++k) {
    if (!can_show(s.x[k], figure.log_x) || !can_show(s.y[k], figure.log_y)) continue;
    const double low = band && can_show(s.low[k], figure.log_y) ? s.low[k] : s.y[k];
    const double high = band && can_show(s.high[k], figure.log_y) ? s.high[k] : s.y[k];
    rows += number(s.x[k]) + ' ' + number(s.y[k]) + ' ' + number(low) + ' ' + number(high) + '\n';
  }
  return rows;
}

}  // namespace

std::string gnuplot_script(const Figure& figure, const std::filesystem::path& svg) {
  std::string data, plot;
  std::size_t shown = 0;
  std::size_t colour = 0;
  for (const Series& s : figure.series) {
    const std::string rows = data_block(figure, s);
    if (rows.empty()) continue;
    const std::string block = "$series" + std::to_string(shown++);
    data += block + " << END_OF_DATA\n" + rows + "END_OF_DATA\n";
    // A fit is drawn in the colour of the points it follows.
    const bool fit = s.style == Series::Style::dashed && colour > 0;
    const std::string paint =
        " lc rgb '" + std::string(kPalette[(fit ? colour - 1 : colour++) % kPalette.size()]) + "'";
    const std::string title = " title " + quoted(s.label);
    const auto add = [&](const std::string& command) {
      plot += (plot.empty() ? "plot " : ", \\\n     ") + command;
    };
    if (s.style == Series::Style::points) {
      add(block + " using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 1.5" + paint + title);
    } else {
      if (!s.low.empty())
        add(block + " using 1:3:4 with filledcurves fs transparent solid 0.18 noborder" + paint + " notitle");
      add(block + " using 1:2 with lines lw 2" + (s.style == Series::Style::dashed ? " dt 2" : "") + paint +
          title);
    }
  }
  if (shown == 0) throw InternalError("figure '" + figure.title + "' has no point to show");
  std::string script =
      "set terminal svg size 820,480 dynamic font 'sans-serif,14' background rgb 'white' noenhanced\n"
      "set output " +
      quoted(svg.string()) + "\n" + "set title " + quoted(figure.title) + " noenhanced\n" + "set xlabel " +
      quoted(figure.x_label) + " noenhanced\n" + "set ylabel " + quoted(figure.y_label) + " noenhanced\n" +
      "set key outside right top Left reverse noenhanced spacing 1.3\n"
      "set grid lc rgb '#DDDDDD' lt 1 lw 1\n"
      "set border 3 lc rgb '#444444'\nset tics nomirror\n";
  if (figure.log_x) script += "set logscale x\n";
  if (figure.log_y) script += "set logscale y\nset format y '%.0e'\n";
  return script + data + plot + "\n";
}

void write_svg(const Figure& figure, const std::filesystem::path& svg) {
  std::filesystem::path script = svg;
  script += ".gnuplot";
  {
    std::ofstream out(script);
    out << gnuplot_script(figure, svg);
    out.close();
    if (!out) throw UserError("'" + script.string() + "' could not be written");
  }
  std::string program = "gnuplot", argument = script.string();
  char* const words[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", nullptr, nullptr, words, environ);
  int status = -1;
  if (error == 0) waitpid(child, &status, 0);
  std::filesystem::remove(script);
  if (error != 0) throw UserError("gnuplot is needed for figures; install the Debian package gnuplot-nox");
  if (status != 0 || !std::filesystem::exists(svg))
    throw UserError("gnuplot could not draw '" + figure.title + "' into '" + svg.string() + "'");
}

}  // namespace ntape::report
