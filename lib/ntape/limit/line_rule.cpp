#include <algorithm>
#include <cmath>
#include <map>
#include <ntape/limit/line_rule.hpp>
#include <numbers>
#include <utility>

namespace ntape::limit {
namespace {

using std::numbers::pi;

double density(double z) {
  return std::exp(-z * z / 2) / std::sqrt(2 * pi);
}

// Integrals ask for rules of a few spacings and reaches again and again, and to make one takes longer than to
// use it. One table a thread.
template <class Rule, class Make>
const Rule& kept(std::map<std::pair<double, double>, Rule>& rules, double step, double reach, Make make) {
  constexpr std::size_t kMost = 64;
  const std::pair<double, double> key{step, reach};
  const auto known = rules.find(key);
  if (known != rules.end()) return known->second;
  if (rules.size() >= kMost) rules.clear();
  return rules.emplace(key, make(step, reach)).first->second;
}

// x(-3.5) = 3e-23, x(-4.2) = 3e-46: what lies beyond is nothing beside a layer of 1e-5, of 1e-28.
double unit_reach(double scale) {
  return scale < 1e5 ? 3.5 : 4.2;
}

unsigned char phase_of(int k) {
  return static_cast<unsigned char>(static_cast<unsigned>(k) % 4);  // -1 is 3: unsigned numbers wrap
}

UnitRule make_unit_rule(double step, double reach) {
  const int count = static_cast<int>(std::floor(reach / step));
  UnitRule rule;
  for (int k = -count; k <= count; ++k) {
    const double t = k * step, e = std::exp(-pi * std::sinh(std::abs(t)));
    const double near = e / (1 + e);
    rule.from_end.push_back(near);
    rule.weight.push_back(step * pi * std::cosh(t) * near / (1 + e));
    rule.upper.push_back(k > 0);
    rule.phase.push_back(phase_of(k));
  }
  return rule;
}

LineRule make_uniform_rule(double spacing, double reach) {
  const int count = static_cast<int>(std::ceil(reach / spacing));
  LineRule rule;
  for (int k = -count; k <= count; ++k) {
    rule.at.push_back(k * spacing);
    rule.weight.push_back(spacing * density(k * spacing));
    rule.phase.push_back(phase_of(k));
  }
  return rule;
}

const UnitRule& kept_unit_rule(double step, double scale) {
  thread_local std::map<std::pair<double, double>, UnitRule> rules;
  return kept(rules, step, unit_reach(scale), make_unit_rule);
}

double edged_step(int refinement) {
  return std::ldexp(1.0 / 16, -refinement);
}

}  // namespace

UnitRule unit_rule(double step, double scale) {
  return kept_unit_rule(step, scale);
}

LineRule uniform_rule(double spacing, double reach) {
  thread_local std::map<std::pair<double, double>, LineRule> rules;
  return kept(rules, spacing, reach, make_uniform_rule);
}

LineRule edged_rule(const std::vector<double>& edges, double step, double scale) {
  const UnitRule& unit = kept_unit_rule(step, scale);
  LineRule rule;
  const std::size_t nodes = edges.empty() ? 0 : (edges.size() - 1) * unit.size();
  rule.at.reserve(nodes);
  rule.weight.reserve(nodes);
  rule.phase.reserve(nodes);
  for (std::size_t e = 0; e + 1 < edges.size(); ++e) {
    const double low = edges[e], high = edges[e + 1], width = high - low;
    for (std::size_t j = 0; j < unit.size(); ++j) {
      const double z = unit.upper[j] ? high - width * unit.from_end[j] : low + width * unit.from_end[j];
      rule.at.push_back(z);
      rule.weight.push_back(width * unit.weight[j] * density(z));
      rule.phase.push_back(unit.phase[j]);
    }
  }
  return rule;
}

bool is_edged(const LineTask& task) {
  return !task.kinks.empty() || task.scale > kLargestUniformScale;
}

LineRule line_rule(const LineTask& task, int refinement) {
  if (!is_edged(task)) {
    // Half the sampling frequency must be above what is left, to 1e-11, of the density's and of s's spectrum:
    // the latter falls like e^{-pi/2 w / scale} for tanh, whose poles are nearest.
    const double frequency = 15 + 32 * task.scale;
    const double spacing = std::exp2(std::floor(std::log2(2 * pi / frequency)) - refinement);
    return uniform_rule(spacing, task.reach);
  }
  std::vector<double> edges = {-task.reach, task.reach};
  const auto add = [&](double z) {
    if (std::abs(z) < task.reach) edges.push_back(z);
  };
  add(task.center);
  for (const double z : task.kinks) add(z);
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edged_rule(edges, edged_step(refinement), task.scale);
}

double nested_error(double fine, double coarse, double scale) {
  if (scale == 0) return 0;
  const double gap = std::min(std::abs(fine - coarse) / scale, 1.0);
  if (gap > kUnresolved) return scale;
  return scale * (gap > kConverging ? gap : gap * std::sqrt(std::sqrt(gap)));
}

double layer_error(double apart, double thickness, double reach, int refinement) {
  if (thickness == 0) return 0;
  const double depth = std::log(std::max(reach / thickness, 1.0));
  const double strip = pi / 4 / std::hypot(pi, depth), step = edged_step(refinement);
  // From four times the step, which misses e^{-2 pi strip / (4 step)}, to the step.
  return apart * std::exp(-2 * pi * strip * (1 - 0.25) / step);
}

}  // namespace ntape::limit
