#include "overflow.hpp"

#include <limits>
#include <ntape/run/table.hpp>

namespace ntape::tools {
namespace {

// The least sqrt(|x|^2 / n_0) but 0, without squares that vanish.
double least_size(const Matrix<double>& x) {
  double least = std::numeric_limits<double>::infinity();
  for (Index n = 0; n < x.shape(0); ++n) {
    double size = 0;
    for (Index k = 0; k < x.shape(1); ++k) size = std::hypot(size, x(n, k));
    if (size > 0) least = std::min(least, size / std::sqrt(static_cast<double>(x.shape(1))));
  }
  return least;
}

}  // namespace

UserError overflow(const std::string& what, const std::string& advice) {
  return UserError("the " + what +
                   " overflowed to a value that is not finite; smaller inputs or scales are needed" + advice);
}

UserError limit_overflow(const std::string& what, const Matrix<double>& x, const Matrix<double>& x2) {
  // Some digits are left to squares above this.
  constexpr double kSmall = 1e-150;
  const double least = std::min(least_size(x), least_size(x2));
  if (least > kSmall) return overflow(what);
  return UserError("the " + what + " is not finite, because the squares of inputs of size " +
                   run::significant(least, 2) + " vanish; larger inputs are needed");
}

}  // namespace ntape::tools
