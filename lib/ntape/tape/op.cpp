#include <algorithm>
#include <ntape/tape/op.hpp>

namespace ntape {

template <class Real>
void Op<Real>::write_vjp(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent,
                         Stack<Real>& out) const {
  out.fill(Real(0));
  vjp(site, arg, cotangent, out);
}

template <class Real>
Block<Real> Op<Real>::block(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent) const {
  if (const auto outer = outer_block(site, arg, cotangent)) return *outer;
  return block_by_examples(site, arg, cotangent);
}

template <class Real>
Block<Real> Op<Real>::block_by_examples(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent) const {
  const Index count = cotangent.shape(0), examples = cotangent.shape(1), cols = cotangent.shape(2);
  const Shape parameter = shape_of(*site.in[arg]);
  DenseBlock<Real> dense{make_stack<Real>(count, examples, parameter.size())};
  Stack<Real> one_row = make_stack<Real>(count, examples, cols);
  Stack<Real> pulled = make_stack<Real>(count, parameter.rows, parameter.cols);
  one_row.fill(Real(0));
  for (Index n = 0; n < examples; ++n) {
    for (Index v = 0; v < count; ++v) {
      Real* rows = slice(one_row, v);
      if (n > 0) std::fill_n(rows + (n - 1) * cols, cols, Real(0));
      std::copy_n(slice(cotangent, v) + n * cols, cols, rows + n * cols);
    }
    write_vjp(site, arg, one_row, pulled);
    for (Index v = 0; v < count; ++v)
      std::copy_n(slice(pulled, v), parameter.size(), slice(dense.j, v) + n * parameter.size());
  }
  return dense;
}

template class Op<float>;
template class Op<double>;
template class Op<Dual<float>>;
template class Op<Dual<double>>;

}  // namespace ntape
