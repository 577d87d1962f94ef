#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/factor.hpp>
#include <ntape/dynamics/text.hpp>

namespace ntape {

void require_kernel(const Matrix<double>& k, const std::string& what) {
  constexpr double kSymmetric = 1e-5;
  if (k.shape(0) != k.shape(1) || k.shape(0) == 0)
    throw ShapeError(what + " is " + to_string(shape_of(k)) +
                     ", and a square one of at least one example is needed");
  double top = 0, gap = 0;
  for (Index i = 0; i < k.shape(0); ++i)
    for (Index j = 0; j < k.shape(1); ++j) {
      if (!std::isfinite(k(i, j)))
        throw UserError(what + " holds a value that is not finite in row " + std::to_string(i) + ", column " +
                        std::to_string(j) + " (counted from 0)");
      top = std::max(top, std::abs(k(i, j)));
      if (j < i) gap = std::max(gap, std::abs(k(i, j) - k(j, i)));
    }
  if (gap > kSymmetric * top)
    throw UserError(what + " is not symmetric: entries differ by up to " + detail::text(gap / top) +
                    " of the largest");
}

KernelFactor::KernelFactor(const Matrix<double>& kernel, double precision)
    : precision_(std::max(precision, kDoublePrecision)) {
  if (!(precision < 1))
    throw UserError("the precision of a kernel is " + detail::text(precision) +
                    ", and less than 1 is needed");
  require_kernel(kernel, "the kernel to factor");
  eigen_ = linalg::symmetric_eigen(kernel);
  // Over the largest, whose square need not be a double.
  const double top = std::max(std::abs(eigen_.values.front()), std::abs(eigen_.values.back()));
  double squares = 0;
  for (const double v : eigen_.values) squares += top > 0 ? v / top * (v / top) : 0;
  rounding_ = top * std::max(static_cast<double>(size()) * kDoublePrecision, precision_ * std::sqrt(squares));
}

linalg::View<double> KernelFactor::null_vectors() const {
  Index count = 0;
  while (count < size() && is_null(count)) ++count;
  return {eigen_.vectors.data(), count, size()};
}

linalg::View<double> KernelFactor::negative_vectors() const {
  Index count = 0;
  while (count < size() && eigen_.values[count] < 0) ++count;
  return {eigen_.vectors.data(), count, size()};
}

bool KernelFactor::fits(Shape f) const {
  return f.rows > 0 && f.cols > 0 && (size() == f.rows || size() == f.size());
}

Matrix<double> KernelFactor::components(const Matrix<double>& f) const {
  if (!fits(shape_of(f)))
    throw ShapeError("a kernel of " + to_string(Shape{size(), size()}) + " does not fit functions of " +
                     to_string(shape_of(f)));
  const Index columns = f.size() / size();
  auto c = make_matrix<double>(size(), columns);
  linalg::gemm(1.0, linalg::view(eigen_.vectors), linalg::Op::plain,
               linalg::View<double>{f.data(), size(), columns}, linalg::Op::plain, 0.0, c.data(), columns);
  return c;
}

Matrix<double> KernelFactor::function(const Matrix<double>& components, Shape shape) const {
  auto f = make_matrix<double>(shape.rows, shape.cols);
  linalg::gemm(1.0, linalg::view(eigen_.vectors), linalg::Op::transposed, linalg::view(components),
               linalg::Op::plain, 0.0, f.data(), components.shape(1));
  return f;
}

Matrix<double> KernelFactor::cross_components(const Matrix<double>& kappa) const {
  if (kappa.shape(1) != size())
    throw ShapeError("a kernel of " + to_string(Shape{size(), size()}) + " does not fit one of " +
                     to_string(shape_of(kappa)) + " against other examples");
  return linalg::gram(linalg::view(kappa), linalg::view(eigen_.vectors));
}

// K v = 0 implies kappa v = 0 for a positive semidefinite kernel; its rounding would meet a gain of t.
Matrix<double> KernelFactor::couplings(const Matrix<double>& kappa) const {
  constexpr double kSome = 4;  // roundings: of entries, sums, and what turns an eigenvector
  Matrix<double> cross = cross_components(kappa);
  const double relative = kSome * std::max(precision_, static_cast<double>(size()) * kDoublePrecision);
  for (Index m = 0; m < cross.shape(0); ++m) {
    double squares = 0;
    for (Index k = 0; k < size(); ++k) squares += cross(m, k) * cross(m, k);
    const double rounding = relative * std::sqrt(squares);  // |kappa(z, X)|, V being orthogonal
    for (Index k = 0; k < size() && is_null(k); ++k)
      if (std::abs(cross(m, k)) <= rounding) cross(m, k) = 0;
  }
  return cross;
}

double KernelFactor::late(Index examples) const {
  return static_cast<double>(examples) / null_level();
}

Moment::Response KernelFactor::response(Index mode, const Moment& moment, Index examples) const {
  if (is_null(mode) && moment.flow_time() > late(examples)) return {1, 0};
  return moment.response(std::max(eigen_.values[mode], 0.0) / static_cast<double>(examples));
}

bool KernelFactor::acts(Index mode, double ridge) const {
  return ridge > null_level() ? eigen_.values[mode] > 0 : !is_null(mode);
}

double KernelFactor::inverse(Index mode, double ridge) const {
  return acts(mode, ridge) ? 1 / (eigen_.values[mode] + ridge) : 0;
}

SolveReport KernelFactor::report(double ridge) const {
  if (!(ridge >= 0 && std::isfinite(ridge)))
    throw UserError("the ridge is " + detail::text(ridge) + "; it must be at least 0 and finite");
  const std::vector<double>& lambda = eigen_.values;
  SolveReport r{.size = size(), .lambda_max = lambda.back(), .lambda_min = lambda.front()};
  r.precision = precision_;
  r.rounding = rounding_;
  r.null_level = null_level();
  r.regularizer = ridge;
  double trace = 0, least = std::numeric_limits<double>::infinity(), smallest = least, largest = 0;
  for (Index k = 0; k < size(); ++k) {
    if (is_null(k)) {
      ++r.null_modes;
      if (lambda[k] < 0) ++r.negative_modes;
    } else {
      least = std::min(least, lambda[k]);
    }
    trace += std::max(lambda[k], 0.0);
    smallest = std::min(smallest, std::abs(lambda[k] + ridge));
    largest = std::max(largest, std::abs(lambda[k] + ridge));
  }
  // A ridge that counts makes every mode count, negative ones as zero; then the two are the same.
  if (!r.leaves_out() && r.null_modes > 0) {
    least = std::max(lambda.front(), 0.0);
    smallest = least + ridge;
  }
  r.full_condition = smallest > 0 ? largest / smallest : std::numeric_limits<double>::infinity();
  r.condition = least + ridge > 0 && std::isfinite(least) ? (r.lambda_max + ridge) / (least + ridge)
                                                          : std::numeric_limits<double>::infinity();
  double entropy = 0;
  for (const double v : lambda)
    if (v > 0) entropy -= v / trace * std::log(v / trace);
  r.effective_rank = trace > 0 ? std::exp(entropy) : 0;
  return r;
}

KernelFactor::Solution KernelFactor::solve(const Matrix<double>& kernel, const Matrix<double>& b,
                                           double ridge) const {
  Solution s{make_matrix<double>(0, 0), make_matrix<double>(0, 0), report(ridge)};
  s.report.solved = true;
  Matrix<double> modes = components(b), null = zeros<double>(modes.shape(0), modes.shape(1)), idle = null;
  for (Index k = 0; k < size(); ++k)
    for (Index c = 0; c < modes.shape(1); ++c) {
      if (!acts(k, ridge)) (s.report.leaves_out() ? null(k, c) : idle(k, c)) = modes(k, c);
      modes(k, c) *= inverse(k, ridge);
    }
  s.x = s.acting = function(modes, shape_of(b));
  // K knows nothing of an idle mode, the ridge alone does.
  if (ridge > 0 && !s.report.leaves_out()) {
    for (double& v : idle) v /= ridge;
    const Matrix<double> rest = function(idle, shape_of(b));
    for (Index i = 0; i < b.size(); ++i) s.x.data()[i] += rest.data()[i];
  }
  // b - (K + r) x, less what is out of reach
  Matrix<double> rest = function(null, shape_of(b));
  const double size_of_b = frobenius_norm(b);
  s.report.unreachable = size_of_b > 0 ? frobenius_norm(rest) / size_of_b : 0;
  for (Index i = 0; i < b.size(); ++i) rest.data()[i] = b.data()[i] - rest.data()[i] - ridge * s.x.data()[i];
  const Index columns = modes.shape(1);
  linalg::gemm(-1.0, linalg::view(kernel), linalg::Op::plain,
               linalg::View<double>{s.x.data(), size(), columns}, linalg::Op::plain, 1.0, rest.data(),
               columns);
  const double scale = (s.report.lambda_max + ridge) * frobenius_norm(s.x) + size_of_b;
  s.report.backward_error = scale > 0 ? frobenius_norm(rest) / scale : 0;
  return s;
}

}  // namespace ntape
