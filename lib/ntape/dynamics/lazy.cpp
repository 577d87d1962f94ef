#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/lazy.hpp>
#include <ntape/dynamics/text.hpp>

namespace ntape {
namespace {

// Factored, once the shapes are known to fit.
std::shared_ptr<const KernelFactor> factor_of(const Matrix<double>& kernel, const Matrix<double>& f0,
                                              const Matrix<double>& y, double precision) {
  const bool fits = kernel.shape(0) == y.shape(0) || kernel.shape(0) == y.size();
  if (shape_of(f0) != shape_of(y) || kernel.shape(0) != kernel.shape(1) || !fits)
    throw ShapeError("LazyPrediction: the kernel is " + to_string(shape_of(kernel)) + ", outputs are " +
                     to_string(shape_of(f0)) + " and targets are " + to_string(shape_of(y)));
  detail::require_finite(f0, "outputs at the start");
  detail::require_finite(y, "targets");
  return std::make_shared<const KernelFactor>(kernel, precision);
}

}  // namespace

LazyPrediction::LazyPrediction(const Matrix<double>& kernel, const Matrix<double>& f0,
                               const Matrix<double>& y, double precision)
    : LazyPrediction(factor_of(kernel, f0, y, precision), kernel, f0, y) {}

LazyPrediction::LazyPrediction(std::shared_ptr<const KernelFactor> factor, const Matrix<double>& kernel,
                               const Matrix<double>& f0, const Matrix<double>& y)
    : factor_(std::move(factor)), start_(f0), targets_(y) {
  if (shape_of(f0) != shape_of(y) || !factor_->fits(shape_of(y)) ||
      shape_of(kernel) != Shape{factor_->size(), factor_->size()})
    throw ShapeError("LazyPrediction: the factored kernel is " +
                     to_string(Shape{factor_->size(), factor_->size()}) + ", the kernel " +
                     to_string(shape_of(kernel)) + ", outputs are " + to_string(shape_of(f0)) +
                     " and targets are " + to_string(shape_of(y)));
  detail::require_finite(f0, "outputs at the start");
  detail::require_finite(y, "targets");
  Matrix<double> residual = make_matrix<double>(y.shape(0), y.shape(1));
  for (Index k = 0; k < y.size(); ++k) residual.data()[k] = f0.data()[k] - y.data()[k];
  residual_ = factor_->components(residual);
  report_ = factor_->solve(kernel, residual, 0).report;
}

Matrix<double> LazyPrediction::at(const Moment& moment) const {
  if (moment.time() == 0) return start_;
  Matrix<double> modes = residual_;
  for (Index k = 0; k < modes.shape(0); ++k) {
    const double decay = factor_->response(k, moment, examples()).decay;
    for (Index c = 0; c < modes.shape(1); ++c) modes(k, c) *= decay;
  }
  Matrix<double> f = factor_->function(modes, shape_of(targets_));
  for (Index k = 0; k < f.size(); ++k) f.data()[k] += targets_.data()[k];
  return f;
}

LazyElsewhere LazyPrediction::elsewhere(const Matrix<double>& kappa, const Matrix<double>& f0) const {
  const Index rows = residual_.shape(1) == f0.shape(1) ? f0.shape(0) : f0.size();
  if (kappa.shape(0) != rows || f0.shape(1) != targets_.shape(1))
    throw ShapeError("LazyPrediction: the kernel at other inputs is " + to_string(shape_of(kappa)) +
                     " and outputs there are " + to_string(shape_of(f0)) + ", with targets of " +
                     to_string(shape_of(targets_)));
  detail::require_finite(kappa, "kernels at other inputs");
  detail::require_finite(f0, "outputs at the start, at other inputs,");
  return {factor_, factor_->couplings(kappa), f0, residual_, examples()};
}

LazyElsewhere::LazyElsewhere(std::shared_ptr<const KernelFactor> factor, Matrix<double> cross,
                             Matrix<double> start, Matrix<double> residual, Index examples)
    : factor_(std::move(factor)),
      cross_(std::move(cross)),
      start_(std::move(start)),
      residual_(std::move(residual)),
      examples_(examples) {}

Matrix<double> LazyElsewhere::at(const Moment& moment) const {
  if (moment.time() == 0) return start_;
  Matrix<double> f = start_;
  add_moved(moment, factor_->size(), f);
  return f;
}

double LazyElsewhere::moved_by_null_modes(const Moment& moment) const {
  auto part = zeros<double>(start_.shape(0), start_.shape(1));
  add_moved(moment, factor_->null_vectors().rows, part);
  double largest = 0;
  for (const double v : part) largest = std::max(largest, std::abs(v));
  return largest;
}

void LazyElsewhere::add_moved(const Moment& moment, Index first, Matrix<double>& f) const {
  auto modes = zeros<double>(residual_.shape(0), residual_.shape(1));
  for (Index k = 0; k < first; ++k) {
    const double gain = factor_->response(k, moment, examples_).gain / static_cast<double>(examples_);
    for (Index c = 0; c < modes.shape(1); ++c) modes(k, c) = gain * residual_(k, c);
  }
  linalg::gemm(-1.0, linalg::view(cross_), linalg::Op::plain, linalg::view(modes), linalg::Op::plain, 1.0,
               f.data(), modes.shape(1));
}

}  // namespace ntape
