#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/lazy.hpp>

namespace ntape {

LazyPrediction::LazyPrediction(const Matrix<double>& kernel, const Matrix<double>& f0,
                               const Matrix<double>& y)
    : targets_(y), full_(y.shape(1) > 1 && kernel.shape(0) == y.size()) {
  const Index size = full_ ? y.size() : y.shape(0);
  if (shape_of(f0) != shape_of(y) || shape_of(kernel) != Shape{size, size})
    throw ShapeError("LazyPrediction: the kernel is " + to_string(shape_of(kernel)) + ", outputs are " +
                     to_string(shape_of(f0)) + " and targets are " + to_string(shape_of(y)));
  eigen_ = linalg::symmetric_eigen(kernel);
  Matrix<double> residual = make_matrix<double>(size, y.size() / size);
  for (Index k = 0; k < y.size(); ++k) residual.data()[k] = f0.data()[k] - y.data()[k];
  residual_ = make_matrix<double>(size, residual.shape(1));
  linalg::gemm(1.0, linalg::view(eigen_.vectors), linalg::Op::plain, linalg::view(residual),
               linalg::Op::plain, 0.0, residual_.data(), residual_.shape(1));
}

Matrix<double> LazyPrediction::after_steps(Index steps, double rate) const {
  const double scale = rate / static_cast<double>(targets_.shape(0));
  Matrix<double> modes = residual_;
  for (Index k = 0; k < modes.shape(0); ++k) {
    // An integer power by std::pow is right for negative bases too (a mode that overshoots).
    const double factor = std::pow(1 - scale * eigen_.values[k], static_cast<double>(steps));
    for (Index c = 0; c < modes.shape(1); ++c) modes(k, c) *= factor;
  }
  Matrix<double> f = targets_;
  linalg::gemm(1.0, linalg::view(eigen_.vectors), linalg::Op::transposed, linalg::view(modes),
               linalg::Op::plain, 1.0, f.data(), modes.shape(1));
  return f;
}

double critical_rate(double lambda_max, Index examples) {
  return 2 * static_cast<double>(examples) / lambda_max;
}

}  // namespace ntape
