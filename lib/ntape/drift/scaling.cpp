#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/drift/scaling.hpp>

namespace ntape {

namespace {

struct Line {
  double slope, intercept;
  std::size_t points;
};

// Through the values that have a logarithm.
std::optional<Line> line_of(std::span<const double> widths, const std::vector<double>& values) {
  std::vector<double> x, y;
  double mean_x = 0, mean_y = 0;
  for (std::size_t w = 0; w < values.size(); ++w) {
    if (!(std::isfinite(values[w]) && values[w] > 0)) continue;
    x.push_back(std::log(widths[w]));
    y.push_back(std::log(values[w]));
  }
  const double count = static_cast<double>(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    mean_x += x[k] / count;
    mean_y += y[k] / count;
  }
  double spread = 0, product = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    spread += (x[k] - mean_x) * (x[k] - mean_x);
    product += (x[k] - mean_x) * (y[k] - mean_y);
  }
  if (x.size() < 2 || spread == 0) return std::nullopt;
  return Line{product / spread, mean_y - product / spread * mean_x, x.size()};
}

}  // namespace

std::optional<ScalingFit> fit_scaling(std::span<const double> widths,
                                      const std::vector<std::vector<double>>& values) {
  std::vector<double> slopes, intercepts;
  std::size_t left_out = 0;
  for (const auto& seed : values) {
    if (seed.size() != widths.size())
      throw InternalError("a seed with " + std::to_string(seed.size()) + " values at " +
                          std::to_string(widths.size()) + " widths");
    left_out += seed.size();
    const std::optional<Line> line = line_of(widths, seed);
    if (!line) continue;
    left_out -= line->points;
    slopes.push_back(line->slope);
    intercepts.push_back(line->intercept);
  }
  if (slopes.empty()) return std::nullopt;

  ScalingFit fit;
  fit.seeds = slopes.size();
  fit.left_out = left_out;
  const double n = static_cast<double>(slopes.size());
  for (const double s : slopes) fit.exponent += s / n;
  for (const double i : intercepts) fit.log_prefactor += i / n;
  if (slopes.size() >= 2) {
    double variance = 0;
    for (const double s : slopes) variance += (s - fit.exponent) * (s - fit.exponent) / (n - 1);
    const boost::math::students_t distribution(n - 1);
    fit.standard_error = std::sqrt(variance / n);
    fit.ci95 = boost::math::quantile(distribution, 0.975) * *fit.standard_error;
  }
  return fit;
}

}  // namespace ntape
