#include <algorithm>
#include <cmath>
#include <map>
#include <ntape/limit/hermite_series.hpp>
#include <ntape/limit/numerical.hpp>
#include <numbers>

namespace ntape::limit {
namespace {

// What a single dual aims at, relative to sqrt(E[s'^2] E[s'^2]).
constexpr double kSharpest = 1e-15;
// A plane rule is tried when the series leaves more than this.
constexpr double kGood = 2e-14;

// Of s' at a kink.
struct Jump {
  double at, size;
};

std::vector<Jump> jumps_of(const Function& s) {
  std::vector<Jump> jumps;
  for (const double k : s.kinks) {
    // Limits from either side, linearly extrapolated: right to the square of the distance, 1e-16.
    const double d = std::ldexp(std::max(std::abs(k), 1.0), -26);
    const double right = 2 * s.df(k + d) - s.df(k + 2 * d), left = 2 * s.df(k - d) - s.df(k - 2 * d);
    // What is left of rounding is no jump: a cusp is exactly there or not.
    const double size = right - left, scale = std::abs(right) + std::abs(left);
    if (std::abs(size) > 16 * kEpsilon * scale) jumps.push_back({k, size});
  }
  return jumps;
}

class Numerical final : public DualRule {
 public:
  Numerical(Function s, Blur blur, std::function<Sensitivity(double)> sensitivity, Parity parity)
      : jumps_(jumps_of(s)),
        maker_(std::move(s)),
        blur_(std::move(blur)),
        sensitivity_(std::move(sensitivity)),
        parity_(parity) {}

  DualValue at(const Covariance& s) const override {
    if (equal(s)) return diagonal(moments(maker_.function(), s.p));
    const HermiteCoefficients p = maker_(s.p, kSharpest);
    if (s.p == s.q) return at(p, p, s, kSharpest, kGood);
    return at(p, maker_(s.q, kSharpest), s, kSharpest, kGood);
  }
  Parity parity() const override { return parity_; }
  double mean(double variance) const override { return moments(maker_.function(), variance).mean; }
  Sensitivity sensitivity(double variance) const override {
    if (sensitivity_) return sharpened(sensitivity_(variance), maker_.function(), variance);
    const Moments m = moments(maker_.function(), variance);
    Sensitivity out{std::sqrt(m.slope), m.stretch, m.curving / std::sqrt(std::max(variance, 1e-300)),
                    m.curving};
    for (const Jump& jump : jumps_) {
      out.jump += std::abs(jump.size);
      if (jump.at != 0 && variance > 0)
        out.moving += std::abs(jump.at * jump.size) * std::exp(-jump.at * jump.at / (2 * variance)) /
                      std::sqrt(2 * std::numbers::pi * variance);
    }
    if (out.moving > 0) out.steepest = steepest(m.reach * std::sqrt(variance));
    return out;
  }
  // Without moments: the function need not be integrable at any variance but the layer's.
  double jump() const override {
    if (sensitivity_) return sensitivity_(1).jump;
    double sum = 0;
    for (const Jump& j : jumps_) sum += std::abs(j.size);
    return sum;
  }
  SlopeSeries slope_series(double variance, double variance_error, std::size_t count) const override {
    SlopeSeries series = hermite_slopes(maker_.function(), variance, variance_error, count);
    double moving = 0;  // |h_k| <= e^{z^2/4}
    for (const Jump& jump : jumps_)
      if (variance > 0)
        moving += std::abs(jump.at * jump.size) * std::exp(-jump.at * jump.at / (4 * variance)) /
                  std::sqrt(2 * std::numbers::pi * variance);
    for (double& e : series.error) e += variance_error / 2 * moving;
    return series;
  }
  double cusp(double variance) const override {
    double sum = 0;
    for (const Jump& jump : jumps_)
      sum += jump.size * jump.size *
             (jump.at == 0    ? 1
              : variance == 0 ? 0
                              : std::exp(-jump.at * jump.at / (2 * variance)));
    return sum / (2 * std::numbers::pi);
  }
  std::unique_ptr<PreparedDual> prepare(const std::vector<double>& variances,
                                        double tolerance) const override;

  // The series, and where its bound is above `good`, for each result what has the smaller bound.
  DualValue at(const HermiteCoefficients& p, const HermiteCoefficients& q, const Covariance& s,
               double sharpest, double good) const {
    if (equal(s)) return diagonal(p.of);
    const DualValue series = hermite_dual(p, q, s.c, s.gap, sharpest).dual;
    const double slopes = std::sqrt(p.of.slope * q.of.slope), values = std::sqrt(p.of.value * q.of.value);
    if (series.slope_bound <= good * slopes && series.value_bound <= good * values) return series;
    DualValue plane = plane_dual(maker_.function(), blur_, p.of, q.of, s, good / 8);
    plane.slope_bound += misplaced(p.of, q.of, s);
    const bool value = plane.value_bound < series.value_bound, slope = plane.slope_bound < series.slope_bound;
    return {value ? plane.value : series.value, slope ? plane.slope : series.slope,
            std::min(plane.value_bound, series.value_bound), std::min(plane.slope_bound, series.slope_bound)};
  }
  HermiteCoefficients coefficients(double variance, double tolerance) const {
    return maker_(variance, tolerance);
  }

 private:
  static bool equal(const Covariance& s) { return s.gap == 0 && s.p == s.q && s.c >= 0; }
  static DualValue diagonal(const Moments& m) {
    return {m.value, m.slope, m.error * m.value, m.error * m.slope};
  }

  // What rounding does to K' by way of where kinks are: u at k, and v, given u with mean m and deviation t,
  // at (k - m) / t, each off by some units of what it is made of. Given v = k, E|m| <= rho^2 |k| + |rho| t.
  // With all kinks at 0 these are units of the numbers themselves.
  [[nodiscard]] double misplaced(const Moments& p, const Moments& q, const Covariance& s) const {
    if (std::all_of(jumps_.begin(), jumps_.end(), [](const Jump& j) { return j.at == 0; })) return 0;
    const double du = std::sqrt(s.p), dv = std::sqrt(s.q);
    const double size = s.gap < 0.5 ? 1 - s.gap : du * dv > 0 ? std::min(std::abs(s.c) / (du * dv), 1.0) : 0;
    double sum = 0;
    for (const Jump& jump : jumps_) {
      const double at = std::abs(jump.at), weight = std::abs(jump.size);
      const auto density = [&](double deviation) {
        const double z = at / deviation;
        return std::exp(-z * z / 2) / (std::sqrt(2 * std::numbers::pi) * deviation);
      };
      if (du > 0) sum += weight * at * density(du);
      if (dv > 0) sum += 2 * weight * (2 * at + size * s.sine() * dv) * density(dv);
    }
    return sum == 0 ? 0 : kEpsilon * sum * steepest(std::max(p.reach * du, q.reach * dv));
  }

  // The largest |s'| up to there, seen at a thousand points and next to kinks.
  [[nodiscard]] double steepest(double reach) const {
    constexpr int kPoints = 500;
    const Function& s = maker_.function();
    double most = 0;
    const auto look = [&](double x) { most = std::max(most, std::abs(s.df(x))); };
    for (int k = -kPoints; k <= kPoints; ++k) look(reach * k / kPoints);
    for (const double k : s.kinks)
      for (const double side : {-1.0, 1.0}) look(k + side * std::ldexp(std::max(std::abs(k), 1.0), -26));
    return most;
  }

  std::vector<Jump> jumps_;
  HermiteMaker maker_;
  Blur blur_;
  std::function<Sensitivity(double)> sensitivity_;
  Parity parity_;
};

class Prepared final : public PreparedDual {
 public:
  Prepared(const Numerical& rule, const std::vector<double>& variances, double tolerance)
      : rule_(rule), tolerance_(tolerance) {
    std::map<double, std::size_t> known;  // equal variances share their coefficients
    std::vector<double> distinct;
    for (const double v : variances) {
      const auto [at, fresh] = known.try_emplace(v, distinct.size());
      if (fresh) distinct.push_back(v);
      places_.push_back(at->second);
    }
    // A quarter for the tail of the slope.
    const auto count = static_cast<std::ptrdiff_t>(distinct.size());
    coefficients_.resize(distinct.size());
    std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 4)
    for (std::ptrdiff_t k = 0; k < count; ++k) try {
        coefficients_[static_cast<std::size_t>(k)] =
            rule_.coefficients(distinct[static_cast<std::size_t>(k)], tolerance / 4);
      } catch (...) {
#pragma omp critical(ntape_limit_failure)
        failure = std::current_exception();
      }
    if (failure) std::rethrow_exception(failure);
  }
  void row(std::size_t i, std::size_t first, std::size_t count, const double* c, const double* gap,
           const DualRow& out) const override {
    const HermiteCoefficients& p = coefficients_[places_[i]];
    for (std::size_t k = 0; k < count; ++k) {
      const HermiteCoefficients& q = coefficients_[places_[first + k]];
      const DualValue d =
          rule_.at(p, q, {p.of.variance, c[k], q.of.variance, gap[k]}, tolerance_ / 4, tolerance_);
      out.value[k] = d.value;
      out.slope[k] = d.slope;
      out.value_bound[k] = d.value_bound;
      out.slope_bound[k] = d.slope_bound;
      out.gap[k] = -1;
    }
  }
  double bytes() const override {
    double sum = static_cast<double>(places_.size() * sizeof(std::size_t));
    for (const HermiteCoefficients& c : coefficients_) {
      const std::size_t numbers = c.d.capacity() + c.tail.capacity() + c.total.capacity();
      sum += static_cast<double>(sizeof c + numbers * sizeof(double));
    }
    return sum;
  }

 private:
  const Numerical& rule_;
  double tolerance_;
  std::vector<HermiteCoefficients> coefficients_;  // of each distinct variance
  std::vector<std::size_t> places_;                // of each variance given, among the distinct
};

std::unique_ptr<PreparedDual> Numerical::prepare(const std::vector<double>& variances,
                                                 double tolerance) const {
  return std::make_unique<Prepared>(*this, variances, std::max(tolerance, kGood));
}

// e^{x^2} erfc(x) for x >= 0: the continued fraction of Laplace from 2 on, the product below.
double scaled_erfc(double x) {
  if (x < 2) return std::exp(x * x) * std::erfc(x);
  double fraction = 0;
  for (int k = 60; k > 0; --k) fraction = k / 2.0 / (x + fraction);
  return std::numbers::inv_sqrtpi / (x + fraction);
}

// Below it powers of the argument fall quickly.
constexpr double kSmallArgument = 0.5;

// E[e^v - 1; v < 0], v = m + t w, as sum over k of E[v^k; v < 0] / k!. With P_k = E[(-v)^k; v < 0] / k! and
// Stein's lemma, k P_k = t^2 P_{k-2} - m P_{k-1}: where m > 0 its rounding is some of t phi, next to E[relu]
// nothing. The last term is at most (1/2)^24 / sqrt(24!), 1e-19.
double small_negative_part(double m, double t, double below, double density) {
  constexpr int kTerms = 24;
  double before = below, now = t * density - m * below, sum = -now;
  for (int k = 2; k <= kTerms && std::abs(now) > 0; ++k) {
    const double next = (t * t * before - m * now) / k;
    before = now;
    now = next;
    sum += k % 2 == 0 ? now : -now;
  }
  return sum;
}

}  // namespace

std::pair<double, double> elu_blur(double a, double m, double t) {
  using std::numbers::sqrt2;
  // E[relu] = m Phi(m/t) + t phi(m/t); E[e^x; x < 0] = e^{m + t^2/2} Phi(-(m + t^2)/t)
  const double z = m / t, below = 0.5 * std::erfc(z / sqrt2), above = 0.5 * std::erfc(-z / sqrt2);
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  const double x = (z + t) / sqrt2;
  const double left =
      x > 0 ? 0.5 * std::exp(-z * z / 2) * scaled_erfc(x) : 0.5 * std::exp(m + t * t / 2) * std::erfc(x);
  // Of e^x - 1 below 0. Of numbers near 0 their difference has no digits.
  const double rest =
      std::abs(m) + t > kSmallArgument ? left - below : small_negative_part(m, t, below, density);
  return {m * above + t * density + a * rest, above + a * left};
}

std::shared_ptr<const DualRule> numerical_rule(Function s, Blur blur,
                                               std::function<Sensitivity(double)> sensitivity,
                                               Parity parity) {
  return std::make_shared<Numerical>(std::move(s), std::move(blur), std::move(sensitivity), parity);
}

}  // namespace ntape::limit
