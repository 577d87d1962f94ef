#include <algorithm>
#include <ntape/jacobian/outer.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

// Column sums of d [rows x cols], a piece of the columns at a time, in double: rounding then does not grow
// with rows.
template <class Real>
void add_column_sums(const Real* d, Index rows, Index cols, Real factor, Real* out) {
  constexpr Index kPiece = 64;
  for (Index first = 0; first < cols; first += kPiece) {
    const Index count = std::min(kPiece, cols - first);
    double sums[kPiece] = {};
    for (Index n = 0; n < rows; ++n)
      for (Index j = 0; j < count; ++j) sums[j] += static_cast<double>(d[n * cols + first + j]);
    for (Index j = 0; j < count; ++j) out[first + j] += factor * static_cast<Real>(sums[j]);
  }
}

}  // namespace

template <class Real>
void add_sum_of_examples(const OuterBlock<Real>& block, Real factor, Matrix<Real>& w) {
  const Stack<Real>& d = *block.d;
  for (Index v = 0; v < d.shape(0); ++v) {
    const linalg::View<Real> one{slice(d, v), d.shape(1), d.shape(2)};
    if (block.a)
      linalg::gemm(factor * block.scale, one, linalg::Op::transposed, linalg::view(*block.a),
                   linalg::Op::plain, Real(1), w.data(), w.shape(1));
    else
      add_column_sums(one.data, one.rows, one.cols, factor * block.scale, w.data());
  }
}

template void add_sum_of_examples(const OuterBlock<float>&, float, Matrix<float>&);
template void add_sum_of_examples(const OuterBlock<double>&, double, Matrix<double>&);

}  // namespace ntape
