#include <algorithm>
#include <cmath>
#include <ntape/limit/inputs.hpp>
#include <ntape/limit/vectors.hpp>

namespace ntape::limit {
namespace {

// One summation order for every pair, so that equal rows give bit-equal variances and covariances. Eight
// running sums vectorize.
NTAPE_INLINE double inner_product(const double* a, const double* b, std::size_t n) {
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
      squares_(x.shape(0) + (x2 ? x2->shape(0) : 0)),
      roots_(squares_.size()) {
  for (std::size_t i = 0; i < squares_.size(); ++i) {
    squares_[i] = inner_product(example(i), example(i), columns_) / static_cast<double>(columns_);
    roots_[i] = std::sqrt(squares_[i]);
  }
}

const double* Inputs::example(std::size_t i) const {
  return i < x_.shape(0) ? row(x_, i) : row(*x2_, i - x_.shape(0));
}

void Inputs::products(std::size_t i, std::size_t first, std::size_t count, ProductRow& out) const {
  const double n = static_cast<double>(columns_), p = squares_[i], root_p = roots_[i], off = relative_error_;
  const double *a = example(i), *squares = squares_.data() + first, *roots = roots_.data() + first;
  // Consecutive examples are consecutive rows but where the second matrix begins.
  const std::size_t of_x = std::clamp(x_.shape(0), first, first + count) - first;
  products_with(a, first, 0, of_x, out.product);
  products_with(a, first, of_x, count, out.product);
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < count; ++k) {
      const double root = root_p * roots[k], dot = out.product[k] / n;
      const bool nothing = root == 0;
      const double gap = 1 - std::abs(dot) / (nothing ? 1.0 : root), above = gap > 0 ? gap : 0.0;
      out.product[k] = dot;
      out.product_error[k] = off * root;
      out.gap[k] = nothing ? (p == squares[k] ? 0.0 : 1.0) : above;
      out.gap_error[k] = nothing ? 0.0 : 2 * off;
    }
  });
  for (std::size_t k = 0; k < count; ++k) {
    if (out.gap[k] >= 0.01 || root_p * roots[k] == 0) continue;
    const double sine = sine_squared(a, example(first + k), out.product[k] / p, squares[k] * n, columns_);
    out.gap[k] = sine / (1 + std::sqrt(std::max(1 - sine, 0.0)));
    // What t is off by moves the rest along a, to which it is orthogonal.
    out.gap_error[k] = sine == 0 ? 0 : 2 * off * out.gap[k] + 4 * off * off;
  }
}

void Inputs::products_with(const double* a, std::size_t first, std::size_t from, std::size_t to,
                           double* out) const {
  if (from >= to) return;
  const double* b = example(first + from);
  const std::size_t columns = columns_;
  vectorized([&]() NTAPE_LOOP {
    for (std::size_t k = from; k < to; ++k) out[k] = inner_product(a, b + (k - from) * columns, columns);
  });
}

}  // namespace ntape::limit
