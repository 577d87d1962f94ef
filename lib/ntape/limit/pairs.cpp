#include <algorithm>
#include <cmath>
#include <ntape/limit/pairs.hpp>
#include <numbers>

namespace ntape::limit {
namespace {

// How far acos(rho) can move when rho moves by d, where 1 - |rho| is `gap`.
double turn(double gap, double d) {
  if (d == 0) return 0;
  const double anywhere = std::numbers::pi / 2 * std::sqrt(2 * d);
  return d < gap ? std::min(anywhere, d / std::sqrt((gap - d) * (2 - gap))) : anywhere;
}

// Of a dual, from errors of its variances (relative) and of rho:
// |dK| <= |E[u s'(u) s(v)]| dp / 2p + .. + sqrt(pq) |K'| drho, and likewise for K', where a jump J of s' at 0
// adds J^2 / (2 pi) dth to smooth parts. K' in between is at most what it is here and what it can change by.
struct DualErrors {
  double value, slope, steepest;
};
DualErrors errors(const ExampleAt& u, const ExampleAt& v, double rho_error, double gap, double slope_here) {
  const Sensitivity &s = u.sensitivity, &t = v.sensitivity;
  const double du = std::sqrt(u.variance), dv = std::sqrt(v.variance);
  const double smooth_u = du * s.curvature, smooth_v = dv * t.curvature;
  double slope = (u.variance_error * s.curving_stretch * v.slope_size +
                  v.variance_error * t.curving_stretch * u.slope_size) /
                     2 +
                 smooth_u * smooth_v * rho_error;
  if (s.jump > 0) {
    const double dth = turn(gap, rho_error), jump = s.jump / std::sqrt(2 * std::numbers::pi);
    slope += jump * (smooth_u + smooth_v) * std::sqrt(rho_error * dth) + jump * jump * dth;
  }
  const double steepest = std::min(u.slope_size * v.slope_size, std::abs(slope_here) + slope);
  const double value = (u.variance_error * s.stretch * v.size + v.variance_error * t.stretch * u.size) / 2 +
                       du * dv * steepest * rho_error;
  return {value, slope, steepest};
}

// |d gap| of Sigma from that of A's rho and the relative errors of A's diagonal.
double next_gap_error(const LayerFactors& f, const ExampleAt& u, const ExampleAt& v, double next_gap,
                      double rho_error) {
  const double root = std::sqrt(u.next) * std::sqrt(v.next);
  if (root == 0) return 0;
  const double su = std::sqrt(u.activation), sv = std::sqrt(v.activation);
  const double difference = std::abs(u.activation - v.activation) / (su + sv + 1e-300);
  const double apart = f.bias * f.forward * difference * (su * u.activation_error + sv * v.activation_error) /
                       (root + f.bias + f.forward * su * sv);
  return (f.forward * su * sv * rho_error + apart) / root +
         next_gap *
             (f.bias / u.next * u.activation_error + f.bias / v.next * v.activation_error + 16 * kEpsilon);
}

}  // namespace

double next_gap(const LayerFactors& f, double a11, double a12, double a22, double a_gap) {
  const double p = f.forward * a11 + f.bias, q = f.forward * a22 + f.bias;
  const double root = std::sqrt(p) * std::sqrt(q);
  if (root == 0) return p == 0 && q == 0 ? 0 : 1;
  // sqrt(pq) - (bias + forward r) = bias forward (sqrt a11 - sqrt a22)^2 / (..), r = sqrt(a11 a22)
  const double s1 = std::sqrt(a11), s2 = std::sqrt(a22), r = s1 * s2;
  const double difference = a11 == a22 ? 0 : (a11 - a22) / (s1 + s2);
  const double apart = f.bias * f.forward * difference * difference / (root + f.bias + f.forward * r);
  const bool positive = f.forward * a12 + f.bias >= 0;
  const double gap = (a12 >= 0) == positive ? a_gap : 2 - a_gap;
  const double rest = f.forward * r * gap + (positive ? 0 : 2 * f.bias);
  return std::clamp((apart + rest) / root, 0.0, 1.0);
}

void PairRow::run(const Layers& layers, const Start& start) {
  begin(layers, start);
  for (std::size_t l = 0; l < layers.hidden.size(); ++l) through(layers.hidden[l], l + 1, start);
  if (layers.exponent != 0) scale(std::ldexp(1, layers.exponent), start.count);
}

void PairRow::begin(const Layers& layers, const Start& start) {
  const LayerFactors& f = layers.first;
  for (Numbers& s : shares_) s.assign(kMost, 0.0);
  for (Numbers& s : share_sums_) s.assign(kMost, 0.0);
  for (std::size_t k = 0; k < start.count; ++k) {
    const double a11 = start.squares[start.i], a22 = start.squares[start.first + k], a12 = start.product[k];
    c_[k] = f.forward * a12 + f.bias;
    c_error_[k] = f.forward * start.product_error[k] + 2 * kEpsilon * std::abs(c_[k]);
    gap_[k] = next_gap(f, a11, a12, a22, start.product_gap[k]);
    const double root = std::sqrt(f.forward * a11 + f.bias) * std::sqrt(f.forward * a22 + f.bias);
    gap_error_[k] = gap_[k] == 0 || root == 0
                        ? 0
                        : f.forward * std::sqrt(a11) * std::sqrt(a22) / root * start.gap_error[k] +
                              16 * kEpsilon * gap_[k];
    theta_[k] = f.weight * a12 + f.shift;
    theta_error_[k] = f.weight * start.product_error[k] + 2 * kEpsilon * std::abs(theta_[k]);
    a_[k] = a_error_[k] = sum_[k] = sum_error_[k] = 0;
    if (!shares_.empty()) shares_[0][k] = theta_[k];
  }
}

void PairRow::scale(double unit, std::size_t count) {
  for (double* numbers : {c_, c_error_, theta_, theta_error_, a_, a_error_, sum_, sum_error_})
    for (std::size_t k = 0; k < count; ++k) numbers[k] *= unit;
  for (auto* shares : {&shares_, &share_sums_})
    for (Numbers& s : *shares)
      for (std::size_t k = 0; k < count; ++k) s[k] *= unit;
}

void PairRow::through(const HiddenLayer& layer, std::size_t index, const Start& start) {
  const std::size_t count = start.count;
  const ExampleAt& u = layer.examples[start.i];
  const ExampleAt* others = layer.examples.data() + start.first;
  if (layer.unit != 1) scale(layer.unit, count);
  double covariance[kMost], value[kMost], slope[kMost], value_bound[kMost], slope_bound[kMost], a_gap[kMost];
  for (std::size_t k = 0; k < count; ++k)
    covariance[k] = layer.layer_norm ? c_[k] * u.inverse * others[k].inverse : c_[k];
  layer.prepared->row(start.i, start.first, count, covariance, gap_,
                      {value, slope, value_bound, slope_bound, a_gap});

  const LayerFactors& f = layer.factors;
  double slopes[kMost];
  for (std::size_t k = 0; k < count; ++k) {
    const ExampleAt& v = others[k];
    const DualErrors e = errors(u, v, gap_error_[k], gap_[k], slope[k]);
    double value_error = e.value + value_bound[k], slope_error = e.slope + slope_bound[k];
    const double inverses = u.inverse * v.inverse;
    slopes[k] = slope[k] * inverses;
    slope_error = slope_error * inverses + std::abs(slopes[k]) * (u.inverse_error + v.inverse_error);
    // T and its error
    double t = slopes[k] * theta_[k];
    double t_error =
        std::abs(slopes[k]) * theta_error_[k] + slope_error * (std::abs(theta_[k]) + theta_error_[k]);
    const bool same = gap_[k] == 0 && c_[k] >= 0 && u.variance == v.variance;
    double a = value[k], rho_error = 0;
    const double root = u.size * v.size;
    if (layer.residual) {
      a += a_[k] + (u.before * v.mean + u.mean * v.before);
      value_error += a_error_[k] + std::abs(u.before) * v.mean_error + std::abs(v.before) * u.mean_error +
                     u.before_error * std::abs(v.mean) + v.before_error * std::abs(u.mean) +
                     2 * kEpsilon * std::abs(a);
      t += sum_[k];
      t_error += sum_error_[k];
      a_gap[k] = -1;
    }
    if (a_gap[k] < 0) {
      const double norm = std::sqrt(u.activation) * std::sqrt(v.activation);
      a_gap[k] = same || norm == 0 ? 0 : std::clamp(1 - std::abs(a) / norm, 0.0, 1.0);
      if (!same && norm > 0)
        rho_error =
            (value_error + std::abs(a) * (u.activation_error + v.activation_error) / 2) / norm + 4 * kEpsilon;
    } else if (root > 0) {
      // A homogeneous dual normalized depends on rho alone.
      rho_error = std::sqrt(u.variance) * std::sqrt(v.variance) * e.steepest / root * gap_error_[k] +
                  16 * kEpsilon * a_gap[k];
    }
    const double gap = same ? 0 : next_gap(f, u.activation, a, v.activation, a_gap[k]);
    gap_error_[k] = same ? 0 : next_gap_error(f, u, v, gap, rho_error);
    gap_[k] = gap;
    a_[k] = a;
    a_error_[k] = value_error;
    sum_[k] = t;
    sum_error_[k] = t_error;
    c_[k] = same ? u.next : f.forward * a + f.bias;
    c_error_[k] = f.forward * value_error + 2 * kEpsilon * std::abs(c_[k]);
    theta_[k] = f.forward * t + (f.weight * a + f.shift);
    theta_error_[k] = f.forward * t_error + f.weight * value_error + 4 * kEpsilon * std::abs(theta_[k]);
  }
  for (std::size_t l = 0; l < shares_.size() && l <= index; ++l)
    for (std::size_t k = 0; k < count; ++k) {
      double& sum = share_sums_[l][k];
      sum = slopes[k] * shares_[l][k] + (layer.residual ? sum : 0);
      shares_[l][k] = f.forward * sum + (l == index ? f.weight * a_[k] + f.shift : 0);
    }
}

}  // namespace ntape::limit
