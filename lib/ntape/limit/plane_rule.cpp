#include <algorithm>
#include <cmath>
#include <ntape/limit/line_rule.hpp>
#include <ntape/limit/plane_rule.hpp>
#include <ntape/limit/rule.hpp>

namespace ntape::limit {
namespace {

// Means of products, of their sizes, and by the coarse rules.
struct Totals {
  double value = 0, slope = 0;
  double value_size = 0, slope_size = 0;
  double coarse_value = 0, coarse_slope = 0;
  double square = 0, slope_square = 0;  // of s(u) and s'(u) alone
};

// v given z: mean slope_of_mean z, deviation t.
struct Conditional {
  double slope_of_mean, t;
};

struct Inner {
  double value, slope, value_size, slope_size, coarse_value, coarse_slope;
};

Inner smoothed(const Function& s, const Blur& blur, double m, double t, double reach, int refinement) {
  if (t == 0) {
    const double f = s.f(m), df = s.df(m);
    return {f, df, std::abs(f), std::abs(df), f, df};
  }
  if (blur) {
    const auto [f, df] = blur(m, t);
    return {f, df, std::abs(f), std::abs(df), f, df};
  }
  LineTask task{t, -m / t, {}, reach};
  for (const double k : s.kinks) task.kinks.push_back((k - m) / t);
  const LineRule rule = line_rule(task, refinement);
  Inner sum{};
  for (std::size_t j = 0; j < rule.size(); ++j) {
    const double w = rule.weight[j], v = m + t * rule.at[j], f = s.f(v), df = s.df(v);
    sum.value += w * f;
    sum.slope += w * df;
    sum.value_size += w * std::abs(f);
    sum.slope_size += w * std::abs(df);
    if (!rule.even[j]) continue;
    sum.coarse_value += 2 * w * f;
    sum.coarse_slope += 2 * w * df;
  }
  return sum;
}

Totals totals(const Function& s, const Blur& blur, double deviation, Conditional v, double reach,
              const std::vector<double>& kinks, int refinement) {
  // The inner mean has features of size max(1, t) between kinks.
  const double scale = deviation + std::abs(v.slope_of_mean) / std::max(1.0, v.t);
  const LineRule rule = line_rule({scale, 0, kinks, reach}, refinement);
  Totals sum;
  for (std::size_t j = 0; j < rule.size(); ++j) {
    const double z = rule.at[j], w = rule.weight[j], u = deviation * z, f = s.f(u), df = s.df(u);
    const Inner in = smoothed(s, blur, v.slope_of_mean * z, v.t, reach, refinement);
    sum.value += w * f * in.value;
    sum.slope += w * df * in.slope;
    sum.value_size += w * std::abs(f) * in.value_size;
    sum.slope_size += w * std::abs(df) * in.slope_size;
    sum.square += w * f * f;
    sum.slope_square += w * df * df;
    if (!rule.even[j]) continue;
    sum.coarse_value += 2 * w * f * in.coarse_value;
    sum.coarse_slope += 2 * w * df * in.coarse_slope;
  }
  return sum;
}

// Of the differences of nested rules at several spacings.
struct Spread {
  double most = 0;
  bool converged = false;
  void add(double difference, double size) {
    most = std::max(most, std::abs(difference));
    converged = converged || std::abs(difference) <= kConverging * size;
  }
  [[nodiscard]] double bound() const { return converged ? 0 : 4 * most; }
};

}  // namespace

DualValue plane_dual(const Function& s, const Blur& blur, const Moments& p, const Moments& q,
                     const Covariance& covariance, double tolerance) {
  const double du = std::sqrt(covariance.p), dv = std::sqrt(covariance.q);
  const double root = covariance.root();
  const double size = root == 0              ? 0
                      : covariance.gap < 0.5 ? 1 - covariance.gap
                                             : std::abs(covariance.c) / root;
  const Conditional v{dv * std::copysign(std::min(size, 1.0), covariance.c), dv * covariance.sine()};
  const double reach = std::max(p.reach, q.reach);
  // v crosses a kink on average at k / slope_of_mean: a layer of the inner mean, thin where |rho| is near 1.
  std::vector<double> kinks = scaled_kinks(s, covariance.p);
  if (v.slope_of_mean != 0)
    for (const double k : s.kinks) kinks.push_back(k / v.slope_of_mean);

  const double stretch = p.stretch * std::sqrt(q.value) + q.stretch * std::sqrt(p.value);
  const double curving = p.curving * std::sqrt(q.slope) + q.curving * std::sqrt(p.slope);
  DualValue best{0, 0, HUGE_VAL, HUGE_VAL};
  // Where the rules do not converge, one of their differences may be small by chance: the largest counts,
  // with room.
  Spread values_spread, slopes_spread;
  for (int refinement = 0; refinement < 4; ++refinement) {
    const Totals t = totals(s, blur, du, v, reach, kinks, refinement);
    const double values = std::sqrt(p.value * q.value), slopes = std::sqrt(p.slope * q.slope);
    const DualValue now{
        t.value, t.slope,
        nested_error(t.value, t.coarse_value, t.value_size) + 32 * kEpsilon * t.value_size +
            kEpsilon * stretch + overlooked(t.square, p.value, std::max(p.error, q.error)) * values,
        nested_error(t.slope, t.coarse_slope, t.slope_size) + 32 * kEpsilon * t.slope_size +
            kEpsilon * curving + overlooked(t.slope_square, p.slope, std::max(p.error, q.error)) * slopes};
    if (now.value_bound < best.value_bound) best = {now.value, best.slope, now.value_bound, best.slope_bound};
    if (now.slope_bound < best.slope_bound) best = {best.value, now.slope, best.value_bound, now.slope_bound};
    values_spread.add(t.value - t.coarse_value, values);
    slopes_spread.add(t.slope - t.coarse_slope, slopes);
    const double aim = std::max(tolerance, 40 * kEpsilon);
    if (best.value_bound <= aim * t.value_size + 2 * kEpsilon * stretch &&
        best.slope_bound <= aim * t.slope_size + 2 * kEpsilon * curving)
      break;
  }
  best.value_bound = std::max(best.value_bound, values_spread.bound());
  best.slope_bound = std::max(best.slope_bound, slopes_spread.bound());
  return best;
}

}  // namespace ntape::limit
