#include "limit_curve.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/report/sheet.hpp>
#include <ntape/run/table.hpp>
#include <numbers>

#include "interrupt.hpp"
#include "number.hpp"
#include "options.hpp"

namespace ntape::tools {
namespace {

std::string degrees_of(double angle) {
  return run::significant(angle * 180 / std::numbers::pi, 4);
}

// Every how many of n rows are shown, so that the first and, if it can be, the last are among at most 13.
Index shown_step(Index n) {
  constexpr Index kShown = 13;
  const Index least = (n + kShown - 2) / (kShown - 1);
  for (Index step = least; step <= 2 * least; ++step)
    if ((n - 1) % step == 0) return step;
  return least;
}

void print_curve(const Curve& c, double square, std::ostream& out) {
  const Index n = c.angles.size(), step = shown_step(n);
  std::vector<std::vector<std::string>> rows;
  for (Index k = 0; k < n; k += step)
    rows.push_back(
        {degrees_of(c.angles[k]), number(c.kappa.value[k]), run::significant(c.kappa.bound[k], 2)});
  out << "kappa, the NTK by the angle between inputs with |x|^2 / n_0 = " << number(square) << ":\n"
      << run::format_table({"angle (degrees)", "kappa", "error below"}, rows);
  if (c.cusp > 0)
    out << "a cusp at angle 0: kappa falls by " << number(c.cusp) << " a radian\n";
  else
    out << "smooth at angle 0\n";
}

void print_series(const PowerSeries& s, std::ostream& out) {
  constexpr Index kShown = 8;
  std::vector<std::vector<std::string>> rows;
  for (Index k = 0; k < s.value.size() && k < kShown; ++k)
    rows.push_back(
        {std::to_string(k), number(s.value[k]), run::significant(s.bound[k], 2), number(s.tail[k])});
  out << "kappa = sum over k of b_k cos^k:\n"
      << run::format_table({"k", "b_k", "error below", "left below"}, rows);
  if (s.degree)
    out << "a polynomial of degree " << *s.degree << " at most\n";
  else
    out << "after k = " << s.value.size() - 1 << " less than " << number(s.tail.back())
        << " of kappa(1) = " << number(s.kappa_one) << " is left\n";
}

report::Figure curve_figure(const Curve& c, const std::string& title, double square) {
  report::Figure f;
  f.title = title;
  f.x_label = "angle between inputs, degrees";
  f.y_label = "limit NTK at |x|² / n₀ = " + number(square);
  f.x_tics = {0, 30, 60, 90, 120, 150, 180};
  report::Series s;
  s.label = "κ(cos angle)";
  for (Index k = 0; k < c.angles.size(); ++k) {
    s.x.push_back(c.angles[k] * 180 / std::numbers::pi);
    s.y.push_back(c.kappa.value[k]);
    // no wider than the line unless it matters
    s.low.push_back(c.kappa.value[k] - c.kappa.bound[k]);
    s.high.push_back(c.kappa.value[k] + c.kappa.bound[k]);
  }
  f.series.push_back(std::move(s));
  return f;
}

report::Figure series_figure(const PowerSeries& series, const std::string& title) {
  report::Figure f;
  f.title = title;
  f.x_label = "k + 1";
  f.y_label = "coefficient of cos^k";
  f.log_x = f.log_y = true;
  for (const Index parity : {Index(0), Index(1)}) {
    report::Series s;
    s.label = parity == 0 ? "b_k, k even" : "b_k, k odd";
    s.style = report::Series::Style::points;
    for (Index k = parity; k < series.value.size(); k += 2) {
      if (!(series.value[k] > series.bound[k])) continue;
      s.x.push_back(static_cast<double>(k + 1));
      s.y.push_back(series.value[k]);
      s.low.push_back(series.value[k] - series.bound[k]);
      s.high.push_back(series.value[k] + series.bound[k]);
    }
    f.series.push_back(std::move(s));
  }
  report::Series tail;
  tail.label = "what is left after k";
  tail.style = report::Series::Style::reference;
  for (Index k = 0; k < series.tail.size(); ++k) {
    tail.x.push_back(static_cast<double>(k + 1));
    tail.y.push_back(series.tail[k]);
  }
  f.series.push_back(std::move(tail));
  return f;
}

void write(const std::string& path, const std::string& bytes) {
  const SignalsHeld held;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw UserError("'" + path + "' could not be written");
}

}  // namespace

Curve answer_curve(const Architecture& a, double square, Index points, Index degrees, std::ostream& out,
                   nlohmann::json& facts) {
  Curve c;
  for (Index k = 0; k < points; ++k)
    c.angles.push_back(k + 1 == points
                           ? std::numbers::pi
                           : std::numbers::pi * static_cast<double>(k) / static_cast<double>(points - 1));
  c.kappa = angle_curve(a, square, c.angles);
  c.cusp = angle_cusp(a, square);
  c.series = power_series(a, degrees, square);
  print_curve(c, square, out);
  print_series(c.series, out);
  facts["curve"] = {{"square", square},          {"angle", c.angles},      {"kappa", c.kappa.value},
                    {"bound", c.kappa.bound},    {"cusp", c.cusp},         {"b", c.series.value},
                    {"b_bound", c.series.bound}, {"b_tail", c.series.tail}};
  facts["curve"]["degree"] = c.series.degree ? nlohmann::json(*c.series.degree) : nlohmann::json(nullptr);
  return c;
}

void add_curve(io::NpzWriter& file, const Curve& c) {
  const auto add = [&](const char* name, const std::vector<double>& values) {
    file.add<double>(name, {values.size()}, values);
  };
  add("angle", c.angles);
  add("kappa", c.kappa.value);
  add("kappa_bound", c.kappa.bound);
  add("b", c.series.value);
  add("b_bound", c.series.bound);
  add("b_tail", c.series.tail);
}

std::string series_path(const std::string& path) {
  return path.substr(0, path.size() - 4) + "-series" + path.substr(path.size() - 4);
}

void require_figure(const std::string& path) {
  if (!report::format_of(path))
    throw UserError("the figure '" + path +
                    "' ends in none of .svg, .pdf and .png, and one of them is needed");
  require_new_file(path, "--figure");
  require_new_file(series_path(path), "--figure");
}

void draw_curve(const Curve& c, const Architecture& a, double square, const std::string& path) {
  const std::string title = "depth " + std::to_string(a.depth()) + ", " + layers_in_words(a) +
                            ", σ_w = " + number(a.weight_scale) + ", β = " + number(a.bias_scale);
  const report::Format format = *report::format_of(path);
  const report::Figure coefficients = series_figure(c.series, title);
  if (std::all_of(c.kappa.value.begin(), c.kappa.value.end(), [](double k) { return k == 0; }))
    throw UserError(
        "the NTK is 0 at every angle, and a figure of its coefficients has none to show; larger "
        "--weight-scale or --bias-scale are needed");
  // Both are drawn before either is written.
  const auto page = [&](report::Figure figure) {
    report::Sheet sheet;
    sheet.panels.push_back(std::move(figure));
    sheet.columns = 1;
    sheet.panel_width = 760;
    sheet.panel_height = 500;
    return report::draw(sheet, format);
  };
  const std::string curve = page(curve_figure(c, title, square)), series = page(coefficients);
  write(path, curve);
  write(series_path(path), series);
}

}  // namespace ntape::tools
