#pragma once

#include <functional>
#include <string>
#include <utility>

namespace ntape::test {

/// A function in extended precision whose only kink, if any, is at 0.
struct LongFunction {
  std::function<long double(long double)> f, df;
  /// f and df together, where that is quicker; may be empty.
  std::function<std::pair<long double, long double>(long double)> both = {};
  bool even_or_odd = false;  ///< f is the one or the other: f(x) f(y) = f(-x) f(-y), and so for df
  bool featureless = false;  ///< smooth in ln |x| far from 0: no waves
};

/// An activation by the name that limit::Dual takes, from the definitions that the tape's ops are made of
/// where there are any.
[[nodiscard]] LongFunction long_function(const std::string& activation);

struct OracleDual {
  long double value, slope;
  long double value_scale, slope_scale;  ///< E|s(u) s(v)|, E|s'(u) s'(v)|
};

/// E[s(u) s(v)] and E[s'(u) s'(v)] for covariance [[p, c], [c, q]], variances up to some hundreds, or
/// 1e8 where f is featureless, by a method of its own: polar coordinates after decorrelation, where the lines
/// u = 0 and v = 0 are rays; in each of the four sectors Gauss-Legendre panels in the angle, graded towards
/// the rays, and in the radius, as many as u and v along that ray need. Long double throughout. `fineness`
/// multiplies the number of panels. Milliseconds to tenths of a second.
[[nodiscard]] OracleDual dual_oracle(const LongFunction& s, double p, double c, double q,
                                     double fineness = 1);

}  // namespace ntape::test
