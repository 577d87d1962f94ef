#pragma once

#include <ntape/kernel/operator.hpp>

namespace ntape {

struct SpectrumOptions {
  Index top = 10;            ///< K: how many eigenpairs
  double tolerance = 1e-10;  ///< of the residual over the eigenvalue, as the iteration estimates it
  Index most_products = 5000;
  std::function<void(Index products)> on_product = {};  ///< called after each kernel-vector product
};

/// The K largest eigenvalues of Theta / N, descending, with unit eigenvectors.
///
/// These are the kernel principal components of Jacot et al. 2018, section 5: along component k, gradient
/// flow on the mean square decays as exp(-t values[k]).
struct LeadingSpectrum {
  std::vector<double> values;
  Matrix<double> vectors;  ///< [K x N C], row k of unit length, entry n C + c; its largest entry is positive
  std::vector<double> residuals;  ///< ||Theta v / N - lambda v||_2, measured by one more product each
  Index products = 0;             ///< kernel-vector products, those for the residuals included
  bool converged = false;         ///< whether all K met the tolerance
};

/// By the implicitly restarted Lanczos method (Spectra) on kernel-vector products: nothing of size N x N.
/// Where 2 K + 20 are N C or more, of the kernel, formed by N C products. Throws UserError unless 0 < K <= N
/// C, ShapeError as the operator. Memory: the operator's, and about 2 K + 20 vectors; three kernels when
/// formed.
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
