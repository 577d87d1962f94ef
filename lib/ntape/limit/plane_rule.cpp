#include <algorithm>
#include <array>
#include <cmath>
#include <ntape/limit/line_rule.hpp>
#include <ntape/limit/plane_rule.hpp>
#include <ntape/limit/rule.hpp>

namespace ntape::limit {
namespace {

// By the rules of each phase.
using Phases = std::array<double, 4>;

double coarse(const Phases& by_phase) {
  return (by_phase[0] + by_phase[2]) / 2;
}
double farthest(const Phases& by_phase, double from) {
  double most = 0;
  for (const double x : by_phase) most = std::max(most, std::abs(x - from));
  return most;
}

// A mean of products, of their sizes, and by coarser rules.
struct Mean {
  double fine = 0, size = 0, coarse = 0;
  Phases by_phase{};
};

struct Totals {
  Mean value, slope;
  double square = 0, slope_square = 0;  // of s(u) and s'(u) alone
  double thinnest = 0;                  // layer at an edge; 0: the rule has none
};

// v given z: mean slope_of_mean z, deviation t.
struct Conditional {
  double slope_of_mean, t;
};

struct Inner {
  double value, slope, value_size, slope_size;
  Phases value_by_phase, slope_by_phase;
};

Inner known(double f, double df) {
  return {f, df, std::abs(f), std::abs(df), {f, f, f, f}, {df, df, df, df}};
}

Inner smoothed(const Function& s, const Blur& blur, double m, double t, double reach, int refinement) {
  if (t == 0) return known(s.f(m), s.df(m));
  if (blur) {
    const auto [f, df] = blur(m, t);
    return known(f, df);
  }
  LineTask task{t, -m / t, {}, reach};
  for (const double k : s.kinks) task.kinks.push_back((k - m) / t);
  const LineRule rule = line_rule(task, refinement);
  Inner sum{};
  for (std::size_t j = 0; j < rule.size(); ++j) {
    const double w = rule.weight[j], v = m + t * rule.at[j], f = w * s.f(v), df = w * s.df(v);
    sum.value += f;
    sum.slope += df;
    sum.value_size += std::abs(f);
    sum.slope_size += std::abs(df);
    sum.value_by_phase[rule.phase[j]] += 4 * f;
    sum.slope_by_phase[rule.phase[j]] += 4 * df;
  }
  return sum;
}

Totals totals(const Function& s, const Blur& blur, double deviation, Conditional v, double reach,
              const std::vector<double>& kinks, int refinement) {
  // The inner mean has features of size max(1, t) between kinks, and layers of t around them.
  const double slope = std::abs(v.slope_of_mean), scale = deviation + slope / std::max(1.0, v.t);
  const LineTask task{scale, 0, kinks, reach};
  const LineRule rule = line_rule(task, refinement);
  Totals sum;
  if (is_edged(task))
    sum.thinnest = s.kinks.empty() || v.t == 0 ? 1 / scale : std::min(1 / scale, v.t / slope);
  for (std::size_t j = 0; j < rule.size(); ++j) {
    const std::size_t phase = rule.phase[j];
    const double z = rule.at[j], w = rule.weight[j], u = deviation * z, f = s.f(u), df = s.df(u);
    const Inner in = smoothed(s, blur, v.slope_of_mean * z, v.t, reach, refinement);
    sum.value.fine += w * f * in.value;
    sum.slope.fine += w * df * in.slope;
    sum.value.size += w * std::abs(f) * in.value_size;
    sum.slope.size += w * std::abs(df) * in.slope_size;
    sum.value.by_phase[phase] += 4 * w * f * in.value_by_phase[phase];
    sum.slope.by_phase[phase] += 4 * w * df * in.slope_by_phase[phase];
    sum.square += w * f * f;
    sum.slope_square += w * df * df;
    if (!rule.even(j)) continue;
    sum.value.coarse += 2 * w * f * coarse(in.value_by_phase);
    sum.slope.coarse += 2 * w * df * coarse(in.slope_by_phase);
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
    const auto missed = [&](const Mean& m) {
      const double layer = layer_error(farthest(m.by_phase, m.fine), t.thinnest, reach, refinement);
      return std::max(nested_error(m.fine, m.coarse, m.size), layer) + 32 * kEpsilon * m.size;
    };
    const double error = std::max(p.error, q.error);
    const DualValue now{
        t.value.fine, t.slope.fine,
        missed(t.value) + kEpsilon * stretch + overlooked(t.square, p.value, error) * values,
        missed(t.slope) + kEpsilon * curving + overlooked(t.slope_square, p.slope, error) * slopes};
    if (now.value_bound < best.value_bound) best = {now.value, best.slope, now.value_bound, best.slope_bound};
    if (now.slope_bound < best.slope_bound) best = {best.value, now.slope, best.value_bound, now.slope_bound};
    values_spread.add(t.value.fine - t.value.coarse, values);
    slopes_spread.add(t.slope.fine - t.slope.coarse, slopes);
    const double aim = std::max(tolerance, 40 * kEpsilon);
    if (best.value_bound <= aim * t.value.size + 2 * kEpsilon * stretch &&
        best.slope_bound <= aim * t.slope.size + 2 * kEpsilon * curving)
      break;
  }
  best.value_bound = std::max(best.value_bound, values_spread.bound());
  best.slope_bound = std::max(best.slope_bound, slopes_spread.bound());
  return best;
}

}  // namespace ntape::limit
