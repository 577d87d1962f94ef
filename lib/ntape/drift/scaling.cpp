#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <ntape/drift/scaling.hpp>

namespace ntape {

std::optional<ScalingFit> fit_scaling(std::span<const double> widths,
                                      const std::vector<std::vector<double>>& values) {
  const double count = static_cast<double>(widths.size());
  double mean_x = 0;
  for (const double w : widths) mean_x += std::log(w) / count;
  double spread = 0;
  for (const double w : widths) spread += (std::log(w) - mean_x) * (std::log(w) - mean_x);
  if (widths.size() < 2 || spread == 0) return std::nullopt;

  std::vector<double> slopes, intercepts;
  for (const auto& seed : values) {
    const bool usable = seed.size() == widths.size() && std::all_of(seed.begin(), seed.end(), [](double v) {
                          return std::isfinite(v) && v > 0;
                        });
    if (!usable) continue;
    double mean_y = 0, product = 0;
    for (const double v : seed) mean_y += std::log(v) / count;
    for (std::size_t w = 0; w < seed.size(); ++w)
      product += (std::log(widths[w]) - mean_x) * (std::log(seed[w]) - mean_y);
    slopes.push_back(product / spread);
    intercepts.push_back(mean_y - product / spread * mean_x);
  }
  if (slopes.empty()) return std::nullopt;

  ScalingFit fit;
  fit.seeds = slopes.size();
  const double n = static_cast<double>(slopes.size());
  for (const double s : slopes) fit.exponent += s / n;
  for (const double i : intercepts) fit.log_prefactor += i / n;
  if (slopes.size() >= 2) {
    double variance = 0;
    for (const double s : slopes) variance += (s - fit.exponent) * (s - fit.exponent) / (n - 1);
    const boost::math::students_t distribution(n - 1);
    fit.ci95 = boost::math::quantile(distribution, 0.975) * std::sqrt(variance / n);
  }
  return fit;
}

}  // namespace ntape
