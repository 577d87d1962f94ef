#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/path.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

// a += factor b; an empty b is zero.
void add(Matrix<double>& a, double factor, const Matrix<double>& b) {
  for (Index k = 0; k < b.size(); ++k) a.data()[k] += factor * b.data()[k];
}

}  // namespace

Matrix<double> PathPrediction::increment(const Matrix<double>& f, const Matrix<double>& last,
                                         const Product& kernel) const {
  Matrix<double> change = kernel(slope_(f));
  for (double& v : change) v *= -rate_;
  add(change, momentum_, last);
  return change;
}

void PathPrediction::arrive(const Matrix<double>& f) {
  if (!departed_) throw InternalError("a path prediction that arrives where it has not departed");
  departed_ = false;
  if (now_.size() == 0) {
    now_ = predicted_ = f;
    return;
  }
  if (shape_of(f) != shape_of(now_))
    throw ShapeError("the outputs along a path are " + to_string(shape_of(now_)) + ", and then " +
                     to_string(shape_of(f)));
  step_ = f;
  add(step_, -1, now_);
  residual_ = step_;
  add(residual_, -1, expected_);
  add(predicted_, 1, velocity_);
  now_ = f;
}

void PathPrediction::depart(const Product& kernel) {
  expected_ = increment(now_, step_, kernel);
  velocity_ = increment(predicted_, velocity_, kernel);
  departed_ = true;
}

Matrix<double> kernel_product(const Matrix<double>& kernel, const Matrix<double>& u) {
  const bool full = kernel.shape(0) != u.shape(0);
  const Index size = full ? u.size() : u.shape(0);
  if (shape_of(kernel) != Shape{size, size})
    throw ShapeError("a kernel of " + to_string(shape_of(kernel)) + " cannot act on outputs of " +
                     to_string(shape_of(u)));
  Matrix<double> result = make_matrix<double>(u.shape(0), u.shape(1));
  if (full) {
    Matrix<double> column = make_matrix<double>(size, 1);
    std::copy(u.begin(), u.end(), column.begin());
    linalg::gemm(1.0, linalg::view(kernel), linalg::Op::plain, linalg::view(column), linalg::Op::plain, 0.0,
                 result.data(), 1);
  } else {
    linalg::gemm(1.0, linalg::view(kernel), linalg::Op::plain, linalg::view(u), linalg::Op::plain, 0.0,
                 result.data(), u.shape(1));
  }
  return result;
}

}  // namespace ntape
