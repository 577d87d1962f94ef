#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/limit/line_rule.hpp>
#include <ntape/limit/pairs.hpp>
#include <ntape/limit/rules_by_name.hpp>
#include <ntape/limit/sphere.hpp>
#include <ntape/ops/activation_spelling.hpp>
#include <numbers>
#include <sstream>

namespace ntape {
namespace {

using std::numbers::pi;

// Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2)): one over the integral of sin^{d-2}. It is 1/pi at d = 2, 1/2 at 3,
// and grows by d / (d-1) from d to d + 2; a difference of two lgammas would lose digits as d grows.
double measure_factor(Index d) {
  long double factor = d % 2 == 0 ? std::numbers::inv_pi_v<long double> : 0.5L;
  for (Index n = 2 + d % 2; n < d; n += 2)
    factor *= static_cast<long double>(n) / static_cast<long double>(n - 1);
  return static_cast<double>(factor);
}
// Its relative error.
double measure_error(Index d) {
  return limit::kEpsilon +
         static_cast<double>(d) * static_cast<double>(std::numeric_limits<long double>::epsilon());
}

// sin^{d-2} and what rounding does to it, relative: to the logarithm, which is of the cosine near pi/2, and,
// through cot, to the angle.
struct Measure {
  double weight, error;
  Measure(double d, double t) {
    const double cosine = std::sin(pi / 2 - t), sine = std::sin(t);
    const double logarithm = t > pi / 4 ? std::log1p(-cosine * cosine) / 2 : std::log(sine);
    weight = d == 2 ? 1 : std::exp((d - 2) * logarithm);
    error = (d - 2) * (4 * std::abs(logarithm) + 2 * t * cosine / sine) * limit::kEpsilon;
  }
};

// N(d,k) = (2k + d - 2) / k binom(k + d - 3, k - 1)
std::vector<double> multiplicities(Index d, Index degrees) {
  std::vector<double> n = {1};
  double binomial = 1;
  for (Index k = 1; k <= degrees; ++k) {
    n.push_back(static_cast<double>(2 * k + d - 2) / static_cast<double>(k) * binomial);
    binomial *= static_cast<double>(k + d - 2) / static_cast<double>(k);
  }
  return n;
}

std::string text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

void require_square(double square) {
  if (!(square > 0 && std::isfinite(square)))
    throw UserError("|x|^2 / n_0 is " + text(square) + "; it must be positive and finite");
}

void require_finite(const std::vector<double>& kappa, double square) {
  if (!std::all_of(kappa.begin(), kappa.end(), [](double v) { return std::isfinite(v); }))
    throw UserError("the limit NTK of inputs with |x|^2 / n_0 = " + text(square) +
                    " overflows; smaller inputs, smaller scales or fewer layers are needed");
}

}  // namespace

AngleCurve angle_curve(const Architecture& architecture, double square, const std::vector<double>& angles,
                       const limit::Duals& duals) {
  architecture.validate();
  require_square(square);
  // Both examples of a pair are alike.
  const std::vector<double> squares(limit::PairRow::kMost + 1, square);
  const limit::Layers layers = limit::run_examples(architecture, squares, 0, 1e-13, duals);
  AngleCurve curve;
  limit::PairRow pairs(0);
  double product[limit::PairRow::kMost], gap[limit::PairRow::kMost];
  double product_error[limit::PairRow::kMost], gap_error[limit::PairRow::kMost];
  double distinct[limit::PairRow::kMost];
  for (std::size_t first = 0; first < angles.size(); first += limit::PairRow::kMost) {
    const std::size_t count = std::min(limit::PairRow::kMost, angles.size() - first);
    for (std::size_t k = 0; k < count; ++k) {
      const double angle = angles[first + k];
      if (!(angle >= 0 && angle <= pi))
        throw UserError("an angle is " + std::to_string(angle) + "; it must be between 0 and pi");
      const double half = std::sin((angle > pi / 2 ? pi - angle : angle) / 2);
      product[k] = angle == 0 ? square : square * std::cos(angle);
      gap[k] = 2 * half * half;
      distinct[k] = angle == 0 ? 0 : 1;
      product_error[k] = limit::kEpsilon * std::abs(product[k]);
      gap_error[k] = 2 * limit::kEpsilon * gap[k];
    }
    pairs.run(layers, {0, 1, count, squares.data(), 0, product, gap, product_error, gap_error, distinct});
    curve.value.insert(curve.value.end(), pairs.ntk(), pairs.ntk() + count);
    curve.bound.insert(curve.bound.end(), pairs.ntk_bound(), pairs.ntk_bound() + count);
  }
  require_finite(curve.value, square);
  for (double& b : curve.bound)
    if (std::isnan(b)) b = limit::kInfinity;  // no bound is known
  return curve;
}

// With D = lim (Sigma(1) - Sigma(cos a)) / (a^2 / 2), an angle a of inputs is sqrt(D / p) a in a layer, where
// K' falls by cusp(p) times that.
double angle_cusp(const Architecture& architecture, double square, const limit::Duals& duals) {
  architecture.validate();
  require_square(square);
  const limit::Layers layers = limit::run_examples(architecture, {square}, 0, 1e-13, duals);
  double bend = layers.first.forward * square, p = bend + layers.first.bias;
  double theta = layers.first.weight * square + layers.first.shift, fall = 0, sum_fall = 0, sum_theta = 0,
         a_bend = 0;
  for (const limit::HiddenLayer& h : layers.hidden) {
    for (double* v : {&bend, &p, &theta, &fall, &sum_fall, &sum_theta, &a_bend}) *v *= h.unit;
    const double inverse = h.examples.inverse[0] * h.examples.inverse[0];
    const double slope = h.examples.slope_size[0] * h.examples.slope_size[0] * inverse;
    const double cusp = p > 0 ? h.rule->cusp(h.examples.variance[0]) * std::sqrt(bend / p) * inverse : 0;
    if (!h.residual) sum_fall = sum_theta = a_bend = 0;
    sum_fall += slope * fall + cusp * theta;
    sum_theta += slope * theta;
    a_bend += slope * bend;
    const double a = h.examples.activation[0];
    bend = h.factors.forward * a_bend;
    p = h.factors.forward * a + h.factors.bias;
    fall = h.factors.forward * sum_fall;
    theta = h.factors.forward * sum_theta + h.factors.weight * a + h.factors.shift;
  }
  return std::ldexp(fall, layers.exponent);
}

SphereSpectrum sphere_spectrum(const Architecture& architecture, Index dimension, Index degrees,
                               double square, const limit::Duals& duals) {
  if (dimension < 2 || dimension > 10000)
    throw UserError("the dimension of the sphere's space is " + std::to_string(dimension) +
                    "; it must be from 2 to 10000");
  if (degrees > 2000)
    throw UserError(std::to_string(degrees) + " degrees are asked for; at most 2000 are possible");
  const double d = static_cast<double>(dimension), factor = measure_factor(dimension);
  // Six nodes a wave at the widest spacing, step pi^2 / 4; half of them still resolve it. Near pi/2, P_k
  // waves like cos(sqrt(k (k + d - 2)) th), and the spectrum of sin^{d-2} is a normal of deviation sqrt(d -
  // 2).
  const auto waves = [&](Index k) {
    return std::sqrt(static_cast<double>(k) * static_cast<double>(k + dimension - 2));
  };
  const double finest = waves(degrees) + 8 * std::sqrt(d - 2) + 32;
  const double step = std::exp2(std::floor(std::log2(4 / (3 * pi * finest))));
  std::vector<double> angles, weights, weight_errors;
  std::vector<bool> even;
  const limit::UnitRule unit = limit::unit_rule(step);
  for (std::size_t j = 0; j < unit.size(); ++j) {
    const double t = pi * unit.from_end[j];
    angles.push_back(unit.upper[j] ? pi - t : t);
    const Measure measure(d, t);
    weights.push_back(pi * unit.weight[j] * measure.weight);
    weight_errors.push_back(measure.error);
    even.push_back(unit.phase[j] % 2 == 0);
  }
  const AngleCurve kappa = angle_curve(architecture, square, angles, duals);

  SphereSpectrum out{dimension, {}, {}, multiplicities(dimension, degrees), 0, 0, 0};
  out.kappa_one = angle_curve(architecture, square, {0}, duals).value[0];
  std::vector<double> before(angles.size(), 0.0), now(angles.size(), 1.0), cosines;
  for (const double a : angles) cosines.push_back(std::cos(a));
  for (Index k = 0; k <= degrees; ++k) {
    double sum = 0, coarse = 0, size = 0, error = 0;
    for (std::size_t j = 0; j < angles.size(); ++j) {
      const double weighted = factor * weights[j] * now[j], term = weighted * kappa.value[j];
      sum += term;
      if (even[j]) coarse += 2 * term;
      size += std::abs(term);
      error += std::abs(weighted) * kappa.bound[j] + std::abs(term) * weight_errors[j];
    }
    out.value.push_back(sum);
    // The recurrence for P_k loses about a unit of rounding each wave, and so does a cosine.
    const double units = 16 * limit::kEpsilon + 2 * waves(k) * limit::kEpsilon + measure_error(dimension);
    out.bound.push_back(error + limit::nested_error(sum, coarse, size) + units * size);
    if (sum > out.bound.back()) {
      out.sum += out.multiplicity[k] * sum;
      out.sum_bound += out.multiplicity[k] * out.bound.back();
    }
    // (k + d - 2) P_{k+1} = (2k + d - 2) t P_k - k P_{k-1}; at k = 0, P_1 = t
    const double n = static_cast<double>(k);
    for (std::size_t j = 0; j < angles.size(); ++j) {
      const double next =
          k == 0 ? cosines[j] : ((2 * n + d - 2) * cosines[j] * now[j] - n * before[j]) / (n + d - 2);
      before[j] = now[j];
      now[j] = next;
    }
  }
  return out;
}

Positivity positivity(const SphereSpectrum& spectrum) {
  return positivity(spectrum, PowerSeries{});
}

Positivity positivity(const SphereSpectrum& spectrum, const PowerSeries& series) {
  const Index count = spectrum.value.size(), known = series.value.size();
  std::vector<bool> above(count), nothing(count);
  // From the last coefficient on: whether one of that parity was above its bound, and whether any was not 0.
  bool some[2] = {false, false}, all_zero[2] = {known > 0, known > 1};
  for (Index k = std::max(count, known); k-- > 0;) {
    const Index parity = k % 2;
    if (k < known) {
      some[parity] = some[parity] || series.value[k] > series.bound[k];
      all_zero[parity] = all_zero[parity] && series.vanishes[k];
    }
    if (k >= count) continue;
    above[k] = some[parity] || spectrum.value[k] > spectrum.bound[k];
    nothing[k] = all_zero[parity] && k < known;
  }
  Positivity out;
  for (Index k = 0; k < count; ++k)
    (above[k] ? out.positive : nothing[k] ? out.vanishing : out.undecided).push_back(k);
  const Index first = static_cast<Index>(std::find(above.begin(), above.end(), false) - above.begin());
  if (first > 0) out.proved = first - 1;
  return out;
}

bool positive_by_theorem(const Architecture& architecture, const limit::Duals& duals) {
  const std::string& name = architecture.activation;
  const bool fits = architecture.is_plain() && architecture.depth() >= 2 && architecture.bias_scale > 0 &&
                    architecture.weight_scale > 0;
  if (!fits || duals.contains(name) || !limit::has_dual(name)) return false;
  // Of all known functions these are not Lipschitz, or not known to be; polynomials are left to their series.
  const std::string_view family = read_activation(name).name;
  if (family == "sign" || family == "exp" || family == "rectified_power") return false;
  return !limit::rule_by_name(name)->slope_series(1, 0, 1).finite;
}

}  // namespace ntape
