#include <algorithm>
#include <cmath>
#include <ntape/limit/pairs.hpp>
#include <ntape/limit/vectors.hpp>
#include <numbers>

namespace ntape::limit {
namespace {

constexpr double kTiny = 1e-300;  // keeps 0 / 0 away

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
// sqrt(a11 a22). Without a bias it is the gap of A.
template <bool kBias>
struct Gap {
  LayerFactors f;
  double a11, s1, root_p, inverse_p;
  Gap(const LayerFactors& factors, double a, double s, double root)
      : f(factors), a11(a), s1(s), root_p(root), inverse_p(1 / root) {}

  struct Result {
    double gap;
    double lever;  // what an error of sqrt a11 - sqrt a22 does to it
  };
  NTAPE_INLINE Result operator()(double a12, double a22, double s2, double root_q, double inverse_q,
                                 double a_gap) const {
    const double inverse = inverse_p * inverse_q, reach = f.forward * (s1 * s2);
    double apart = 0, lever = 0, gap = a_gap, twice = 0;
    if constexpr (kBias) {
      const double difference = (a11 - a22) / (s1 + s2 + kTiny);
      lever = f.bias * f.forward * difference / (root_p * root_q + f.bias + reach);
      apart = lever * difference;
      // 1 - rho of A where Sigma is positive, 1 + rho where it is not
      const bool positive = f.forward * a12 + f.bias >= 0;
      const double other = 2 - a_gap, minus = a12 >= 0 ? a_gap : other, plus = a12 >= 0 ? other : a_gap;
      gap = positive ? minus : plus;
      twice = positive ? 0.0 : 2 * f.bias;
    }
    const double all = (apart + (reach * gap + twice)) * inverse;
    return {all > 1 ? 1.0 : all, std::abs(lever) * inverse};
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
  if (layers.exponent != 0) scale(std::ldexp(1, layers.exponent), start.count);
}

void PairRow::begin(const Layers& layers, const Start& start) {
  const LayerFactors& f = layers.first;
  for (Numbers& s : shares_) s.assign(kMost, 0.0);
  for (Numbers& s : share_sums_) s.assign(kMost, 0.0);
  const double a11 = start.squares[start.i], root_a = std::sqrt(a11), p = f.forward * a11 + f.bias;
  const double root_p = p > 0 ? std::sqrt(p) : 1, dead = p > 0 ? 0 : 1;
  const Gap<true> gap(f, a11, root_a, root_p);
  const double *squares = start.squares + start.first, *product = start.product,
               *product_gap = start.product_gap, *product_errors = start.product_error,
               *gap_errors = start.gap_error;
  // No branches: this loop must vectorize.
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < start.count; ++k) {
      const double a22 = squares[k], a12 = product[k], q = f.forward * a22 + f.bias, root_b = std::sqrt(a22);
      const double root_q = q > 0 ? std::sqrt(q) : 1.0, dead_q = q > 0 ? 0.0 : 1.0, root = root_p * root_q;
      c_[k] = f.forward * a12 + f.bias;
      c_error_[k] = f.forward * product_errors[k] + 2 * kEpsilon * std::abs(c_[k]);
      const double one_dies = std::abs(dead - dead_q), both_live = (1 - dead) * (1 - dead_q);
      const double g = both_live * gap(a12, a22, root_b, root_q, 1 / root_q, product_gap[k]).gap + one_dies;
      gap_[k] = g;
      const double g_error = f.forward * root_a * root_b / root * gap_errors[k] + 16 * kEpsilon * g;
      gap_error_[k] = g == 0 ? 0.0 : both_live * g_error;
      theta_[k] = f.weight * a12 + f.shift;
      theta_error_[k] = f.weight * product_errors[k] + 2 * kEpsilon * std::abs(theta_[k]);
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
// most what it is here and what it can change by.
template <bool kSmooth, bool kJump>
void PairRow::errors_of_dual(const HiddenLayer& layer, const Start& start, double rounded,
                             const double* slope, const double* a_gap, double* value_error,
                             double* slope_error) {
  const ExampleColumns& u = layer.examples;
  const std::size_t i = start.i, count = start.count;
  const auto column = [&](const ExampleColumns::Numbers& numbers) { return numbers.data() + start.first; };
  const double size = u.size[i], slope_size = u.slope_size[i], deviation = u.deviation[i],
               smooth = u.smooth[i], inverse_size = u.inverse_size[i];
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
      const double most = slope_size * slope_sizes[k], here = std::abs(slope[k]) + change;
      const double steepest = here < most ? here : most, lever = deviation * deviations[k] * steepest,
                   rho = lever * e;
      value_error[k] += value_slack * sizes[k] + value_slacks[k] * size + rho + lever * rounded;
      slope_error[k] += change;
      // rho of A, where the rule knows its gap: a homogeneous dual normalized depends on rho alone
      rho_error_[k] = rho * inverse_size * inverse_sizes[k] + 16 * kEpsilon * a_gap[k];
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
    const bool equal = gap_[k] == 0 && c_[k] >= 0 && u.variance[i] == u.variance[start.first + k];
    covariance[k] = !layer.layer_norm ? c_[k]
                    : equal           ? u.variance[i]
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
      const double t_error = std::abs(slope[k]) * theta_error_[k] + slope_error[k] * size;
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
  const double *roots = u.root_activation.data() + start.first,
               *errors = u.activation_error.data() + start.first;
  const double own_root = u.root_activation[start.i], own_error = u.activation_error[start.i];
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < start.count; ++k) {
      const double norm = own_root * roots[k], size = std::abs(a_[k]), inverse = norm > 0 ? 1 / norm : 0.0;
      const bool known = a_gap[k] >= 0;
      const double gap = size < norm ? 1 - size * inverse : 0.0;
      const double error = (a_error_[k] + size * (own_error + errors[k]) / 2) * inverse + 4 * kEpsilon;
      a_gap[k] = known ? a_gap[k] : gap;
      rho_error_[k] = known ? rho_error_[k] : norm > 0 ? error : 0.0;
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
  const double *deviations = column(u.deviation), *activations = column(u.activation),
               *deads = column(u.dead);
  const double *roots_a = column(u.root_activation), *roots = column(u.root_next),
               *slacks = column(u.next_slack), *inverses = column(u.inverse_root_next);
  const double* errors = column(u.activation_error);
  const double deviation = u.deviation[i], activation = u.activation[i], root_a = u.root_activation[i];
  const double root_p = u.root_next[i], error = u.activation_error[i], slack = u.next_slack[i],
               dead = u.dead[i];
  const Gap<kBias> gap(f, activation, root_a, root_p);
  const double inverse_p = u.inverse_root_next[i];
  // No branches: this loop must vectorize.
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < start.count; ++k) {
      const double inverse = inverse_p * inverses[k], r = root_a * roots_a[k];
      const double one_dies = dead > deads[k] ? dead : deads[k] - dead;
      const auto moved = gap(a_[k], activations[k], roots_a[k], roots[k], inverses[k], a_gap[k]);
      const double g = moved.gap + one_dies;
      const double apart = moved.lever * (root_a * error + roots_a[k] * errors[k]);
      const double g_error =
          f.forward * r * rho_error_[k] * inverse + apart + g * (slack + slacks[k] + 16 * kEpsilon);
      // Equal inputs: their distance stays 0.
      const double old_gap = gap_[k], old_c = c_[k];
      const double distance = (deviation == deviations[k]) & (old_c >= 0) ? old_gap : 1.0;
      const double kept = distance == 0 ? 0.0 : 1.0, c = f.forward * a_[k] + f.bias;
      gap_[k] = kept * g;
      gap_error_[k] = kept * g_error;
      c_[k] = c;
      c_error_[k] = f.forward * a_error_[k] + 2 * kEpsilon * std::abs(c);
      theta_[k] = f.forward * sum_[k] + (f.weight * a_[k] + f.shift);
      theta_error_[k] =
          f.forward * sum_error_[k] + f.weight * a_error_[k] + 4 * kEpsilon * std::abs(theta_[k]);
    }
  });
}

}  // namespace ntape::limit
