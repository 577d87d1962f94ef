#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/line_rule.hpp>
#include <ntape/limit/moments.hpp>
#include <sstream>

namespace ntape::limit {
namespace {

UserError not_integrable(double variance) {
  std::ostringstream text;
  text << "the dual of this function does not exist in double precision at variance " << variance
       << ": its values there, or their squares times the normal density, are not finite";
  return UserError(text.str());
}

UserError too_large(double variance) {
  std::ostringstream text;
  text << "the dual of this activation is an integral, right up to a variance of " << kLargestVariance
       << ", and the variance here is " << variance << "; smaller inputs or scales are needed";
  return UserError(text.str());
}

// Whether what lies at and beyond `reach` deviations is nothing beside the whole.
double far_part(const Function& s, double deviation, double reach) {
  double most = 0;
  for (const double side : {-1.0, 1.0}) {
    const double u = side * reach * deviation, f = s.f(u), df = s.df(u);
    const double weight = std::exp(-reach * reach / 2);
    most = std::fmax(most, weight * (f * f + u * u * df * df + df * df));
  }
  return most;
}

struct Sums {
  double mean = 0, value = 0, slope = 0, stretch = 0, curving = 0;
};

double distance(const Sums& a, const Sums& b) {
  const auto gap = [](double x, double y) { return y == 0 ? std::abs(x) : std::abs(x - y) / std::abs(y); };
  const double mean = b.value == 0 ? 0 : std::abs(a.mean - b.mean) / std::sqrt(b.value);
  return std::max({mean, gap(a.value, b.value), gap(a.slope, b.slope)});
}

// Whether a kink lies between the two: a jump is no slope.
bool crossed(const std::vector<double>& kinks, double from, double to) {
  return std::any_of(kinks.begin(), kinks.end(),
                     [&](double k) { return (k > from && k <= to) || (k < from && k >= to); });
}

Sums sums(const Function& s, double deviation, const LineRule& rule, bool coarse) {
  constexpr double kShift = 0x1p-20;  // relative, of u, to see how s' changes
  Sums sum;
  for (std::size_t j = 0; j < rule.size(); ++j) {
    if (coarse && !rule.even(j)) continue;
    const double w = coarse ? 2 * rule.weight[j] : rule.weight[j], u = deviation * rule.at[j];
    const double f = s.f(u), df = s.df(u);
    sum.mean += w * f;
    sum.value += w * f * f;
    sum.slope += w * df * df;
    if (coarse) continue;
    const double shift = crossed(s.kinks, u, u + kShift * u) ? -kShift : kShift;
    const double change = (s.df(u + shift * u) - df) / shift;
    sum.stretch += w * u * u * df * df;
    sum.curving += w * change * change;
  }
  return sum;
}

}  // namespace

std::vector<double> scaled_kinks(const Function& s, double variance) {
  std::vector<double> kinks;
  if (variance == 0) return kinks;
  for (const double k : s.kinks) kinks.push_back(k / std::sqrt(variance));
  return kinks;
}

double overlooked(double by_rule, double moment, double moment_error) {
  if (moment == 0) return 0;
  if (moment_error > kUnresolved) return 1;
  const double gap = std::abs(by_rule - moment) / moment;
  const double all = gap + (moment_error > kConverging ? moment_error : 0);
  return all > kUnresolved ? 1 : all > 1e-12 ? all : 0;
}

Sensitivity sharpened(Sensitivity given, const Function& s, double variance) {
  if (variance > kLargestVariance) return given;
  constexpr int kFew = 4;
  const Moments m = moments(s, variance, kFew);
  if (m.error < 1e-6) given.stretch = std::fmin(given.stretch, m.stretch * (1 + 1e-5));
  return given;
}

Moments moments(const Function& s, double variance, int refinements) {
  if (!(variance <= kLargestVariance)) throw too_large(variance);
  const double deviation = std::sqrt(variance);
  Moments m{.variance = variance};
  for (;; m.reach *= 1.4) {
    const LineTask task{deviation, 0, scaled_kinks(s, variance), m.reach};
    Sums fine;
    // What a halved spacing still changes by 1e-11 is right to rounding. What is 0 at all nodes may be seen
    // by more of them.
    for (int refinement = 0; refinement < refinements; ++refinement) {
      const LineRule rule = line_rule(task, refinement);
      fine = sums(s, deviation, rule, false);
      m.error = distance(sums(s, deviation, rule, true), fine);
      if ((m.error < 1e-11 && fine.value > 0 && fine.slope > 0) || variance == 0) break;
      if (!std::isfinite(fine.value) || !std::isfinite(fine.slope)) break;
    }
    if (!std::isfinite(fine.value) || !std::isfinite(fine.slope)) throw not_integrable(variance);
    const double far = far_part(s, deviation, m.reach);
    m.mean = fine.mean;
    m.value = fine.value;
    m.slope = fine.slope;
    m.stretch = std::sqrt(fine.stretch);
    m.curving = std::sqrt(fine.curving);
    const double converged = m.error > kConverging ? m.error : m.error * std::sqrt(m.error);
    m.error = (m.error > kUnresolved ? std::max(m.error, 1.0) : converged) + 16 * kEpsilon;
    if (far <= 1e-18 * (fine.value + fine.slope)) return m;
    if (m.reach > 27) throw not_integrable(variance);
  }
}

}  // namespace ntape::limit
