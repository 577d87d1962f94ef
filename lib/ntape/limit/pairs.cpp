#include <algorithm>
#include <cmath>
#include <ntape/limit/pairs.hpp>
#include <ntape/limit/vectors.hpp>
#include <numbers>

namespace ntape::limit {
namespace {

constexpr double kTiny = 1e-300;  // keeps 0 / 0 away
// No gap is known better than this but that of equal inputs: what vanishes below the least double on the way
// to it is far less.
constexpr double kLeastGapError = 1e-300;

// How far acos(rho) can move when rho moves by d, where 1 - |rho| is `gap`: by d / sqrt(reach) where that is
// less than what it moves by anywhere, pi/2 sqrt(2 d). With one root and one quotient.
NTAPE_INLINE double turn(double gap, double d) {
  constexpr double kAnywhere = std::numbers::pi * std::numbers::pi / 2;
  const double reach = (gap - d) * (2 - gap);
  const bool here = d < kAnywhere * reach;
  const double ratio = d / (here ? reach : 1.0);
  return std::sqrt(d * (here ? ratio : kAnywhere));
}

// 1 - |rho| of Sigma: sqrt(pq) - (bias + forward r) = bias forward (sqrt a11 - sqrt a22)^2 / (..), r =
// sqrt(a11 a22). Without a bias it is the gap of A. Everything is divided by sqrt(p) and sqrt(q) one after
// the other: sqrt(pq) may be below what a double holds when neither of them is.
template <bool kBias>
struct Gap {
  LayerFactors f;
  double a11, s1, size, pull, root_bias;
  Gap(const LayerFactors& factors, double a, double s, double inverse_p)
      : f(factors),
        a11(a),
        s1(s),
        size(f.forward * (s * inverse_p)),
        pull(std::sqrt(f.bias) * inverse_p),
        root_bias(std::sqrt(f.bias)) {}

  struct Result {
    double gap;
    double reach;   // what an error of rho of A does to it
    double spread;  // what an error `off` of sqrt a11 - sqrt a22 does
  };
  NTAPE_INLINE Result operator()(double a12, double a22, double s2, double inverse_q, double a_gap,
                                 double off) const {
    const double reach = size * (s2 * inverse_q);
    double apart = 0, spread = 0, gap = a_gap, twice = 0;
    if constexpr (kBias) {
      const double bias = pull * (root_bias * inverse_q), share = f.forward / (1 + bias + reach);
      const double d = pull * ((a11 - a22) / (s1 + s2 + kTiny)) * inverse_q, d_off = pull * off * inverse_q;
      apart = share * d * d;
      spread = share * (2 * std::abs(d) + d_off) * d_off;
      // 1 - rho of A where Sigma is positive, 1 + rho where it is not
      const bool positive = f.forward * a12 + f.bias >= 0;
      const double other = 2 - a_gap, minus = a12 >= 0 ? a_gap : other, plus = a12 >= 0 ? other : a_gap;
      gap = positive ? minus : plus;
      twice = positive ? 0.0 : 2 * bias;
    }
    const double all = apart + (reach * gap + twice);
    return {all > 1 ? 1.0 : all, reach, spread};
  }
};

struct Estimate {
  double value, error;
};

// (sqrt(x) - sqrt(y))^2 for the roots given, x and y having relative errors.
Estimate squared_difference(double root_x, double root_y, double error) {
  const double d = root_x - root_y, off = (root_x + root_y) * (error / 2 + kEpsilon);
  return {d * d, (2 * std::abs(d) + off) * off};
}

// One of the examples in A + K + m mu' + mu m': roots of its variances in the three, relative errors.
struct Parts {
  double a, k, w, m, mu;
  double a_error, k_error, w_error;
  Parts(const ExampleColumns& u, std::size_t i)
      : a(u.root_previous[i]),
        k(u.size[i]),
        w(std::sqrt(std::max(2 * u.before[i] * u.mean[i], 0.0))),
        m(u.before[i]),
        mu(u.mean[i]),
        a_error(u.previous_error[i]),
        k_error(2 * u.value_slack[i] / (u.size[i] + kTiny) + 16 * kEpsilon),
        // a mean of 0 is that of an odd function, and exact
        w_error(m == 0 || mu == 0 ? 0 : u.before_error[i] / std::abs(m) + u.mean_error[i] / std::abs(mu)) {}
};

// sqrt(A11 A22) - A12 for the sum of parts with known gaps, all terms small where these are: of three
// products, as in Lagrange's identity, and of the means, (sqrt(m mu') - sqrt(mu m'))^2.
Estimate gap_of_sum(const Parts& x, const Parts& y, double norm, Estimate a, Estimate k) {
  const double e_a = x.a_error + y.a_error, e_k = x.k_error + y.k_error, e_w = x.w_error + y.w_error;
  const Estimate ak = squared_difference(x.a * y.k, x.k * y.a, e_a + e_k),
                 aw = squared_difference(x.a * y.w, x.w * y.a, e_a + e_w),
                 kw = squared_difference(x.k * y.w, x.w * y.k, e_k + e_w);
  const Estimate means = squared_difference(std::sqrt(x.m * y.mu), std::sqrt(x.mu * y.m), e_w);
  const double all = norm + x.a * y.a + x.k * y.k + x.w * y.w;
  const double apart = (ak.value + aw.value + kw.value) / all,
               own = x.a * y.a * a.value + x.k * y.k * k.value;
  const double error = (ak.error + aw.error + kw.error) / all + means.error + x.a * y.a * a.error +
                       x.k * y.k * k.error + (apart + own + means.value) * (16 * kEpsilon + e_a + e_k + e_w);
  return {std::clamp((apart + own - means.value) / norm, 0.0, 1.0), error / norm};
}

}  // namespace

void PairRow::run(const Layers& layers, const Start& start) {
  begin(layers, start);
  for (std::size_t l = 0; l < layers.hidden.size(); ++l) through(layers.hidden[l], l + 1, start);
  if (layers.exponent == 0) return;
  // In steps that are doubles themselves: 0 times infinity would not be 0.
  for (int left = layers.exponent; left != 0;) {
    const int step = std::clamp(left, -1000, 1000);
    scale(std::ldexp(1, step), start.count);
    left -= step;
  }
  for (double* bound : {c_error_, theta_error_})
    for (std::size_t k = 0; k < start.count; ++k) bound[k] += kLost;
}

void PairRow::begin(const Layers& layers, const Start& start) {
  const LayerFactors& f = layers.first;
  for (Numbers& s : shares_) s.assign(kMost, 0.0);
  for (Numbers& s : share_sums_) s.assign(kMost, 0.0);
  const double a11 = start.squares[start.i], root_a = std::sqrt(a11), p = f.forward * a11 + f.bias;
  const double dead = p > 0 ? 0 : 1;
  const Gap<true> gap(f, a11, root_a, 1 / (p > 0 ? std::sqrt(p) : 1));
  const double *squares = start.squares + start.first, *product = start.product,
               *product_gap = start.product_gap, *product_errors = start.product_error,
               *gap_errors = start.gap_error, *distinct = start.distinct;
  const double off = start.square_error / 2;
  // No branches: this loop must vectorize.
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < start.count; ++k) {
      const double a22 = squares[k], a12 = product[k], q = f.forward * a22 + f.bias, root_b = std::sqrt(a22);
      const double root_q = q > 0 ? std::sqrt(q) : 1.0, dead_q = q > 0 ? 0.0 : 1.0;
      const double dies = dead > dead_q ? dead : dead_q, one_dies = std::abs(dead - dead_q);
      const auto moved = gap(a12, a22, root_b, 1 / root_q, product_gap[k], off * (root_a + root_b));
      const double g = distinct[k] * ((1 - dies) * moved.gap + one_dies);
      c_[k] = f.forward * a12 + f.bias;
      c_error_[k] = f.forward * product_errors[k] + 2 * kEpsilon * std::abs(c_[k]) + kLost;
      gap_[k] = g;
      // Of an example that vanishes nothing is known.
      gap_error_[k] = distinct[k] * (moved.reach * gap_errors[k] + moved.spread + 16 * kEpsilon * g +
                                     kLeastGapError + dies);
      theta_[k] = f.weight * a12 + f.shift;
      theta_error_[k] = f.weight * product_errors[k] + 2 * kEpsilon * std::abs(theta_[k]) + kLost;
      a_[k] = a_error_[k] = sum_[k] = sum_error_[k] = 0;
    }
  });
  if (!shares_.empty()) std::copy_n(theta_, start.count, shares_[0].begin());
}

void PairRow::scale(double unit, std::size_t count) {
  for (double* numbers : {c_, c_error_, theta_, theta_error_, a_, a_error_, sum_, sum_error_})
    for (std::size_t k = 0; k < count; ++k) numbers[k] *= unit;
  for (auto* shares : {&shares_, &share_sums_})
    for (Numbers& s : *shares)
      for (std::size_t k = 0; k < count; ++k) s[k] *= unit;
}

// The errors of a dual, from those of its variances (relative) and of rho:
//   |dK| <= |E[u s'(u) s(v)]| dp / 2p + .. + sqrt(pq) |K'| drho,
// and likewise for K', where a jump J of s' at 0 adds J^2 / (2 pi) dth to smooth parts. K' in between is at
// most what it is here, give or take its own error, and what it can change by.
template <bool kSmooth, bool kJump>
void PairRow::errors_of_dual(const HiddenLayer& layer, const Start& start, double rounded,
                             const double* slope, const double* a_gap, double* value_error,
                             double* slope_error) {
  const ExampleColumns& u = layer.examples;
  const std::size_t i = start.i, count = start.count;
  const auto column = [&](const ExampleColumns::Numbers& numbers) { return numbers.data() + start.first; };
  const double size = u.size[i], slope_size = u.slope_size[i], deviation = u.deviation[i],
               smooth = u.smooth[i], turned = deviation * u.inverse_size[i];
  const double value_slack = u.value_slack[i], slope_slack = u.slope_slack[i];
  const double jump = layer.jump / std::sqrt(2 * std::numbers::pi);
  const double *sizes = column(u.size), *slope_sizes = column(u.slope_size),
               *deviations = column(u.deviation), *inverse_sizes = column(u.inverse_size);
  const double *value_slacks = column(u.value_slack), *slope_slacks = column(u.slope_slack),
               *smooths = column(u.smooth);
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < count; ++k) {
      const double e = gap_error_[k];
      double change = slope_slack * slope_sizes[k] + slope_slacks[k] * slope_size;
      if constexpr (kSmooth) change += smooth * smooths[k] * (e + rounded);
      if constexpr (kJump) {
        const double dth = turn(gap_[k], e);
        if constexpr (kSmooth) change += jump * (smooth + smooths[k]) * std::sqrt(e * dth);
        change += jump * jump * dth;
      }
      const double most = slope_size * slope_sizes[k], here = std::abs(slope[k]) + slope_error[k] + change;
      const double steepest = here < most ? here : most, moved = steepest * e;
      value_error[k] += value_slack * sizes[k] + value_slacks[k] * size +
                        deviation * deviations[k] * (moved + steepest * rounded) + kLost;
      slope_error[k] += change + kLost;
      // rho of A, where the rule knows its gap: a homogeneous dual normalized depends on rho alone
      rho_error_[k] = turned * (deviations[k] * inverse_sizes[k]) * moved + 16 * kEpsilon * a_gap[k];
    }
  });
}

void PairRow::through(const HiddenLayer& layer, std::size_t index, const Start& start) {
  const std::size_t count = start.count, i = start.i;
  const ExampleColumns& u = layer.examples;
  const auto column = [&](const ExampleColumns::Numbers& numbers) { return numbers.data() + start.first; };
  if (layer.unit != 1) scale(layer.unit, count);
  double covariance[kMost], value[kMost], slope[kMost], value_error[kMost], slope_error[kMost], a_gap[kMost];
  const double *inverse = column(u.inverse), *deviations = column(u.deviation);
  // layer_norm brings every variance near 1, and its error with it; that of c would go on growing, so c is
  // made anew of the gap, to `rounded` of sqrt(pq). Equal inputs have their variance as covariance exactly.
  const double rounded = layer.layer_norm ? 4 * kEpsilon : 0;
  for (std::size_t k = 0; k < count; ++k) {
    const double root = u.deviation[i] * deviations[k];
    covariance[k] = !layer.layer_norm          ? c_[k]
                    : start.distinct[k] == 0.0 ? u.variance[i]
                                               : std::copysign((1 - gap_[k]) * root, c_[k]);
  }
  layer.prepared->row(i, start.first, count, covariance, gap_,
                      {value, slope, value_error, slope_error, a_gap});

  // Loops over what there is: roots and quotients are what they take.
  const auto spread = layer.jump == 0 ? &PairRow::errors_of_dual<true, false>
                      : layer.smooth  ? &PairRow::errors_of_dual<true, true>
                                      : &PairRow::errors_of_dual<false, true>;
  (this->*spread)(layer, start, rounded, slope, a_gap, value_error, slope_error);
  if (layer.moving) {
    const double *movings = column(u.moving), *steepests = column(u.steepest);
    for (std::size_t k = 0; k < count; ++k)
      slope_error[k] += u.moving[i] * steepests[k] + movings[k] * u.steepest[i];
  }
  if (layer.layer_norm)
    for (std::size_t k = 0; k < count; ++k) {
      const double inverses = u.inverse[i] * inverse[k];
      slope[k] *= inverses;
      slope_error[k] = slope_error[k] * inverses +
                       std::abs(slope[k]) * (u.inverse_error[i] + u.inverse_error[start.first + k]);
    }
  const double kept = layer.residual ? 1 : 0;
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < count; ++k) {
      const double t = slope[k] * theta_[k], size = std::abs(theta_[k]) + theta_error_[k];
      const double t_error = std::abs(slope[k]) * theta_error_[k] + slope_error[k] * size + kLost;
      sum_[k] = kept != 0 ? sum_[k] + t : t;
      sum_error_[k] = kept != 0 ? sum_error_[k] + t_error : t_error;
    }
  });
  if (layer.residual) add_previous(layer, start, value, value_error, a_gap);
  std::copy_n(value, count, a_);
  std::copy_n(value_error, count, a_error_);
  if (layer.residual || !layer.prepared->knows_gaps()) gap_by_difference(layer, start, a_gap);
  std::copy_n(a_gap, count, a_gap_);
  std::copy_n(rho_error_, count, a_rho_error_);
  if (layer.factors.bias == 0)
    next<false>(layer, start, a_gap);
  else
    next<true>(layer, start, a_gap);
  for (std::size_t l = 0; l < shares_.size() && l <= index; ++l)
    for (std::size_t k = 0; k < count; ++k) {
      double& sum = share_sums_[l][k];
      sum = slope[k] * shares_[l][k] + (layer.residual ? sum : 0);
      shares_[l][k] =
          layer.factors.forward * sum + (l == index ? layer.factors.weight * a_[k] + layer.factors.shift : 0);
    }
}

// A = A^{l-1} + K + m mu' + mu m'.
void PairRow::add_previous(const HiddenLayer& layer, const Start& start, double* value, double* error,
                           double* a_gap) {
  const ExampleColumns& u = layer.examples;
  const std::size_t i = start.i;
  const Parts x(u, i);
  for (std::size_t k = 0; k < start.count; ++k) {
    const std::size_t j = start.first + k;
    const double own = value[k];
    value[k] += a_[k] + (u.before[i] * u.mean[j] + u.mean[i] * u.before[j]);
    error[k] += a_error_[k] + std::abs(u.before[i]) * u.mean_error[j] +
                std::abs(u.before[j]) * u.mean_error[i] + u.before_error[i] * std::abs(u.mean[j]) +
                u.before_error[j] * std::abs(u.mean[i]) + 2 * kEpsilon * std::abs(value[k]);
    // Where the sum and its parts are positive, from the gaps of the parts.
    const double norm = u.root_activation[i] * u.root_activation[j];
    const bool known = a_gap[k] >= 0 && a_[k] >= 0 && own >= 0 && value[k] > 0 && norm > 0 &&
                       x.m * x.mu >= 0 && x.m * u.mean[j] >= 0 && x.mu * u.before[j] >= 0;
    const double own_gap = a_gap[k];
    a_gap[k] = -1;
    if (!known) continue;
    const Estimate gap =
        gap_of_sum(x, Parts(u, j), norm, {a_gap_[k], a_rho_error_[k]}, {own_gap, rho_error_[k]});
    a_gap[k] = gap.value;
    rho_error_[k] = gap.error;
  }
}

// The gap of A where nothing better is known, with the error of its rho.
void PairRow::gap_by_difference(const HiddenLayer& layer, const Start& start, double* a_gap) {
  const ExampleColumns& u = layer.examples;
  const double *inverses = u.inverse_root_activation.data() + start.first,
               *errors = u.activation_error.data() + start.first;
  const double own = u.inverse_root_activation[start.i], own_error = u.activation_error[start.i];
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < start.count; ++k) {
      const double size = std::abs(a_[k]) * own * inverses[k], gap = size < 1 ? 1 - size : 0.0;
      const bool known = a_gap[k] >= 0, none = own * inverses[k] == 0;
      const double error =
          a_error_[k] * own * inverses[k] + size * ((own_error + errors[k]) / 2 + kEpsilon) + 4 * kEpsilon;
      a_gap[k] = known ? a_gap[k] : none ? 0.0 : gap;
      rho_error_[k] = known ? rho_error_[k] : none ? 0.0 : error;
    }
  });
}

// Sigma^{l+1}, its gap, and Theta^{l+1}.
template <bool kBias>
void PairRow::next(const HiddenLayer& layer, const Start& start, const double* a_gap) {
  const ExampleColumns& u = layer.examples;
  const std::size_t i = start.i;
  const LayerFactors f = layer.factors;
  const auto column = [&](const ExampleColumns::Numbers& numbers) { return numbers.data() + start.first; };
  const double *activations = column(u.activation), *deads = column(u.dead);
  const double *roots_a = column(u.root_activation), *slacks = column(u.next_slack),
               *inverses = column(u.inverse_root_next), *offs = column(u.root_error);
  const double *distinct = start.distinct, slack = u.next_slack[i], dead = u.dead[i], off = u.root_error[i];
  const Gap<kBias> gap(f, u.activation[i], u.root_activation[i], u.inverse_root_next[i]);
  // No branches: this loop must vectorize.
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < start.count; ++k) {
      const double dies = dead > deads[k] ? dead : deads[k], one_dies = std::abs(dead - deads[k]);
      const auto moved = gap(a_[k], activations[k], roots_a[k], inverses[k], a_gap[k], off + offs[k]);
      const double g = moved.gap + one_dies, c = f.forward * a_[k] + f.bias;
      const double g_error = moved.reach * rho_error_[k] + moved.spread +
                             g * (slack + slacks[k] + 16 * kEpsilon) + kLeastGapError + dies;
      // Equal inputs: their distance stays 0.
      gap_[k] = distinct[k] * g;
      gap_error_[k] = distinct[k] * g_error;
      c_[k] = c;
      c_error_[k] = f.forward * a_error_[k] + 2 * kEpsilon * std::abs(c) + kLost;
      theta_[k] = f.forward * sum_[k] + (f.weight * a_[k] + f.shift);
      theta_error_[k] =
          f.forward * sum_error_[k] + f.weight * a_error_[k] + 4 * kEpsilon * std::abs(theta_[k]) + kLost;
    }
  });
}

}  // namespace ntape::limit
