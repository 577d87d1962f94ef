#pragma once

#include <omp.h>

#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/tape/tape.hpp>
#include <ntape/tensor/linalg.hpp>
#include <string>
#include <string_view>

/// What the ops of this room share; no part of the library's interface.
namespace ntape::detail {

inline constexpr auto kPlain = linalg::Op::plain;
inline constexpr auto kTransposed = linalg::Op::transposed;

/// float, double, Dual<float>, Dual<double> -> float, double, float, double.
template <class Real>
using Scalar = decltype(value_of(Real()));

/// Long sums run in double whatever the precision: float loses digits with every term.
inline double widen(double x) {
  return x;
}
template <class Real>
Dual<double> widen(Dual<Real> x) {
  return {static_cast<double>(x.value), static_cast<double>(x.slope)};
}
template <class Real>
using Wide = decltype(widen(Real()));

template <class Real>
Real narrow(double x) {
  return static_cast<Real>(x);
}
template <class Real>
Real narrow(Dual<double> x) {
  return {static_cast<Scalar<Real>>(x.value), static_cast<Scalar<Real>>(x.slope)};
}

/// "0.1", "-1e-09": a number for a message.
inline std::string to_text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

inline void require_count(std::string_view op, Shapes in, Index count) {
  if (in.size() != count)
    throw ShapeError(std::string(op) + ": needs " + std::to_string(count) +
                     (count == 1 ? " argument" : " arguments") + ", given " + std::to_string(in.size()));
}

/// A value that is x.rows x x.cols and a row of one number a column.
inline void require_row(std::string_view op, const char* row, Shape x, Shape given) {
  if (given != Shape{1, x.cols})
    throw ShapeError(std::string(op) + ": a value that is " + to_string(x) + " gets a row " + row +
                     " that is " + to_string(given) + "; " + row + " must be " + to_string(Shape{1, x.cols}));
}

/// An op sees shapes only; that a weight has no row per example is for those who record it to check.
template <class Real>
void require_batch_free(const Tape<Real>& tape, const char* op, const char* argument, Var v) {
  if (tape.node(v).batched)
    throw UserError(std::string(op) + ": " + argument + " has a row per example; it must be batch-free");
}

/// Matrix v of a stack, for a product. A product of V N rows at once would be faster for small N, but its
/// rows need not be the bits of V products: BLAS treats the rows at the edge of a tile differently.
template <class Real>
linalg::View<Real> part(const Stack<Real>& s, Index v) {
  return {slice(s, v), s.shape(1), s.shape(2)};
}

/// Calls product(v) for every direction. With a direction or more for each thread, threads take directions,
/// for one of few rows is too small to be shared out; else each product shares out its tiles. The bits are
/// the same.
template <class Product>
void for_each_direction(Index count, const Product& product) {
  if (count == 1 || count < static_cast<Index>(omp_get_max_threads())) {
    for (Index v = 0; v < count; ++v) product(v);
    return;
  }
#pragma omp parallel for schedule(static)
  for (Index v = 0; v < count; ++v) product(v);
}

/// to += factor * from, for stacks of one shape.
template <class Real>
void add_scaled(Real factor, const Stack<Real>& from, Stack<Real>& to) {
  const Real* f = from.data();
  Real* t = to.data();
  for (Index k = 0; k < from.size(); ++k) t[k] += factor * f[k];
}

}  // namespace ntape::detail
