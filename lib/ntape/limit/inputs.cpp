#include <algorithm>
#include <cmath>
#include <ntape/limit/inputs.hpp>
#include <ntape/limit/vectors.hpp>

namespace ntape::limit {
namespace {

// Terms that each of the eight partial sums of a block adds up. Blocks are added by Kahan's summation, whose
// error is 2 units of rounding for any number of them (Higham, Accuracy and Stability, section 4.3): the
// whole is proven to kTerms + 8 units, half kEpsilon each, of the sum of |terms|.
constexpr std::size_t kTerms = 24;

// The sum of term(k) for k < n. One order for every pair, so that equal rows give bit-equal variances and
// covariances. Eight running sums vectorize.
template <class Term>
NTAPE_INLINE double summed(std::size_t n, const Term& term) {
  constexpr std::size_t kBlock = 8 * kTerms;
  double sum[8] = {}, lost[8] = {};
  for (std::size_t first = 0; first < n; first += kBlock) {
    const std::size_t end = n - first < kBlock ? n : first + kBlock, whole = end - (end - first) % 8;
    double partial[8] = {};
    for (std::size_t k = first; k < whole; k += 8)
      for (std::size_t j = 0; j < 8; ++j) partial[j] += term(k + j);
    for (std::size_t k = whole; k < end; ++k) partial[k - whole] += term(k);
    for (std::size_t j = 0; j < 8; ++j) {
      const double part = partial[j] - lost[j], next = sum[j] + part;
      lost[j] = (next - sum[j]) - part;
      sum[j] = next;
    }
  }
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

// Units of rounding, half kEpsilon each, of `summed` of products and of a quotient: a product, the additions
// of a partial sum, those of blocks if there are several (Kahan's 2, and 1 for all of higher order), of the
// eight sums, the quotient, and 1 for what is of second order.
double units(std::size_t n) {
  const std::size_t terms = (n + 7) / 8;
  return 1 + static_cast<double>(std::min(terms, kTerms) - 1) + (terms > kTerms ? 3 : 0) + 3 + 1 + 1;
}

NTAPE_INLINE double inner_product(const double* a, const double* b, std::size_t n) {
  return summed(
      n, [=](std::size_t k) __attribute__((always_inline)) { return a[k] * b[k]; });
}

// Rows whose largest entry is not in [2^-kUsual, 2^kUsual] are scaled: squares of the others, and of their
// entries that matter, are normal numbers.
constexpr int kUsual = 400;

int exponent_of(const double* a, std::size_t n) {
  double most = 0;
  for (std::size_t k = 0; k < n; ++k) most = std::max(most, std::abs(a[k]));
  if (most == 0 || !std::isfinite(most)) return 0;
  const int exponent = std::ilogb(most);
  return std::abs(exponent) <= kUsual ? 0 : exponent;
}

double scaled_product(const double* a, int i, const double* b, int j, std::size_t n) {
  return summed(n, [=](std::size_t k) { return std::ldexp(a[k], -i) * std::ldexp(b[k], -j); });
}

// sin^2 of the angle between a and b, next to 0 and pi: |b - t a|^2 / |b|^2 with t = a.b / a.a, each
// difference rounded once. Both are scaled by powers of two.
double sine_squared(const double* a, double a_unit, const double* b, double b_unit, double t, double b_square,
                    std::size_t n) {
  return summed(n,
                [=](std::size_t k) {
                  const double rest = std::fma(-t, a[k] * a_unit, b[k] * b_unit);
                  return rest * rest;
                }) /
         b_square;
}

}  // namespace

Inputs::Inputs(const Matrix<double>& x, const Matrix<double>* x2)
    : x_(x),
      x2_(x2),
      columns_(x.shape(1)),
      relative_error_(kEpsilon / 2 * units(columns_)),
      exponents_(x.shape(0) + (x2 ? x2->shape(0) : 0)),
      squares_(exponents_.size()),
      scaled_squares_(squares_.size()),
      roots_(squares_.size()) {
  const double n = static_cast<double>(columns_);
  for (std::size_t i = 0; i < squares_.size(); ++i) {
    const int e = exponents_[i] = exponent_of(example(i), columns_);
    scaled_ = scaled_ || e != 0;
    const double square = e == 0 ? inner_product(example(i), example(i), columns_) / n
                                 : scaled_product(example(i), e, example(i), e, columns_) / n;
    scaled_squares_[i] = square;
    squares_[i] = std::ldexp(square, 2 * e);
    roots_[i] = std::ldexp(std::sqrt(square), e);
  }
}

const double* Inputs::example(std::size_t i) const {
  return i < x_.shape(0) ? row(x_, i) : row(*x2_, i - x_.shape(0));
}

void Inputs::products(std::size_t i, std::size_t first, std::size_t count, ProductRow& out) const {
  const double n = static_cast<double>(columns_), root_p = roots_[i], off = relative_error_;
  const double *a = example(i), *b = example(first), *roots = roots_.data() + first;
  const std::size_t columns = columns_;
  double scaled[PairRow::kMost];  // the product where rows are scaled
  vectorized([&]() NTAPE_LOOP {
    for (std::size_t k = 0; k < count; ++k) scaled[k] = inner_product(a, b + k * columns, columns) / n;
  });
  vectorized([&]() NTAPE_LOOP {
#pragma omp simd
    for (std::size_t k = 0; k < count; ++k) {
      const double size = root_p * roots[k], gap = 1 - std::abs(scaled[k]) / (size > 0 ? size : 1.0);
      out.product[k] = scaled[k];
      out.product_error[k] = off * size;
      out.gap[k] = gap > 0 ? gap : 0.0;
      out.gap_error[k] = 2 * off + 2 * kEpsilon;
      out.distinct[k] = 1;
    }
  });
  if (scaled_) scale(i, first, count, scaled, out);
  for (std::size_t k = 0; k < count; ++k) {
    const double *other = b + k * columns, q = scaled_squares_[first + k];
    if (scaled_squares_[i] == 0 || q == 0) {
      out.gap[k] = out.distinct[k] = scaled_squares_[i] == q ? 0 : 1;
      out.gap_error[k] = 0;
    } else if (out.gap[k] >= 0.01) {
      continue;
    } else if (std::equal(a, a + columns, other)) {
      out.gap[k] = out.gap_error[k] = out.distinct[k] = 0;
    } else {
      const double sine =
          sine_squared(a, std::ldexp(1, -exponents_[i]), other, std::ldexp(1, -exponents_[first + k]),
                       scaled[k] / scaled_squares_[i], q * n, columns);
      out.gap[k] = sine / (1 + std::sqrt(std::max(1 - sine, 0.0)));
      // What t is off by moves the rest along a, to which it is orthogonal.
      const double t_off = 2 * (off + kEpsilon);
      out.gap_error[k] = sine == 0 ? 0 : (3 * off + 4 * kEpsilon) * out.gap[k] + t_off * t_off;
    }
  }
}

void Inputs::scale(std::size_t i, std::size_t first, std::size_t count, double* scaled,
                   ProductRow& out) const {
  const int e = exponents_[i];
  for (std::size_t k = 0; k < count; ++k) {
    const int f = exponents_[first + k];
    if (e == 0 && f == 0) continue;
    scaled[k] =
        scaled_product(example(i), e, example(first + k), f, columns_) / static_cast<double>(columns_);
    const double size = std::sqrt(scaled_squares_[i]) * std::sqrt(scaled_squares_[first + k]);
    out.gap[k] = std::max(1 - std::abs(scaled[k]) / (size > 0 ? size : 1), 0.0);
    out.product[k] = std::ldexp(scaled[k], e + f);
  }
}

}  // namespace ntape::limit
