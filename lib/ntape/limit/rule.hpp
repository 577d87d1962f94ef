#pragma once

#include <cmath>
#include <limits>
#include <memory>
#include <ntape/limit/dual.hpp>
#include <optional>
#include <vector>

/// What the duals of this room are made of. For the room itself and its tests.
namespace ntape::limit {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// How fast a dual changes: upper bounds of root mean squares over u ~ N(0, variance), s'' being the second
/// derivative between kinks.
struct Sensitivity {
  double slope;            ///< of s'(u)
  double stretch;          ///< of u s'(u)
  double curvature;        ///< of s''(u)
  double curving_stretch;  ///< of u s''(u)
  double jump = 0;         ///< sum over the jumps of s' of their sizes |J|
  double moving = 0;       ///< sum over them of |x J|, x being where they are, times the density of u there
  double steepest = 0;     ///< the supremum of |s'|, where `moving` is not 0
};

/// Suprema over the real line that bound them at any variance; infinite where there is none.
struct Suprema {
  double slope;
  double stretch;
  double curvature;
  double curving_stretch;
  double jump = 0;
  [[nodiscard]] Sensitivity at(double variance) const {
    const double deviation = std::sqrt(variance);
    return {slope, std::fmin(stretch, deviation * slope), curvature,
            std::fmin(curving_stretch, deviation * curvature), jump};
  }
};

/// What is known of s under x -> -x.
enum class Parity {
  none,  ///< nothing
  odd,
  even,
  odd_and_constant,  ///< as a sum of the two
  even_and_line,
};

/// The power series of K' in rho at equal variances, K'(v, v rho, v) = sum_k d_k^2 rho^k (Mehler's formula,
/// see hermite_series.hpp): its first coefficients. An error is of d_k.
struct SlopeSeries {
  std::vector<double> value;  ///< d_k^2
  std::vector<double> error;  ///< of d_k
  bool finite = false;        ///< all that is not here is 0
};

/// Where a row of results goes.
struct DualRow {
  double* value;
  double* slope;
  double* value_bound;
  double* slope_bound;
  /// 1 - |K(p,c,q)| / sqrt(K(p,p,p) K(q,q,q)), where the rule knows more digits of it than the values have;
  /// -1 elsewhere.
  double* gap;
};

/// A dual for a given list of variances: what depends on one of them has been computed.
class PreparedDual {
 public:
  virtual ~PreparedDual() = default;
  /// The duals of variance i with `count` others, from `first` on: c[k] and gap[k] belong to variance first +
  /// k, out.*[k] likewise.
  virtual void row(std::size_t i, std::size_t first, std::size_t count, const double* c, const double* gap,
                   const DualRow& out) const = 0;
  /// Whether out.gap is known for all pairs.
  [[nodiscard]] virtual bool knows_gaps() const { return false; }
  /// What it keeps for its variances.
  [[nodiscard]] virtual double bytes() const = 0;
};

class DualRule {
 public:
  virtual ~DualRule() = default;
  [[nodiscard]] virtual DualValue at(const Covariance& s) const = 0;
  [[nodiscard]] virtual double mean(double variance) const = 0;
  [[nodiscard]] virtual Sensitivity sensitivity(double variance) const = 0;
  /// The sum over the jumps of s' of their sizes, as in Sensitivity.
  [[nodiscard]] virtual double jump() const { return sensitivity(1).jump; }
  [[nodiscard]] virtual std::optional<double> degree() const { return {}; }
  [[nodiscard]] virtual Parity parity() const { return Parity::none; }
  /// Whether d_k of the slope series is 0 at every variance, as far as is known.
  [[nodiscard]] virtual bool slope_vanishes(std::size_t k) const;
  /// `tolerance`: an error, relative to sqrt(K(p,p,p) K(q,q,q)), below which there is no need to go.
  /// The rule must outlive the result.
  [[nodiscard]] virtual std::unique_ptr<PreparedDual> prepare(const std::vector<double>& variances,
                                                              double tolerance) const;
  /// `count` coefficients at least, unless it is finite; with what a relative error of the variance moves
  /// them by. Throws UserError where K' has no series: it is infinite at rho = 1.
  [[nodiscard]] virtual SlopeSeries slope_series(double variance, double variance_error,
                                                 std::size_t count) const = 0;
  /// How steeply K' falls with the angle between equal inputs: K'(v, v cos th, v) = K'(v,v,v) - cusp th +
  /// O(th^2). Jumps J_j of s' at x_j give sum_j J_j^2 e^{-x_j^2 / 2v} / (2 pi).
  [[nodiscard]] virtual double cusp(double variance) const;
  /// What DualRow::gap is.
  [[nodiscard]] virtual double value_gap(const Covariance&) const { return -1; }
};

}  // namespace ntape::limit
