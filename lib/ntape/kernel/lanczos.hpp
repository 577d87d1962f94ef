#pragma once

#include <functional>
#include <ntape/tensor/matrix.hpp>
#include <vector>

namespace ntape {

/// y = A x for a symmetric positive semidefinite A.
using SymmetricMap = std::function<void(const double* x, double* y)>;

struct LanczosOptions {
  Index top = 10;
  double tolerance = 1e-10;  ///< of a residual over its eigenvalue
  double rounding = 1e-15;   ///< of a product, over the largest eigenvalue: no residual is pursued below it
  Index most_products = 5000;
};

/// The vectors that leading_pairs() holds: where they are `size` or more, it is not for this matrix.
[[nodiscard]] constexpr Index lanczos_vectors(Index top) {
  return 3 * top + 24;
}

/// The largest eigenvalues, descending, each as often as it occurs, with orthonormal eigenvectors.
struct LeadingPairs {
  std::vector<double> values;
  Matrix<double> vectors;  ///< [top x size], a row each
  bool complete = false;   ///< false where products ran out before all were found and nothing seemed missing
};

/// By Lanczos with thick restarts, on a basis of lanczos_vectors(top) orthonormal vectors.
///
/// A Krylov space holds one vector of each eigenspace for each vector it began with, so that further copies
/// of an eigenvalue do not show, however small the residuals are. So a random vector orthogonal to what was
/// found is tried next: the largest Ritz value it leads to must stay below the last eigenvalue found, by a
/// bound that fails once in a million (Kuczynski and Wozniakowski 1992), or converge there. Otherwise what it
/// points at is found in the complement, from twice as many random vectors each time. The random vectors are
/// always the same. Throws UserError unless lanczos_vectors(top) < size.
[[nodiscard]] LeadingPairs leading_pairs(const SymmetricMap& a, Index size, const LanczosOptions& options);

}  // namespace ntape
