#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ntape/limit/covariance.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ntape::limit {

class DualRule;

/// A dual at a covariance, and how far off it can be.
struct DualValue {
  double value;        ///< K(p,c,q) = E[s(u) s(v)]
  double slope;        ///< K'(p,c,q) = dK/dc = E[s'(u) s'(v)] (Price's theorem)
  double value_bound;  ///< |value - K| is at most this, p, c and q being exact
  double slope_bound;
};

/// A continuous function by its values, its derivative and the places, its kinks, where a derivative jumps.
/// Between kinks it must be smooth, and the normal density times its square and that of its derivative must
/// be integrable. Where it changes within much less than the distance from 0, like tanh(x - 1000) or
/// tanh(1000 x), a kink there makes the dual sharp; without one its bound may be as large as the dual, and
/// what lies between all nodes of a rule is not seen.
struct Function {
  std::function<double(double)> f, df;
  std::vector<double> kinks = {};
};

/// The dual of an activation s: the map of covariances that it makes in a wide layer,
///   K(p,c,q) = E[s(u) s(v)],  K'(p,c,q) = dK/dc = E[s'(u) s'(v)],  (u, v) ~ N(0, [[p, c], [c, q]]).
/// A value; copies share what they are made of; may be used by several threads at once.
class Dual {
 public:
  /// Every activation of the tape's table by its name there, and beside them
  ///
  ///   sign                    its slope is dK/dc, infinite at |rho| = 1
  ///   rectified_power(n)      max(x, 0)^n, n from 0 (a step) to 32
  ///   exp                     e^x
  ///   rbf(g)                  sqrt(2) sin(sqrt(2g) x + pi/4): K = e^{-g (p + q - 2c)}
  ///   monomial(n)             x^n, n from 1 to 64
  ///   hermite(n)              He_n(x) / sqrt(n!), n from 1 to 64: K = c^n at p = q = 1
  ///
  /// Closed forms, whose bounds are of rounding, but for those of tanh, sigmoid, softplus, silu and elu,
  /// which are numerical. Throws UserError for any other name and for parameters out of range.
  explicit Dual(const std::string& activation);
  /// The dual of any function, numerically. Throws UserError when f or df is empty, a kink is not
  /// finite, or the function jumps there.
  explicit Dual(Function function);
  /// The numerical route for an activation of the tape's table, whether or not there is a closed form.
  [[nodiscard]] static Dual numerical(const std::string& activation);

  /// Throws UserError when [[p, c], [c, q]] is no covariance; for numerical duals, when a variance is above
  /// 1e30. Closed forms cost some 50 ns; numerical duals
  /// compute the coefficients of p and q each time, some 100 us to 5 ms, tenths of a second where variances
  /// differ by many orders of magnitude. (Kernels, in recursion.hpp, compute them once per example.)
  [[nodiscard]] DualValue operator()(double p, double c, double q) const {
    return at(Covariance::of(p, c, q));
  }
  [[nodiscard]] DualValue at(const Covariance& covariance) const;

  /// E[s(u)], u ~ N(0, variance).
  [[nodiscard]] double mean(double variance) const;
  /// n when s(ax) = a^n s(x) for every a > 0, so that K(ap, ac, aq) = a^n K(p, c, q).
  [[nodiscard]] std::optional<double> degree() const;

  [[nodiscard]] const DualRule& rule() const { return *rule_; }
  [[nodiscard]] const std::shared_ptr<const DualRule>& shared_rule() const { return rule_; }

 private:
  explicit Dual(std::shared_ptr<const DualRule> rule) : rule_(std::move(rule)) {}
  std::shared_ptr<const DualRule> rule_;
};

/// Duals by the names that an Architecture calls its activations: for functions of the user's own, or in
/// place of the duals that Dual(name) would give.
using Duals = std::map<std::string, Dual>;

/// Whether Dual(activation) is known.
[[nodiscard]] bool has_dual(const std::string& activation);

}  // namespace ntape::limit
