#include <cmath>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/study/figure_parts.hpp>
#include <numbers>

namespace ntape::study::detail {

std::string n_is(Index width) {
  return "n = " + std::to_string(width);
}

std::string listed(const std::vector<Index>& all) {
  std::string text;
  for (const Index one : all) {
    if (!text.empty()) text += ',';
    text += std::to_string(one);
  }
  return text;
}

std::string written(const std::string& data) {
  return data == "mnist" ? "MNIST" : data == "fashion-mnist" ? "Fashion-MNIST" : data;
}

std::string name_of(Precision precision) {
  return precision == Precision::f32 ? "f32" : "f64";
}

std::string with_minus(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", std::abs(value));
  return (value < 0 ? "\u2212" : "") + std::string(text);
}

std::vector<double> numbers(const std::vector<Index>& all) {
  return {all.begin(), all.end()};
}

void require_seeds(std::uint64_t first, Index count, const std::string& figure) {
  if (count > 0 && first > std::numeric_limits<std::uint64_t>::max() - (count - 1))
    throw UserError(figure + " is asked for with " + std::to_string(count) + " seeds from " +
                    std::to_string(first) + " on, and the last one must be below 2^64");
}

void require_angles(Index angles, const std::string& figure) {
  if (angles < 3 || angles % 2 == 0)
    throw UserError(figure + " is asked for at " + std::to_string(angles) +
                    " angles; an odd number of at least 3 is needed, so that 0 is one");
}

std::vector<double> around_the_circle(Index angles) {
  const double half = static_cast<double>(angles / 2);
  std::vector<double> list;
  for (Index m = 0; m < angles; ++m)
    list.push_back(std::numbers::pi * ((static_cast<double>(m) - half) / half));
  return list;
}

Matrix<double> on_the_circle(const std::vector<double>& angles) {
  Matrix<double> x = make_matrix<double>(angles.size(), 2);
  for (Index m = 0; m < angles.size(); ++m) {
    x(m, 0) = std::cos(angles[m]);
    x(m, 1) = std::sin(angles[m]);
  }
  return x;
}

report::Figure circle_panel(const std::string& title, const std::string& y_label) {
  constexpr double kPi = std::numbers::pi;
  report::Figure panel;
  panel.title = title;
  panel.x_label = "angle \u03b3 (radians)";
  panel.y_label = y_label;
  panel.x_tics = {-kPi, -kPi / 2, 0, kPi / 2, kPi};
  panel.x_tic_labels = {"\u2212\u03c0", "\u2212\u03c0/2", "0", "\u03c0/2", "\u03c0"};
  return panel;
}

void add_band(report::Figure& figure, const std::string& label, std::size_t colour,
              const std::vector<double>& x, const Curves& curves) {
  using report::Series;
  if (curves.empty()) return;
  Series mean;
  mean.label = label;
  mean.colour = colour;
  mean.x = x;
  for (Index m = 0; m < x.size(); ++m) {
    double sum = 0, low = kNoEdge, high = -kNoEdge;
    for (const auto* curve : curves) {
      sum += (*curve)[m];
      low = std::min(low, (*curve)[m]);
      high = std::max(high, (*curve)[m]);
    }
    mean.y.push_back(sum / static_cast<double>(curves.size()));
    mean.low.push_back(low);
    mean.high.push_back(high);
  }
  for (const auto* curve : curves) {
    Series trace;
    trace.style = Series::Style::trace;
    trace.colour = colour;
    trace.x = x;
    trace.y = *curve;
    figure.series.push_back(std::move(trace));
  }
  figure.series.push_back(std::move(mean));
}

report::Series range_points(const std::vector<double>& x, const std::vector<std::vector<double>>& values) {
  report::Series points;
  points.style = report::Series::Style::points;
  for (Index k = 0; k < x.size(); ++k) {
    std::vector<double> here;
    for (const auto& seed : values)
      if (std::isfinite(seed[k])) here.push_back(seed[k]);
    if (here.empty()) continue;
    points.x.push_back(x[k]);
    points.y.push_back(mean_of(here).value);
    points.low.push_back(*std::min_element(here.begin(), here.end()));
    points.high.push_back(*std::max_element(here.begin(), here.end()));
  }
  return points;
}

report::Series power_line(const report::Series& points, double exponent) {
  report::Series line;
  line.style = report::Series::Style::reference;
  double middle = 0;
  for (Index k = 0; k < points.x.size(); ++k)
    middle +=
        (std::log(points.y[k]) - exponent * std::log(points.x[k])) / static_cast<double>(points.x.size());
  for (const double x : points.x) {
    line.x.push_back(x);
    line.y.push_back(std::exp(middle) * std::pow(x, exponent));
  }
  return line;
}

Measured measured_exponent(const std::optional<ScalingFit>& fit) {
  if (!fit) return kUnmeasured;
  return {fit->exponent, fit->standard_error.value_or(kNoEdge), static_cast<double>(fit->seeds) - 1};
}

std::string mean_over(Index count, const std::string& each) {
  return ", mean over " + std::to_string(count) + ' ' + each + (count == 1 ? "" : "s");
}

Claim stability_claim(double worst) {
  return {"the rate is stable at the start and at the end",
          "rate over the critical rate 2 / lambda_max(Theta / N) there, largest of all networks",
          {worst},
          -kNoEdge,
          1,
          "smaller than 1"};
}

}  // namespace ntape::study::detail
