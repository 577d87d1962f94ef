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

namespace {

// Row r of a use [V N rows]: scale d[o] a[i], or a dense row; written, or added to what other uses wrote.
template <class Real, class Put>
void put_row(const Block<Real>& block, Index v, Index n, Index size, const Put& put) {
  if (const auto* dense = std::get_if<DenseBlock<Real>>(&block)) {
    const Real* from = slice(dense->j, v) + n * size;
    for (Index p = 0; p < size; ++p) put(p, from[p]);
    return;
  }
  const auto& outer = std::get<OuterBlock<Real>>(block);
  const Index outs = outer.d->shape(2), cols = outer.a ? outer.a->shape(1) : 1;
  const Real* delta = slice(*outer.d, v) + n * outs;
  const Real* a = outer.a ? row(*outer.a, n) : nullptr;
  for (Index o = 0; o < outs; ++o) {
    const Real factor = outer.scale * delta[o];
    if (a)
      for (Index i = 0; i < cols; ++i) put(o * cols + i, factor * a[i]);
    else
      put(o, factor);
  }
}

// The rows of one parameter at `out`, `stride` apart, each written once and touched by one thread.
template <class Real>
void put_rows(const Jacobian<Real>& j, Index parameter, Real* out, Index stride) {
  const Index size = j.parameters[parameter].size(), rows = j.examples * j.outputs;
#pragma omp parallel for schedule(static) if (rows * size > 65536)
  for (Index r = 0; r < rows; ++r) {
    const Index n = r / j.outputs, c = r % j.outputs;
    Real* target = out + r * stride;
    bool first = true;
    for (const auto& use : j.uses) {
      if (use.parameter != parameter) continue;
      if (first)
        put_row(use.block, c, n, size, [&](Index p, Real value) { target[p] = value; });
      else
        put_row(use.block, c, n, size, [&](Index p, Real value) { target[p] += value; });
      first = false;
    }
    if (first) std::fill_n(target, size, Real(0));
  }
}

}  // namespace

template <class Real>
Matrix<Real> dense_rows(const Jacobian<Real>& j, Index parameter) {
  j.require_current();
  const Index size = j.parameters.at(parameter).size();
  Matrix<Real> out = make_matrix<Real>(j.examples * j.outputs, size);
  put_rows(j, parameter, out.data(), size);
  return out;
}

template <class Real>
void dense_jacobian(const Jacobian<Real>& j, Matrix<Real>& into) {
  j.require_current();
  Index total = 0;
  for (const Shape s : j.parameters) total += s.size();
  if (shape_of(into) != Shape{j.examples * j.outputs, total})
    into = make_matrix<Real>(j.examples * j.outputs, total);
  Index first = 0;
  for (Index k = 0; k < j.parameters.size(); ++k) {
    put_rows(j, k, into.data() + first, total);
    first += j.parameters[k].size();
  }
}

template <class Real>
Matrix<Real> dense_jacobian(const Jacobian<Real>& j) {
  Matrix<Real> out;
  dense_jacobian(j, out);
  return out;
}

#define NTAPE_INSTANTIATE(Real)                                       \
  template Stack<Real> dense_block(const Block<Real>&, Shape);        \
  template Matrix<Real> dense_rows(const Jacobian<Real>&, Index);     \
  template void dense_jacobian(const Jacobian<Real>&, Matrix<Real>&); \
  template Matrix<Real> dense_jacobian(const Jacobian<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
