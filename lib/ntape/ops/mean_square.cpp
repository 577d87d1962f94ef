#include <ntape/base/errors.hpp>
#include <ntape/ops/mean_square.hpp>

namespace ntape {
namespace {

template <class Real>
void require_same_shape(const Matrix<Real>& f, const Matrix<Real>& y) {
  if (shape_of(f) != shape_of(y))
    throw ShapeError("mean_square: outputs are " + to_string(shape_of(f)) + " and targets are " +
                     to_string(shape_of(y)));
}

}  // namespace

template <class Real>
double mean_square(const Matrix<Real>& f, const Matrix<Real>& y) {
  require_same_shape(f, y);
  double sum = 0;
  for (Index k = 0; k < f.size(); ++k) {
    const double difference = static_cast<double>(f.data()[k]) - static_cast<double>(y.data()[k]);
    sum += difference * difference;
  }
  return sum / (2.0 * static_cast<double>(f.shape(0)));
}

template <class Real>
void mean_square_cotangent(const Matrix<Real>& f, const Matrix<Real>& y, Stack<Real>& cotangent) {
  require_same_shape(f, y);
  if (cotangent.size() != f.size()) throw InternalError("mean_square_cotangent: cotangent of another shape");
  const Real examples = static_cast<Real>(f.shape(0));
  for (Index k = 0; k < f.size(); ++k) cotangent.data()[k] = (f.data()[k] - y.data()[k]) / examples;
}

template double mean_square(const Matrix<float>&, const Matrix<float>&);
template double mean_square(const Matrix<double>&, const Matrix<double>&);
template void mean_square_cotangent(const Matrix<float>&, const Matrix<float>&, Stack<float>&);
template void mean_square_cotangent(const Matrix<double>&, const Matrix<double>&, Stack<double>&);

}  // namespace ntape
