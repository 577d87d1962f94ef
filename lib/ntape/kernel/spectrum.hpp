#pragma once

#include <ntape/kernel/operator.hpp>

namespace ntape {

struct SpectrumOptions {
  Index top = 10;            ///< K: how many eigenpairs
  double tolerance = 1e-10;  ///< of a residual over the largest eigenvalue
  Index most_products = 5000;
  std::function<void(Index products)> on_product = {};  ///< called after each kernel-vector product
};

/// The K largest eigenvalues of Theta / N, descending, with unit eigenvectors; fewer where products ran out.
///
/// These are the kernel principal components of Jacot et al. 2018, section 5: along component k, gradient
/// flow on the mean square decays as exp(-t values[k]).
struct LeadingSpectrum {
  std::vector<double> values;
  Matrix<double> vectors;  ///< [K x N C], row k of unit length, entry n C + c; its largest entry is positive
  std::vector<double> residuals;   ///< ||Theta v / N - lambda v||_2, measured by one more product each
  Index products = 0;              ///< kernel-vector products, those for the residuals included
  std::vector<Index> unconverged;  ///< the k whose residual, as measured, is above tolerance * values[0]
  bool complete = false;           ///< whether it is sure that no larger eigenvalue is missing
  [[nodiscard]] bool converged() const { return complete && unconverged.empty(); }
};

/// By Lanczos on kernel-vector products (leading_pairs), each eigenvalue as often as it occurs: nothing of
/// size N x N. Residuals are brought to the tolerance times their own eigenvalues, if rounding of Real allows
/// that: it leaves about eps values[0]. Where 3 K + 24 are N C or more, of the kernel, formed by N C
/// products. Throws UserError unless 0 < K <= N C, ShapeError as the operator. Memory: the operator's, and
/// about 4 K + 24 vectors; four kernels when formed.
template <class Real>
[[nodiscard]] LeadingSpectrum leading_spectrum(KernelOperator<Real>& kernel, const SpectrumOptions& options);

/// Component k of the spectrum as a function on examples: sqrt(N) times the eigenvector, so that its norm is
/// 1 in <f, g>_pin = 1/N sum_n f(x_n) . g(x_n). [K x N C]
[[nodiscard]] Matrix<double> principal_components(const LeadingSpectrum& spectrum, Index examples);

/// The same functions at other inputs z: Theta(z, x) f(x) / (N lambda) [K x M C] (Nystrom). NaN
/// where lambda is not above rounding.
template <class Real>
[[nodiscard]] Matrix<double> principal_components_at(const LeadingSpectrum& spectrum,
                                                     KernelOperator<Real>& kernel, const Matrix<Real>& z);

}  // namespace ntape
