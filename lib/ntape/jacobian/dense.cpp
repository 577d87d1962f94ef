#include <algorithm>
#include <ntape/jacobian/dense.hpp>

namespace ntape {

template <class Real>
Stack<Real> dense_block(const Block<Real>& block, Shape parameter) {
  if (const auto* dense = std::get_if<DenseBlock<Real>>(&block)) return dense->j;
  const auto& outer = std::get<OuterBlock<Real>>(block);
  const Stack<Real>& d = *outer.d;
  Stack<Real> j = make_stack<Real>(d.shape(0), d.shape(1), parameter.size());
  const Index rows = d.shape(0) * d.shape(1), cols = outer.a ? parameter.cols : 1;
  for (Index r = 0; r < rows; ++r) {
    const Real* delta = d.data() + r * d.shape(2);
    const Real* a = outer.a ? row(*outer.a, r % d.shape(1)) : nullptr;
    Real* target = j.data() + r * parameter.size();
    for (Index o = 0; o < d.shape(2); ++o, target += cols) {
      const Real factor = outer.scale * delta[o];
      for (Index i = 0; i < cols; ++i) target[i] = a ? factor * a[i] : factor;
    }
  }
  return j;
}

template <class Real>
Matrix<Real> dense_rows(const Jacobian<Real>& j, Index parameter) {
  j.require_current();
  const Shape shape = j.parameters.at(parameter);
  Matrix<Real> out = zeros<Real>(j.examples * j.outputs, shape.size());
  for (const auto& use : j.uses) {
    if (use.parameter != parameter) continue;
    const Stack<Real> dense = dense_block(use.block, shape);
    for (Index c = 0; c < j.outputs; ++c)
      for (Index n = 0; n < j.examples; ++n) {
        const Real* from = slice(dense, c) + n * shape.size();
        Real* to = row(out, n * j.outputs + c);
        for (Index p = 0; p < shape.size(); ++p) to[p] += from[p];
      }
  }
  return out;
}

template <class Real>
Matrix<Real> dense_jacobian(const Jacobian<Real>& j) {
  Index total = 0;
  for (const Shape s : j.parameters) total += s.size();
  Matrix<Real> out = make_matrix<Real>(j.examples * j.outputs, total);
  Index first = 0;
  for (Index k = 0; k < j.parameters.size(); ++k) {
    const Matrix<Real> rows = dense_rows(j, k);
    for (Index r = 0; r < rows.shape(0); ++r) std::copy_n(row(rows, r), rows.shape(1), row(out, r) + first);
    first += rows.shape(1);
  }
  j.require_current();
  return out;
}

#define NTAPE_INSTANTIATE(Real)                                   \
  template Stack<Real> dense_block(const Block<Real>&, Shape);    \
  template Matrix<Real> dense_rows(const Jacobian<Real>&, Index); \
  template Matrix<Real> dense_jacobian(const Jacobian<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
