#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ntape/base/philox.hpp>
#include <ntape/tensor/matrix.hpp>

namespace ntape::test {

/// Standard normal entries, a pure function of shape-position and stream.
template <class Real>
[[nodiscard]] Matrix<Real> normal(Index rows, Index cols, std::uint64_t stream) {
  Matrix<Real> m = make_matrix<Real>(rows, cols);
  fill_normal<Real>(Seed{11}, stream, 0, {m.data(), m.size()});
  return m;
}

template <class Real>
[[nodiscard]] Stack<Real> normal_stack(Index count, Shape shape, std::uint64_t stream) {
  Stack<Real> s = make_stack<Real>(count, shape.rows, shape.cols);
  fill_normal<Real>(Seed{11}, stream, 0, {s.data(), s.size()});
  return s;
}

/// The largest absolute value; NaN when one is there, so that no comparison with it can pass.
template <class Container>
[[nodiscard]] double largest(const Container& values) {
  double top = 0;
  for (const auto v : values) {
    const double size = std::abs(static_cast<double>(v));
    if (std::isnan(size)) return size;
    top = std::max(top, size);
  }
  return top;
}

/// The largest absolute difference of two containers of one shape; infinite when the sizes differ.
template <class A, class B>
[[nodiscard]] double largest_difference(const A& a, const B& b) {
  if (a.size() != b.size()) return HUGE_VAL;
  double top = 0;
  for (Index k = 0; k < a.size(); ++k) {
    const double size = std::abs(static_cast<double>(a.data()[k]) - static_cast<double>(b.data()[k]));
    if (std::isnan(size)) return size;
    top = std::max(top, size);
  }
  return top;
}

}  // namespace ntape::test
