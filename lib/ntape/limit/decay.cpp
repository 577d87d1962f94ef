#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/sphere.hpp>
#include <numeric>
#include <vector>

namespace ntape {
namespace {

constexpr double kWellAbove = 10;  // times the bound
// An exponent that grows by more than this part of itself over the range is none.
constexpr double kSteep = 0.2;

bool well_known(const SphereSpectrum& s, Index k) {
  return s.value[k] > kWellAbove * s.bound[k];
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.);
}

// Least squares of y by 1, x and x^2, each without what those before it explain.
class Parabola {
 public:
  Parabola(const std::vector<double>& x, std::vector<double> y) {
    const double n = static_cast<double>(x.size());
    const auto centred = [n](std::vector<double> v) {
      const double mean = std::accumulate(v.begin(), v.end(), 0.) / n;
      for (double& e : v) e -= mean;
      return v;
    };
    std::vector<double> line = centred(x), bend = line;
    mean_ = x.front() - line.front();
    for (double& v : bend) v *= v;
    bend = centred(bend);
    tilt_ = dot(line, bend) / dot(line, line);
    for (Index i = 0; i < bend.size(); ++i) bend[i] -= tilt_ * line[i];
    y = centred(y);
    slope = take(line, y, n - 2, slope_error);
    if (x.size() > 3) curvature = take(bend, y, n - 3, curvature_error);
  }
  [[nodiscard]] double slope_at(double x) const { return slope + curvature * (2 * (x - mean_) - tilt_); }

  double slope = 0, slope_error = 0, curvature = 0, curvature_error = 0;

 private:
  // The coefficient of `part`, which is taken out of y.
  static double take(const std::vector<double>& part, std::vector<double>& y, double freedom, double& error) {
    const double size = dot(part, part), coefficient = dot(part, y) / size;
    for (Index i = 0; i < y.size(); ++i) y[i] -= coefficient * part[i];
    error = std::sqrt(dot(y, y) / freedom / size);
    return coefficient;
  }
  double mean_ = 0, tilt_ = 0;
};

}  // namespace

Decay decay_exponent(const SphereSpectrum& spectrum, Index first, Index last) {
  std::vector<double> x, y;
  Decay out{};
  for (Index k = std::max<Index>(first, 1); k <= last && k < spectrum.value.size(); ++k) {
    if (!well_known(spectrum, k)) continue;
    if (x.empty()) out.first = k;
    out.last = k;
    x.push_back(std::log(static_cast<double>(k)));
    y.push_back(std::log(spectrum.value[k]));
  }
  if (x.size() < 3)
    throw UserError("fewer than three eigenvalues from degree " + std::to_string(first) + " to " +
                    std::to_string(last) + " are above their error, too few for an exponent");
  const Parabola fit(x, y);
  out.exponent = fit.slope;
  out.error = fit.slope_error;
  if (x.size() == 3) return out;
  out.at_first = fit.slope_at(x.front());
  out.at_last = fit.slope_at(x.back());
  out.steepening =
      *out.at_first - *out.at_last > kSteep * std::abs(fit.slope) && fit.curvature < -3 * fit.curvature_error;
  return out;
}

Decay decay_exponent(const SphereSpectrum& spectrum) {
  Index last = spectrum.value.size() - 1;
  while (last > 0 && !well_known(spectrum, last)) --last;
  return decay_exponent(spectrum, last / 4, last);
}

}  // namespace ntape
