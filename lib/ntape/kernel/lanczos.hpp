#pragma once

#include <functional>
#include <ntape/tensor/matrix.hpp>
#include <vector>

namespace ntape {

/// y = A x for a symmetric positive semidefinite A.
using SymmetricMap = std::function<void(const double* x, double* y)>;

struct LanczosOptions {
  Index top = 10;
  double tolerance = 1e-10;    ///< of a residual over its eigenvalue
  double rounding = 1e-15;     ///< of a product, over the largest eigenvalue: no residual is pursued below it
  Index most_products = 5000;  ///< no search begins after so many, and none restarts
};

/// The vectors that leading_pairs() holds: where they are `size` or more, it is not for this matrix.
[[nodiscard]] constexpr Index lanczos_vectors(Index top) {
  return 3 * top + 24;
}

/// The largest eigenvalues, descending, each as often as it occurs, with orthonormal eigenvectors.
struct LeadingPairs {
  std::vector<double> values;
  Matrix<double> vectors;  ///< [top x size], a row each; fewer where products ran out
  bool complete = false;   ///< whether all were found, and nothing seems missing
};

/// By Lanczos with implicit restarts (Spectra), again and again.
///
/// A Krylov space holds one vector of each eigenspace, so that further copies of an eigenvalue do not show,
/// however small the residuals are. So the largest eigenvalue in the complement of what was found is looked
/// for next, from another random vector, to three digits: it must be below the last one found. Otherwise what
/// is there is found, too, first one pair, then twice as many each time, until no search leads to anything
/// larger. The random vectors are always the same. Throws UserError unless lanczos_vectors(top) < size.
[[nodiscard]] LeadingPairs leading_pairs(const SymmetricMap& a, Index size, const LanczosOptions& options);

}  // namespace ntape
