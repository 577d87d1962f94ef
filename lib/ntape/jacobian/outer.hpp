#pragma once

#include <ntape/tape/op.hpp>

namespace ntape {

/// w += factor * sum_{v,n} J[v,n] of an outer block: factor * scale * sum_v d[v]^T a, one product into w a
/// direction; for a bias, column sums. With d the cotangents of a cost that is factor times its gradient. w
/// has the parameter's shape. Cost 2 V N |w| flops; no heap allocation for a weight.
template <class Real>
void add_sum_of_examples(const OuterBlock<Real>& block, Real factor, Matrix<Real>& w);

}  // namespace ntape
