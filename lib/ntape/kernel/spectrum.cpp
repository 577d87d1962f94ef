#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/lanczos.hpp>
#include <ntape/kernel/spectrum.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

// y = Theta x / N.
template <class Real>
class ScaledKernel {
 public:
  ScaledKernel(KernelOperator<Real>& kernel, const SpectrumOptions& options)
      : kernel_(kernel), options_(options), rounded_(kernel.size()) {}

  [[nodiscard]] Index size() const { return kernel_.size(); }

  void operator()(const double* x, double* y) {
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

  Index products = 0;

 private:
  KernelOperator<Real>& kernel_;
  const SpectrumOptions& options_;
  std::vector<Real> rounded_;
};

// An eigenvector has a sign only by convention.
void fix_sign(double* v, Index size) {
  const double largest =
      *std::max_element(v, v + size, [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (largest < 0)
    for (Index k = 0; k < size; ++k) v[k] = -v[k];
}

// What linalg::symmetric_eigen takes: better refused before the products than after them.
constexpr Index kMostFormed = 32766;

// A basis as large as the kernel is the kernel: formed, a row a product.
template <class Real>
LeadingPairs formed(ScaledKernel<Real>& scaled, Index top) {
  const Index size = scaled.size();
  Matrix<double> theta = make_matrix<double>(size, size);
  std::vector<double> unit(size, 0.0);
  for (Index k = 0; k < size; ++k) {
    unit[k] = 1;
    scaled(unit.data(), row(theta, k));
    unit[k] = 0;
  }
  for (Index k = 0; k < size; ++k)
    for (Index l = 0; l < k; ++l) theta(k, l) = theta(l, k) = (theta(k, l) + theta(l, k)) / 2;
  const auto all = linalg::symmetric_eigen(theta);
  LeadingPairs pairs{{all.values.rbegin(), all.values.rbegin() + static_cast<std::ptrdiff_t>(top)},
                     make_matrix<double>(top, size),
                     true};
  for (Index k = 0; k < top; ++k) std::copy_n(row(all.vectors, size - 1 - k), size, row(pairs.vectors, k));
  return pairs;
}

}  // namespace

template <class Real>
LeadingSpectrum leading_spectrum(KernelOperator<Real>& kernel, const SpectrumOptions& options) {
  const Index size = kernel.size(), top = options.top;
  if (top == 0 || top > size)
    throw UserError("asked for the " + std::to_string(top) + " leading eigenpairs of a kernel of " +
                    std::to_string(size) + (size == 1 ? " row" : " rows") + "; it can give 1 to " +
                    std::to_string(size));
  if (lanczos_vectors(top) >= size && size > kMostFormed)
    throw UserError("asked for " + std::to_string(top) + " eigenpairs of a kernel of " +
                    std::to_string(size) + " rows, which take all of it at once, and LAPACK decomposes " +
                    std::to_string(kMostFormed) + " rows at most; up to " +
                    std::to_string((size - lanczos_vectors(0) - 1) / 3) + " eigenpairs take less");
  ScaledKernel<Real> scaled(kernel, options);
  auto [values, vectors, complete] = [&] {
    if (lanczos_vectors(top) >= size) return formed(scaled, top);
    return leading_pairs(std::ref(scaled), size,
                         // A product rounds its vector, and in each of two sweeps.
                         {.top = top,
                          .tolerance = options.tolerance,
                          .rounding = 4 * std::numeric_limits<Real>::epsilon(),
                          .most_products = options.most_products});
  }();
  if (values.empty())
    throw UserError("no eigenpair was found in " + std::to_string(scaled.products) +
                    " kernel-vector products; a larger tolerance needs fewer");
  LeadingSpectrum result;
  result.values = std::move(values);
  result.vectors = std::move(vectors);
  result.complete = complete;
  std::vector<double> product(size);
  for (Index k = 0; k < result.values.size(); ++k) {
    double* v = row(result.vectors, k);
    fix_sign(v, size);
    scaled(v, product.data());
    double square = 0;
    for (Index i = 0; i < size; ++i) square += std::pow(product[i] - result.values[k] * v[i], 2);
    result.residuals.push_back(std::sqrt(square));
    if (!(result.residuals[k] <= options.tolerance * std::abs(result.values.front())))
      result.unconverged.push_back(k);
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
    // Nothing of a component is known elsewhere where its eigenvalue is only rounding.
    const double value = spectrum.values[k], rounding = std::numeric_limits<Real>::epsilon();
    const bool lost = !(value > rounding * static_cast<double>(kernel.size()) * spectrum.values.front());
    const double scale = lost ? std::numeric_limits<double>::quiet_NaN()
                              : 1 / (std::sqrt(static_cast<double>(kernel.examples())) * value);
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
