#pragma once

#include <ntape/tensor/matrix.hpp>

namespace ntape {

/// How far training on the mean square has gone, and what that does to one mode of a constant kernel.
///
/// Along an eigenvector of Theta/N with eigenvalue mu, f - y is decay(mu) times what it was at the start. At
/// other inputs z, f has moved by -1/N kappa(z, X) gain(Theta/N) (f_0 - y), where gain(mu) = (1 - decay(mu))
/// / mu, and its limit where mu = 0: with no division, no cancellation, and no threshold.
///
///   flow(t)              decay = exp(-mu t), gain(0) = t
///   descent(k, eta)      decay = (1 - eta mu)^k, gain(0) = eta k: exactly k steps, not the flow at eta k
///   descent(k, eta, m)   heavy ball, theta_{k+1} = theta_k - eta grad + m (theta_k - theta_{k-1}) from rest,
///                        theta_{-1} = theta_0: u_{k+1} = (1 + m - eta mu) u_k - m u_{k-1}, exactly
///   flow(infinity)       decay = 0 and gain = 1/mu; where mu = 0 decay = 1 and gain = 0, which is the answer
///   of
///                        minimum norm
class Moment {
 public:
  /// Gradient flow until time t >= 0, infinity included. Throws UserError for other t.
  [[nodiscard]] static Moment flow(double time);
  /// k steps of rate eta > 0, with momentum 0 <= m < 1. Throws UserError for others. A rate beyond 2 (1 + m)
  /// / mu diverges, as descent does; what leaves the range of double comes out infinite or NaN.
  [[nodiscard]] static Moment descent(Index steps, double rate, double momentum = 0);

  struct Response {
    double decay, gain;
  };
  /// Of a mode with mu >= 0. Gain and 1 - decay are right to a few units in the last place for flow, to about
  /// k units of 1e-16 for k steps where decay is not small. Cost: O(1), with momentum O(log k).
  [[nodiscard]] Response response(double mu) const;

  /// t, or eta k.
  [[nodiscard]] double time() const { return time_; }
  /// That of the flow under which a slow mode is as far: eta k / (1 - m) with momentum.
  [[nodiscard]] double flow_time() const { return time_ / (1 - momentum_); }
  [[nodiscard]] bool is_infinite() const;
  [[nodiscard]] bool is_flow() const { return rate_ == 0; }

 private:
  Moment(double time, Index steps, double rate, double momentum)
      : time_(time), steps_(steps), rate_(rate), momentum_(momentum) {}
  [[nodiscard]] Response with_momentum(double a) const;

  double time_;
  Index steps_;
  double rate_;  // 0 for flow
  double momentum_;
};

}  // namespace ntape
