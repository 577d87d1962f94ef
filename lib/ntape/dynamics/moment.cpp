#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/moment.hpp>
#include <ntape/dynamics/text.hpp>

namespace ntape {

using detail::text;

Moment Moment::flow(double time) {
  if (!(time >= 0)) throw UserError("the time is " + text(time) + ", and at least 0 is needed");
  return {time, 0, 0, 0};
}

Moment Moment::descent(Index steps, double rate, double momentum) {
  if (!(rate > 0 && std::isfinite(rate)))
    throw UserError("the rate is " + text(rate) + "; it must be positive and finite");
  if (!(momentum >= 0 && momentum < 1))
    throw UserError("the momentum is " + text(momentum) + ", and at least 0 and less than 1 is needed");
  return {rate * static_cast<double>(steps), steps, rate, momentum};
}

bool Moment::is_infinite() const {
  return std::isinf(time_) && is_flow();
}

Moment::Response Moment::response(double mu) const {
  if (is_flow()) {
    if (mu == 0) return is_infinite() ? Response{1, 0} : Response{1, time_};
    return {std::exp(-mu * time_), -std::expm1(-mu * time_) / mu};
  }
  const double a = rate_ * mu, k = static_cast<double>(steps_);
  if (momentum_ != 0) return with_momentum(a);
  if (a == 0) return {1, time_};
  // Up to a = 1/2 by the logarithm, which keeps the digits of small a; beyond, 1 - decay cancels nothing.
  // (pow is right for the negative bases of modes that overshoot.)
  if (a < .5) return {std::exp(k * std::log1p(-a)), -std::expm1(k * std::log1p(-a)) / mu};
  const double decay = std::pow(1 - a, k);
  return {decay, (1 - decay) / mu};
}

// With w = (1 - u)/a (the gain over eta) and v its last change, a step is affine and knows no division:
//   v' = m v + 1 - a w,  w' = w + v',
// k of them are a power by repeated squaring of the matrix M = I + D of (w, v, 1). Squared as D <- 2 D + D^2,
// D keeps the relative digits of slow modes (tiny a), which 1 - a would lose.
//
// The linear part P of M moves (u, u - u_before). It is I + D until the slow mode has decayed by a quarter,
// and its own square from there on, so that what remains of a dying mode has its digits, too.
Moment::Response Moment::with_momentum(double a) const {
  constexpr double kQuarter = .25;
  const double m = momentum_;
  double d[2][3] = {{-a, m, 1}, {-a, m - 1, 1}};
  double p[2][2] = {{1 - a, m}, {-a, m}};
  double w = 0, v = 0, u = 1, s = 0;
  bool slow = true;
  for (Index k = steps_;; k /= 2) {
    if (k % 2 == 1) {
      const double dw = d[0][0] * w + d[0][1] * v + d[0][2], dv = d[1][0] * w + d[1][1] * v + d[1][2];
      w += dw;
      v += dv;
      const double next = p[0][0] * u + p[0][1] * s;
      s = p[1][0] * u + p[1][1] * s;
      u = next;
    }
    if (k <= 1) break;
    double d2[2][3], p2[2][2];
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 3; ++j) d2[i][j] = 2 * d[i][j] + (d[i][0] * d[0][j] + d[i][1] * d[1][j]);
      for (int j = 0; j < 2; ++j) p2[i][j] = p[i][0] * p[0][j] + p[i][1] * p[1][j];
    }
    slow = slow && std::abs(d2[0][0]) < kQuarter;
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 3; ++j) d[i][j] = d2[i][j];
      for (int j = 0; j < 2; ++j) p[i][j] = slow ? (i == j ? 1 : 0) + d[i][j] : p2[i][j];
    }
  }
  return {u, rate_ * w};
}

}  // namespace ntape
