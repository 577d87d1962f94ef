#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <ntape/limit/moments.hpp>
#include <ntape/limit/rule.hpp>
#include <tuple>
#include <vector>

namespace ntape::limit {

/// The Hermite coefficients of s' at one variance, d_k = E[s'(sqrt(p) z) h_k(z)], h_k = He_k / sqrt(k!): what
/// a dual needs to know of one example. Integrating by parts, E[s h_k] = sqrt(p/k) d_{k-1}; so (Mehler's
/// formula)
///   K' = sum_k d_k(p) d_k(q) rho^k,  K = E[s(u)] E[s(v)] + sqrt(pq) sum_k d_k(p) d_k(q) rho^{k+1} / (k+1),
/// and by Cauchy and Schwarz the terms from n on are at most sqrt(T_n(p) T_n(q)) |rho|^n in K', with
/// Parseval's T_n = E[s'^2] - sum_{k<n} d_k^2.
struct HermiteCoefficients {
  static constexpr std::size_t kBlock = 16;
  Moments of;
  std::vector<double> d;      ///< a whole number of blocks
  std::vector<double> tail;   ///< at block b, and at the end: an upper bound of sqrt(T_n), n = kBlock b
  std::vector<double> total;  ///< at block b: sum_{k<n} |d_k|
  double error = 0;           ///< of one coefficient
  double deviation = 0;       ///< sqrt(of.variance)
  double root_slope = 0;      ///< sqrt(of.slope)
  double mean_error = 0;      ///< of of.mean
};

/// Computes coefficients of one function, sharing between variances what does not depend on them.
class HermiteMaker {
 public:
  /// At most `most` coefficients (a multiple of 16) where s is smooth, a quarter of them where it has a kink
  /// or the variance is above 64: there the coefficients fall slowly, and more of them need many more nodes.
  explicit HermiteMaker(Function function, std::size_t most = 1024);
  ~HermiteMaker();

  /// As many coefficients as leave T_n below tolerance^2 E[s'^2] and as are `least` asked for, or as there
  /// may be. May be called by several threads. Throws as moments. Cost: some 10 to 1000 us.
  [[nodiscard]] HermiteCoefficients operator()(double variance, double tolerance,
                                               std::size_t least = 0) const;
  [[nodiscard]] const Function& function() const { return function_; }

 private:
  struct Table;  // nodes, and weight times h_k at each
  [[nodiscard]] std::shared_ptr<const Table> table(double variance, double reach, std::size_t count) const;
  Function function_;
  std::size_t most_;
  mutable std::mutex mutex_;
  mutable std::map<std::tuple<double, double, std::size_t, std::size_t>, std::shared_ptr<const Table>>
      tables_;
};

/// The first d_k^2, with the errors of d_k: small ones are right to 1e-32 of the largest.
/// Jumps of s' away from 0 are not counted in what the variance's error does. Throws as moments.
[[nodiscard]] SlopeSeries hermite_slopes(const Function& function, double variance, double variance_error,
                                         std::size_t count);

/// Sums of a series, and a bound of what is wrong with them.
struct SeriesSum {
  DualValue dual;
  std::size_t terms;
};

/// The dual at a covariance of those variances by as few terms as make the tail smaller than tolerance
/// sqrt(E[s'(u)^2] E[s'(v)^2]) (all of them when that cannot be). c and gap as in Covariance. Cost: about 0.5
/// ns a term.
[[nodiscard]] SeriesSum hermite_dual(const HermiteCoefficients& p, const HermiteCoefficients& q, double c,
                                     double gap, double tolerance);

}  // namespace ntape::limit
