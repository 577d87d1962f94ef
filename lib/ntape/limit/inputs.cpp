#include <algorithm>
#include <cmath>
#include <ntape/limit/inputs.hpp>

namespace ntape::limit {
namespace {

// One summation order for every pair, so that equal rows give bit-equal variances and covariances. Eight
// running sums vectorize.
double inner_product(const double* a, const double* b, std::size_t n) {
  double partial[8] = {};
  const std::size_t whole = n / 8 * 8;
  for (std::size_t k = 0; k < whole; k += 8)
    for (std::size_t j = 0; j < 8; ++j) partial[j] += a[k + j] * b[k + j];
  for (std::size_t k = whole; k < n; ++k) partial[k - whole] += a[k] * b[k];
  double sum = 0;
  for (const double p : partial) sum += p;
  return sum;
}

// sin^2 of the angle between a and b, next to 0 and pi: |b - t a|^2 / |b|^2 with t = a.b / a.a, each
// difference rounded once.
double sine_squared(const double* a, const double* b, double t, double b_square, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double rest = std::fma(-t, a[k], b[k]);
    sum += rest * rest;
  }
  return sum / b_square;
}

}  // namespace

Inputs::Inputs(const Matrix<double>& x, const Matrix<double>* x2)
    : x_(x),
      x2_(x2),
      columns_(x.shape(1)),
      relative_error_(kEpsilon * (4 + std::sqrt(static_cast<double>(columns_)))),
      squares_(x.shape(0) + (x2 ? x2->shape(0) : 0)) {
  for (std::size_t i = 0; i < squares_.size(); ++i)
    squares_[i] = inner_product(example(i), example(i), columns_) / static_cast<double>(columns_);
}

const double* Inputs::example(std::size_t i) const {
  return i < x_.shape(0) ? row(x_, i) : row(*x2_, i - x_.shape(0));
}

void Inputs::products(std::size_t i, std::size_t first, std::size_t count, ProductRow& out) const {
  const double n = static_cast<double>(columns_), p = squares_[i], root_p = std::sqrt(p);
  const double* a = example(i);
  for (std::size_t k = 0; k < count; ++k) {
    const double* b = example(first + k);
    const double q = squares_[first + k], root = root_p * std::sqrt(q),
                 dot = inner_product(a, b, columns_) / n;
    out.product[k] = dot;
    out.product_error[k] = relative_error_ * root;
    if (root == 0) {
      out.gap[k] = p == q ? 0 : 1;
      out.gap_error[k] = 0;
      continue;
    }
    out.gap[k] = std::clamp(1 - std::abs(dot) / root, 0.0, 1.0);
    out.gap_error[k] = 2 * relative_error_;
    if (out.gap[k] < 0.01) {
      const double sine = sine_squared(a, b, dot / p, q * n, columns_);
      out.gap[k] = sine / (1 + std::sqrt(std::max(1 - sine, 0.0)));
      // What t is off by moves the rest along a, to which it is orthogonal.
      out.gap_error[k] = 2 * relative_error_ * out.gap[k] + 4 * relative_error_ * relative_error_;
      if (sine == 0) out.gap_error[k] = 0;
    }
  }
}

}  // namespace ntape::limit
