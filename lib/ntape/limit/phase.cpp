#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/phase.hpp>
#include <ntape/limit/rule.hpp>

namespace ntape {
namespace {

// The end of x -> map(x) from x on, every third step by Aitken's rule where the map contracts and that gives
// a positive number below `most`; infinity beyond `most`.
template <class Map>
double end_of(Map map, double x, double most) {
  for (int k = 0; k < 3000; ++k) {
    const double one = map(x);
    if (!(one <= most)) return limit::kInfinity;
    const double two = map(one);
    if (!(two <= most)) return limit::kInfinity;
    if (std::abs(two - one) <= 4 * limit::kEpsilon * two) return two;
    if (two < 1e-280) return 0;
    const double bend = (two - one) - (one - x);
    const double guess = bend == 0 ? two : two - (two - one) * (two - one) / bend;
    const bool nearing = std::abs(two - one) < std::abs(one - x);
    x = nearing && guess > 0 && guess < most ? guess : two;
  }
  return x;
}

}  // namespace

Phase phase(const std::string& activation, double weight_scale, double bias_scale) {
  return phase(limit::Dual(activation), weight_scale, bias_scale);
}

Phase phase(const limit::Dual& dual, double weight_scale, double bias_scale) {
  if (!(weight_scale >= 0 && bias_scale >= 0 && std::isfinite(weight_scale) && std::isfinite(bias_scale)))
    throw UserError("the scales are " + std::to_string(weight_scale) + " and " + std::to_string(bias_scale) +
                    "; they must be finite and not negative");
  const double w = weight_scale * weight_scale, b = bias_scale * bias_scale;
  const auto variance_map = [&](double p) { return w * dual.at({p, p, p, 0}).value + b; };
  const double q = end_of(variance_map, 1.0, 1e15);
  if (std::isinf(q)) return {q, std::nan(""), std::nan(""), std::nan("")};
  const double slope = w * dual.at({q, q, q, 0}).slope;
  // q is right to about 1e-15, so a slope next to 1 is one.
  constexpr double kEdge = 1e-12;
  if (q == 0 || slope <= 1 + kEdge) {
    const double length = slope >= 1 - kEdge ? limit::kInfinity : slope > 0 ? -1 / std::log(slope) : 0;
    return {q, slope, 1, length};
  }
  const auto prepared = dual.rule().prepare({q, q}, 1e-13);
  const auto at = [&](double rho) {
    const double c = rho * q, gap = 1 - rho;
    limit::DualValue d{};
    double unused = 0;
    prepared->row(0, 1, 1, &c, &gap, {&d.value, &d.slope, &d.value_bound, &d.slope_bound, &unused});
    return d;
  };
  // 1 is a fixed point, but not a stable one: the other lies below.
  const double rho =
      end_of([&](double r) { return std::fmin(1 - 1e-15, (w * at(r).value + b) / q); }, 0.5, 1);
  const double there = std::abs(w * at(rho).slope);
  return {q, slope, rho, there > 0 ? -1 / std::log(there) : 0};
}

}  // namespace ntape
