#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/drift/change.hpp>

namespace ntape {
namespace {

void require_same_shape(const char* who, const Matrix<double>& a, const Matrix<double>& b) {
  if (shape_of(a) != shape_of(b))
    throw ShapeError(std::string(who) + ": the kernels are " + to_string(shape_of(a)) + " and " +
                     to_string(shape_of(b)));
}

double positive(const char* who, double value) {
  if (value == 0) throw InternalError(std::string(who) + ": a kernel of norm zero");
  return value;
}

double trace(const Matrix<double>& m) {
  double sum = 0;
  for (Index i = 0; i < m.shape(0); ++i) sum += m(i, i);
  return sum;
}

Matrix<double> centered(const Matrix<double>& k) {
  if (k.shape(0) != k.shape(1))
    throw ShapeError("centered_alignment: a kernel that is " + to_string(shape_of(k)) +
                     "; it must be square");
  const Index n = k.shape(0);
  const double count = static_cast<double>(n);
  std::vector<double> rows(n, 0.0), cols(n, 0.0);
  double all = 0;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      rows[i] += k(i, j) / count;
      cols[j] += k(i, j) / count;
      all += k(i, j) / (count * count);
    }
  Matrix<double> result = k;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) result(i, j) += all - rows[i] - cols[j];
  return result;
}

}  // namespace

double relative_change(const Matrix<double>& k, const Matrix<double>& k0) {
  require_same_shape("relative_change", k, k0);
  double sum = 0;
  for (Index i = 0; i < k.size(); ++i) sum += (k.data()[i] - k0.data()[i]) * (k.data()[i] - k0.data()[i]);
  return std::sqrt(sum) / positive("relative_change", frobenius_norm(k0));
}

template <class Real, class Real0>
double relative_change(const Kernel<Real>& k, const Kernel<Real0>& k0) {
  return relative_change(cast<double>(k).values, cast<double>(k0).values);
}
template double relative_change(const Kernel<float>&, const Kernel<float>&);
template double relative_change(const Kernel<float>&, const Kernel<double>&);
template double relative_change(const Kernel<double>&, const Kernel<float>&);
template double relative_change(const Kernel<double>&, const Kernel<double>&);

double kernel_distance(const Matrix<double>& k, const Matrix<double>& k0) {
  require_same_shape("kernel_distance", k, k0);
  const double a = 1 / positive("kernel_distance", frobenius_norm(k)),
               b = 1 / positive("kernel_distance", frobenius_norm(k0));
  double sum = 0;
  for (Index i = 0; i < k.size(); ++i) {
    const double d = a * k.data()[i] - b * k0.data()[i];
    sum += d * d;
  }
  return sum / 2;
}

double trace_ratio(const Matrix<double>& k, const Matrix<double>& k0) {
  require_same_shape("trace_ratio", k, k0);
  return trace(k) / positive("trace_ratio", trace(k0));
}

double target_alignment(const Matrix<double>& k, const Matrix<double>& y) {
  if (shape_of(k) != Shape{y.shape(0), y.shape(0)})
    throw ShapeError("target_alignment: the kernel is " + to_string(shape_of(k)) + " and the targets are " +
                     to_string(shape_of(y)));
  double form = 0;
  for (Index i = 0; i < k.shape(0); ++i)
    for (Index j = 0; j < k.shape(1); ++j)
      for (Index c = 0; c < y.shape(1); ++c) form += y(i, c) * k(i, j) * y(j, c);
  const double size = frobenius_norm(y);
  return form / (positive("target_alignment", frobenius_norm(k)) * positive("target_alignment", size * size));
}

double centered_alignment(const Matrix<double>& k, const Matrix<double>& k2) {
  require_same_shape("centered_alignment", k, k2);
  const Matrix<double> a = centered(k), b = centered(k2);
  double inner = 0;
  for (Index i = 0; i < a.size(); ++i) inner += a.data()[i] * b.data()[i];
  return inner / (positive("centered_alignment", frobenius_norm(a)) *
                  positive("centered_alignment", frobenius_norm(b)));
}

}  // namespace ntape
