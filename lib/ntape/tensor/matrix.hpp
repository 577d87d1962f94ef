#pragma once

#include <cstddef>
#include <ntape/tensor/dual.hpp>
#include <string>
#include <xtensor/xtensor.hpp>

namespace ntape {

using Index = std::size_t;

/// Row-major matrix: a row per example, or a parameter's own shape.
template <class Real>
using Matrix = xt::xtensor<Real, 2>;

/// [V x rows x cols], row-major: V tangents or cotangents of one matrix, travelling together.
template <class Real>
using Stack = xt::xtensor<Real, 3>;

struct Shape {
  Index rows = 0;
  Index cols = 0;
  friend bool operator==(const Shape&, const Shape&) = default;
  [[nodiscard]] Index size() const { return rows * cols; }
};

/// "3 x 5"
[[nodiscard]] std::string to_string(Shape shape);

template <class Real>
[[nodiscard]] Shape shape_of(const Matrix<Real>& m) {
  return {m.shape(0), m.shape(1)};
}

/// Asks the system for huge pages under storage that is large and has not been touched: a product that packs
/// a weight matrix of width 10 000 reads rows 40 kB apart, each in a page of its own. Never fails.
void prefer_huge_pages(void* storage, std::size_t bytes);

/// Uninitialized storage. (`Matrix<Real> m({r, c})` would be a list of values: see lib/README.md, traps.)
template <class Real>
[[nodiscard]] Matrix<Real> make_matrix(Index rows, Index cols) {
  auto m = Matrix<Real>::from_shape({rows, cols});
  prefer_huge_pages(m.data(), m.size() * sizeof(Real));
  return m;
}

template <class Real>
[[nodiscard]] Matrix<Real> zeros(Index rows, Index cols) {
  Matrix<Real> m = make_matrix<Real>(rows, cols);
  m.fill(Real(0));
  return m;
}

/// Dual matrices: value + slope e (shapes equal); a value that does not move; the slopes alone.
template <class Real>
[[nodiscard]] Matrix<Dual<Real>> with_slope(const Matrix<Real>& value, const Matrix<Real>& slope) {
  auto m = make_matrix<Dual<Real>>(value.shape(0), value.shape(1));
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = {value.data()[k], slope.data()[k]};
  return m;
}
template <class Real>
[[nodiscard]] Matrix<Dual<Real>> fixed(const Matrix<Real>& value) {
  auto m = make_matrix<Dual<Real>>(value.shape(0), value.shape(1));
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = Dual<Real>(value.data()[k]);
  return m;
}
template <class Real>
[[nodiscard]] Matrix<Real> slopes(const Matrix<Dual<Real>>& moving) {
  auto m = make_matrix<Real>(moving.shape(0), moving.shape(1));
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = moving.data()[k].slope;
  return m;
}

template <class Real>
[[nodiscard]] Stack<Real> make_stack(Index count, Index rows, Index cols) {
  auto s = Stack<Real>::from_shape({count, rows, cols});
  prefer_huge_pages(s.data(), s.size() * sizeof(Real));
  return s;
}

template <class Real>
[[nodiscard]] const Real* row(const Matrix<Real>& m, Index i) {
  return m.data() + i * m.shape(1);
}
template <class Real>
[[nodiscard]] Real* row(Matrix<Real>& m, Index i) {
  return m.data() + i * m.shape(1);
}

/// The square root of the sum of squares of all entries; NaN if one is.
[[nodiscard]] double frobenius_norm(const Matrix<double>& m);

/// Matrix v of a stack, as a pointer to its rows x cols contiguous entries.
template <class Real>
[[nodiscard]] const Real* slice(const Stack<Real>& s, Index v) {
  return s.data() + v * s.shape(1) * s.shape(2);
}
template <class Real>
[[nodiscard]] Real* slice(Stack<Real>& s, Index v) {
  return s.data() + v * s.shape(1) * s.shape(2);
}

}  // namespace ntape
