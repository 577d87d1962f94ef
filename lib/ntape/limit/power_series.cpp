#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/limit/layers.hpp>
#include <ntape/limit/power_series.hpp>
#include <ntape/limit/series.hpp>
#include <ntape/limit/sphere.hpp>
#include <ntape/limit/vanishing.hpp>

namespace ntape {
namespace {

using limit::HiddenLayer;
using limit::kEpsilon;
using limit::OneSidedSeries;
using limit::SlopeSeries;
using Numbers = std::vector<double>;

// Of kappa(1): products that leave the range of doubles within a layer, where sizes are near 1, and what
// later layers make of them.
constexpr double kLeft = 0x1p-960;

// Coefficients of K' at a layer's variance, from above or from below.
struct Slopes {
  Numbers value;
  double rest;
};

Slopes slopes_of(const HiddenLayer& h, const SlopeSeries& series, bool upper) {
  Slopes out{{}, 0};
  double least = 0;
  for (std::size_t k = 0; k < series.value.size(); ++k) {
    const double d = std::sqrt(series.value[k]);
    const double e = series.error[k];
    out.value.push_back(upper ? (d + e) * (d + e) : d > e ? (d - e) * (d - e) : 0);
    least += d > e ? (d - e) * (d - e) : 0;
  }
  const double whole = h.examples.slope_size[0] * h.examples.slope_size[0];
  // 1e-13: the error of K', of its variance and of the sum
  if (!series.finite) out.rest = std::max(whole * (1 + 1e-13) - least, 0.0);
  return out;
}

// One way through the layers, from above or from below.
class Pass {
 public:
  Pass(std::size_t degree, bool upper) : series_(degree, upper), sign_(upper ? 1 : -1) {}

  Numbers operator()(const limit::Layers& layers, const std::vector<SlopeSeries>& slopes, double square) {
    const auto& f = layers.first;
    const Numbers cosine = {0, square};
    sigma_ = series_.affine(f.forward, cosine, f.bias);
    theta_ = series_.affine(f.weight, cosine, f.shift);
    for (std::size_t l = 0; l < layers.hidden.size(); ++l) through(layers.hidden[l], slopes[l]);
    for (double& v : theta_) v = std::ldexp(v, layers.exponent);
    return theta_;
  }

 private:
  void through(const HiddenLayer& h, const SlopeSeries& given) {
    for (Numbers* numbers : {&sigma_, &theta_, &a_, &sum_})
      for (double& v : *numbers) v *= h.unit;
    const double p = h.examples.variance[0], inverse = h.examples.inverse[0] * h.examples.inverse[0];
    const double relative = 2 * (h.examples.sum_error[0] + h.examples.inverse_error[0]) + 4 * kEpsilon;
    const Numbers rho = series_.affine(p > 0 ? inverse / p * (1 + sign_ * relative) : 0, sigma_, 0);
    const Slopes slopes = slopes_of(h, given, series_.upper());
    const Numbers slope = series_.composed(slopes.value, slopes.rest, rho);
    Numbers value = series_.integral(constant(h, slopes, rho[0]), p * (1 + sign_ * relative), slope, rho);
    Numbers part = series_.product(slope, theta_);
    for (double& v : part) v *= inverse * (1 + sign_ * relative);
    if (h.residual) {
      part = series_.sum(part, sum_);
      value = series_.sum(value, a_);
      value[0] = std::max(value[0] + crossed(h), 0.0);
    }
    sum_ = std::move(part);
    a_ = std::move(value);
    const auto& f = h.factors;
    sigma_ = series_.affine(f.forward, a_, f.bias);
    theta_ = series_.sum(series_.affine(f.forward, sum_, 0), series_.affine(f.weight, a_, f.shift));
  }

  // K(rho_0) = mean^2 + p sum_j d_j^2 rho_0^{j+1} / (j+1)
  [[nodiscard]] double constant(const HiddenLayer& h, const Slopes& slopes, double rho) const {
    const double p = h.examples.variance[0], mean = std::abs(h.rule->mean(p)),
                 error = h.examples.value_slack[0] + 16 * kEpsilon * h.examples.size[0];
    double sum = 0, power = rho;
    for (std::size_t k = 0; k < slopes.value.size(); ++k, power *= rho)
      sum += slopes.value[k] * power / static_cast<double>(k + 1);
    if (series_.upper()) sum += slopes.rest * power;
    const double m = h.rule->parity() == limit::Parity::odd ? 0 : std::max(mean + sign_ * error, 0.0);
    return series_.moved(p * sum, 3 * static_cast<double>(slopes.value.size()) + 4) + m * m;
  }
  // 2 m^{l-1} mu
  [[nodiscard]] double crossed(const HiddenLayer& h) const {
    const auto& e = h.examples;
    const double error =
        2 * (e.before_error[0] * std::abs(e.mean[0]) + std::abs(e.before[0]) * e.mean_error[0]);
    return 2 * e.before[0] * e.mean[0] + sign_ * error;
  }

  OneSidedSeries series_;
  double sign_;
  Numbers sigma_, theta_, a_, sum_;
};

// The degree of kappa where every layer is a polynomial.
std::optional<Index> degree_of(const limit::Layers& layers, const std::vector<SlopeSeries>& slopes) {
  Index sigma = 1, theta = 1;
  for (std::size_t l = 0; l < layers.hidden.size(); ++l) {
    if (!slopes[l].finite) return {};
    const Index n = slopes[l].value.empty() ? 1 : slopes[l].value.size();  // of s
    theta = std::max((n - 1) * sigma + theta, n * sigma);
    sigma *= n;
  }
  return theta;
}

}  // namespace

PowerSeries power_series(const Architecture& architecture, Index degrees, double square,
                         const limit::Duals& duals) {
  if (degrees > 1000)
    throw UserError(std::to_string(degrees) + " coefficients are asked for; at most 1000 are possible");
  const AngleCurve one = angle_curve(architecture, square, {0}, duals);
  const limit::Layers layers = limit::run_examples(architecture, {square}, 0, 1e-13, duals);
  // A constant term of rho, from biases, gathers what is far out into every degree; it falls like rho^n.
  const std::size_t count = std::max<std::size_t>(2 * degrees + 2, 1024);
  std::vector<SlopeSeries> slopes;
  for (const HiddenLayer& h : layers.hidden)
    slopes.push_back(h.rule->slope_series(h.examples.variance[0], h.examples.variance_error[0], count));

  const Numbers low = Pass(degrees, false)(layers, slopes, square),
                high = Pass(degrees, true)(layers, slopes, square);
  PowerSeries out;
  out.kappa_one = one.value[0];
  out.degree = degree_of(layers, slopes);
  out.vanishes = limit::vanishing_coefficients(architecture, layers, slopes, degrees);
  const double lost = std::max(kLeft * out.kappa_one, std::numeric_limits<double>::min());
  double rest = one.value[0] + one.bound[0];
  for (Index k = 0; k <= degrees; ++k) {
    if (!std::isfinite(high[k]))
      throw UserError("the coefficients of the limit kernel overflow; smaller scales are needed");
    const bool nothing = out.vanishes[k];
    out.value.push_back(nothing ? 0 : low[k] + (high[k] - low[k]) / 2);
    // where the two are next to each other, half their distance rounds to nothing
    out.bound.push_back(nothing ? 0 : (high[k] - low[k]) / 2 + kEpsilon * high[k] + lost);
    rest -= low[k];
  }
  // What is above `degrees`, and the coefficients up to there from the last on; or kappa(1) without those
  // before, where that is less.
  double tail = out.degree && *out.degree <= degrees ? 0 : std::max(rest + 4 * kEpsilon * one.value[0], 0.0);
  out.tail.resize(degrees + 1);
  for (Index k = degrees + 1; k-- > 0; tail += out.vanishes[k] ? 0 : high[k], rest += low[k])
    out.tail[k] = std::min(tail, std::max(rest + 4 * kEpsilon * one.value[0], 0.0));
  return out;
}

}  // namespace ntape
