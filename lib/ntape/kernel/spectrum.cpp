#define EIGEN_DONT_PARALLELIZE
#include <Spectra/SymEigsSolver.h>

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/spectrum.hpp>

namespace ntape {
namespace {

// What Spectra iterates with: y = Theta x / N.
template <class Real>
class ScaledKernel {
 public:
  using Scalar = double;
  ScaledKernel(KernelOperator<Real>& kernel, const SpectrumOptions& options)
      : kernel_(kernel), options_(options), rounded_(kernel.size()) {}

  [[nodiscard]] Eigen::Index rows() const { return static_cast<Eigen::Index>(kernel_.size()); }
  [[nodiscard]] Eigen::Index cols() const { return rows(); }

  void perform_op(const double* x, double* y) const {
    std::transform(x, x + rounded_.size(), rounded_.begin(), [](double v) { return static_cast<Real>(v); });
    const auto product = kernel_.apply(rounded_);
    const double scale = 1 / static_cast<double>(kernel_.examples());
    for (Index k = 0; k < product.size(); ++k) {
      y[k] = scale * static_cast<double>(product[k]);
      if (!std::isfinite(y[k]))
        throw UserError("a kernel-vector product overflowed to a value that is not finite");
    }
    ++products;
    if (options_.on_product) options_.on_product(products);
  }

  mutable Index products = 0;

 private:
  KernelOperator<Real>& kernel_;
  const SpectrumOptions& options_;
  mutable std::vector<Real> rounded_;
};

// An eigenvector has a sign only by convention.
void fix_sign(double* v, Index size) {
  const double largest =
      *std::max_element(v, v + size, [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (largest < 0)
    for (Index k = 0; k < size; ++k) v[k] = -v[k];
}

}  // namespace

template <class Real>
LeadingSpectrum leading_spectrum(KernelOperator<Real>& kernel, const SpectrumOptions& options) {
  const Index size = kernel.size(), top = options.top;
  if (top == 0 || top >= size)
    throw UserError("asked for the " + std::to_string(top) + " leading eigenpairs of a kernel of " +
                    std::to_string(size) + " rows; it can give 1 to " + std::to_string(size - 1));
  ScaledKernel<Real> scaled(kernel, options);
  const Index basis = std::min(size, 2 * top + 20);
  Spectra::SymEigsSolver<ScaledKernel<Real>> solver(scaled, static_cast<Eigen::Index>(top),
                                                    static_cast<Eigen::Index>(basis));
  solver.init();
  const Index restarts = std::max<Index>(1, options.most_products / std::max<Index>(1, basis - top));
  solver.compute(Spectra::SortRule::LargestAlge, static_cast<Eigen::Index>(restarts), options.tolerance,
                 Spectra::SortRule::LargestAlge);
  LeadingSpectrum result;
  result.converged = solver.info() == Spectra::CompInfo::Successful;
  const Eigen::VectorXd values = solver.eigenvalues();
  const Eigen::MatrixXd vectors = solver.eigenvectors();
  const Index found = static_cast<Index>(values.size());
  result.vectors = make_matrix<double>(found, size);
  std::vector<double> product(size);
  for (Index k = 0; k < found; ++k) {
    const auto column = static_cast<Eigen::Index>(k);
    double* v = row(result.vectors, k);
    std::copy_n(vectors.col(column).data(), size, v);
    fix_sign(v, size);
    scaled.perform_op(v, product.data());
    double square = 0;
    for (Index i = 0; i < size; ++i) square += std::pow(product[i] - values[column] * v[i], 2);
    result.values.push_back(values[column]);
    result.residuals.push_back(std::sqrt(square));
  }
  result.products = scaled.products;
  return result;
}

Matrix<double> principal_components(const LeadingSpectrum& spectrum, Index examples) {
  Matrix<double> components = spectrum.vectors;
  const double scale = std::sqrt(static_cast<double>(examples));
  for (double& entry : components) entry *= scale;
  return components;
}

template <class Real>
Matrix<double> principal_components_at(const LeadingSpectrum& spectrum, KernelOperator<Real>& kernel,
                                       const Matrix<Real>& z) {
  const Index found = spectrum.values.size();
  Matrix<double> result = make_matrix<double>(found, z.shape(0) * kernel.outputs());
  std::vector<Real> v(kernel.size());
  for (Index k = 0; k < found; ++k) {
    std::transform(row(spectrum.vectors, k), row(spectrum.vectors, k) + v.size(), v.begin(),
                   [](double entry) { return static_cast<Real>(entry); });
    const auto values = kernel.push(kernel.pull(v), z);
    // sqrt(N) / (N lambda)
    const double scale = 1 / (std::sqrt(static_cast<double>(kernel.examples())) * spectrum.values[k]);
    for (Index m = 0; m < values.size(); ++m) result(k, m) = scale * static_cast<double>(values[m]);
  }
  return result;
}

#define NTAPE_INSTANTIATE(Real)                                                                  \
  template LeadingSpectrum leading_spectrum(KernelOperator<Real>&, const SpectrumOptions&);      \
  template Matrix<double> principal_components_at(const LeadingSpectrum&, KernelOperator<Real>&, \
                                                  const Matrix<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
