#pragma once

#include <ntape/model/architecture.hpp>

namespace ntape::test {

/// Some 33 digits, where there are such numbers.
#ifdef __SIZEOF_FLOAT128__
__extension__ typedef __float128 Quad;
#else
using Quad = long double;
#endif

struct OracleEntry {
  Quad ntk, nngp;
};

/// The limit kernels of two inputs by the recursion as it is written down, in covariances alone, for relu,
/// abs, erf, sin and gaussian, in any order, with residual connections and layer_norm. Where inputs are as
/// near as 1e-12, 1 - rho is 1e-24, and 9 of its digits are left.
[[nodiscard]] OracleEntry limit_oracle(const Architecture& architecture, const double* x, const double* y);

[[nodiscard]] inline double distance(double value, Quad exact) {
  const Quad d = exact - Quad(value);
  return static_cast<double>(d < 0 ? -d : d);
}

}  // namespace ntape::test
