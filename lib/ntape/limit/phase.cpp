#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/phase.hpp>
#include <ntape/limit/rule.hpp>

namespace ntape {
namespace {

// A slope so near to 1 is taken for 1: q* is right to about 1e-15 where nothing is slow.
constexpr double kEdge = 1e-12;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// A value of a map, and how far off it can be.
struct Image {
  double value, noise;
};

// The end of x -> map(x) from x on, every third step by Aitken's rule where the map contracts and that gives
// a positive number; infinity beyond any number of use, NaN when no end was found. What goes on growing for
// many rounds is doubled a round.
template <class Map>
double end_of(Map map, double x) {
  constexpr int kRounds = 1000, kPatience = 40, kAtRest = 20;
  constexpr double kMost = 1e25;  // numerical duals go to 1e30
  int at_rest = 0;
  for (int k = 0; k < kRounds; ++k) {
    const Image one = map(x);
    if (!(one.value <= kMost)) return limit::kInfinity;
    const Image two = map(one.value);
    if (!(two.value <= kMost)) return limit::kInfinity;
    const double first = one.value - x, step = two.value - one.value;
    if (std::abs(step) <= 4 * limit::kEpsilon * two.value) return two.value;
    if (two.value < 1e-280) return 0;
    if (std::abs(step) <= two.noise && ++at_rest == kAtRest) return two.value;
    const double bend = step - first;
    const double guess = bend == 0 ? two.value : two.value - step * step / bend;
    const bool nearing = std::abs(step) < std::abs(first);
    x = nearing && guess > 0 && guess < kMost ? guess : two.value;
    const bool growing = step > 0 && step > .9 * first && first > 0;
    if (k > kPatience && growing) x = std::fmax(x, 2 * two.value);
  }
  return kUnknown;
}

// p -> w K(p,p,p) + b.
class VarianceMap {
 public:
  VarianceMap(const limit::Dual& dual, double w, double b) : dual_(dual), w_(w), b_(b) {}

  Image operator()(double p) const {
    const limit::DualValue d = dual_.at({p, p, p, 0});
    return {w_ * d.value + b_, w_ * d.value_bound};
  }

  // Its derivative, by a central difference.
  [[nodiscard]] Image slope(double q, double step) const {
    const Image above = (*this)(q * (1 + step)), below = (*this)(q * (1 - step));
    return {(above.value - below.value) / (2 * step * q), (above.noise + below.noise) / (2 * step * q)};
  }

  // Where it leads to from 1.
  [[nodiscard]] double end() const {
    const std::optional<double> degree = dual_.degree();
    return degree && *degree == 1 ? end_of_line() : end_of_curve();
  }

 private:
  // Homogeneous of degree 1: p -> a p + b.
  [[nodiscard]] double end_of_line() const {
    const double a = w_ * dual_.at({1, 1, 1, 0}).value;
    if (std::abs(a - 1) <= kEdge) return b_ > 0 ? limit::kInfinity : 1;
    if (a > 1) return limit::kInfinity;
    return b_ / (1 - a);
  }

  [[nodiscard]] double end_of_curve() const {
    // Where nothing is left at 0 and little things do not grow, small variances die out, on the edge like
    // 1/layer only.
    constexpr double kTiny = 1e-30, kSmall = 1e-6;
    const bool dying = b_ == 0 && (*this)(kTiny).value <= (1 + kEdge) * kTiny;
    const auto map = [&](double p) {
      const Image image = (*this)(p);
      return dying && p < kSmall && image.value < p ? Image{0, 0} : image;
    };
    const double q = end_of(map, 1);
    return q > 1 && drifts(q) ? limit::kInfinity : q;
  }

  // Whether q is no end, only too large for the map's last digits to tell: nothing leads back to it.
  [[nodiscard]] bool drifts(double q) const {
    constexpr double kLarge = 1e6, kStep = 1e-2;
    if (q < kLarge || std::isinf(q)) return false;
    const Image rate = slope(q, kStep);
    return rate.value >= 1 - 1e-10 - rate.noise;
  }

  const limit::Dual& dual_;
  double w_, b_;
};

}  // namespace

Phase phase(const std::string& activation, double weight_scale, double bias_scale) {
  return phase(limit::Dual(activation), weight_scale, bias_scale);
}

Phase phase(const limit::Dual& dual, double weight_scale, double bias_scale) {
  if (!(weight_scale >= 0 && bias_scale >= 0 && std::isfinite(weight_scale) && std::isfinite(bias_scale)))
    throw UserError("the scales are " + std::to_string(weight_scale) + " and " + std::to_string(bias_scale) +
                    "; they must be finite and not negative");
  const double w = weight_scale * weight_scale, b = bias_scale * bias_scale;
  const VarianceMap map(dual, w, b);
  const double q = map.end();
  if (std::isnan(q)) return {PhaseKind::unsettled, q, kUnknown, kUnknown, kUnknown, kUnknown};
  if (std::isinf(q)) return {PhaseKind::unbounded, q, kUnknown, kUnknown, kUnknown, kUnknown};
  // Richardson's step: what is left is of the fourth order.
  constexpr double kStep = 2.5e-4;
  const double rate = q > 0 ? (4 * map.slope(q, kStep).value - map.slope(q, 2 * kStep).value) / 3 : kUnknown;
  const limit::DualValue at_end = dual.at({q, q, q, 0});
  const double slope = w * at_end.slope;
  const double doubt = std::isfinite(slope) ? std::fmax(kEdge, w * at_end.slope_bound) : kEdge;
  if (std::abs(slope - 1) <= doubt) return {PhaseKind::edge, q, rate, slope, 1, limit::kInfinity};
  if (q == 0 || slope < 1)
    return {PhaseKind::ordered, q, rate, slope, 1, slope > 0 ? -1 / std::log(slope) : 0};
  const auto prepared = dual.rule().prepare({q, q}, 1e-13);
  const auto at = [&](double rho) {
    const double c = rho * q, gap = 1 - rho;
    limit::DualValue d{};
    double unused = 0;
    prepared->row(0, 1, 1, &c, &gap, {&d.value, &d.slope, &d.value_bound, &d.slope_bound, &unused});
    return d;
  };
  // rho -> (w K + b) / q is a power series with coefficients >= 0. 1 is a fixed point where it is steep:
  // there is one other, which Newton's method comes up to from 0.
  double rho = 0;
  for (int k = 0; k < 200; ++k) {
    const limit::DualValue d = at(rho);
    const double away = (w * d.value + b) / q - rho, steep = w * d.slope;
    const double slack = std::fmax(4 * limit::kEpsilon, w * d.value_bound / q);
    if (!(away > (rho == 0 ? slack : 0) && steep < 1)) break;
    rho = std::fmin(1, rho + away / (1 - steep));
    if (away <= slack) break;
  }
  const double there = std::abs(w * at(rho).slope);
  return {PhaseKind::chaotic, q, rate, slope, rho, there > 0 ? -1 / std::log(there) : 0};
}

}  // namespace ntape
