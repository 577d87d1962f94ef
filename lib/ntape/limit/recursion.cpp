#include <algorithm>
#include <cmath>
#include <cstring>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/inputs.hpp>
#include <ntape/limit/pairs.hpp>
#include <ntape/limit/recursion.hpp>

namespace ntape {
namespace {

using limit::Inputs;
using limit::PairRow;

void require_inputs(const Architecture& architecture, const Matrix<double>& x) {
  if (x.shape(0) == 0) throw UserError("the limit kernel needs at least one example, given 0");
  if (x.shape(1) != architecture.widths.front())
    throw ShapeError("the inputs are " + to_string(shape_of(x)) + "; the network takes " +
                     std::to_string(architecture.widths.front()) + " columns");
}

void require_limits(const Architecture& architecture, const limit::Duals& duals) {
  for (Index l = 1; l < architecture.depth(); ++l)
    if (!duals.contains(architecture.activation_of(l)) && !has_limit(architecture.activation_of(l)))
      throw UserError("the infinite-width limit of '" + architecture.activation_of(l) +
                      "' is not known: it is no activation that the limit knows");
}

void mirror(Matrix<double>& m) {
  const Index n = m.shape(0);
  for (Index i = 0; i < n; ++i)
    for (Index j = i + 1; j < n; ++j) m(i, j) = m(j, i);
}

LimitKernels compute(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
                     const LimitOptions& options) {
  architecture.validate();
  require_inputs(architecture, x);
  require_inputs(architecture, x2);
  require_limits(architecture, options.duals);
  if (!(options.tolerance >= 0 && options.tolerance <= 1e-4))
    throw UserError("the tolerance of the limit is " + std::to_string(options.tolerance) +
                    "; it must be from 0 to 1e-4");
  const bool symmetric = &x == &x2;
  const Inputs inputs(x, symmetric ? nullptr : &x2);
  const limit::Layers layers = limit::run_examples(architecture, inputs.squares(), inputs.relative_error(),
                                                   options.tolerance, options.duals);

  const Index n1 = x.shape(0), n2 = x2.shape(0), share_count = options.layers ? architecture.depth() : 0;
  const Index offset = symmetric ? 0 : n1;
  const auto matrix = [&] { return make_matrix<double>(n1, n2); };
  LimitKernels out{{matrix(), KernelForm::trace, architecture.widths.back(), "limit NTK"},
                   {matrix(), KernelForm::trace, architecture.widths.back(), "limit NNGP"},
                   matrix(),
                   matrix(),
                   std::vector<Matrix<double>>(share_count, matrix())};
#pragma omp parallel
  {
    PairRow pairs(share_count);
    limit::ProductRow products;
#pragma omp for schedule(dynamic, 1)
    for (Index back = 0; back < n1; ++back) {
      const Index i = n1 - 1 - back;  // long rows first
      const Index columns = symmetric ? i + 1 : n2;
      for (Index first = 0; first < columns; first += PairRow::kMost) {
        const Index count = std::min<Index>(PairRow::kMost, columns - first);
        inputs.products(i, offset + first, count, products);
        pairs.run(layers, {i, offset + first, count, inputs.squares().data(), products.product, products.gap,
                           products.product_error, products.gap_error});
        const auto put = [&](Matrix<double>& to, const double* from) {
          std::memcpy(row(to, i) + first, from, count * sizeof(double));
        };
        put(out.ntk.values, pairs.ntk());
        put(out.nngp.values, pairs.nngp());
        put(out.ntk_bound, pairs.ntk_bound());
        put(out.nngp_bound, pairs.nngp_bound());
        for (Index l = 0; l < share_count; ++l) put(out.layers[l], pairs.share(l));
      }
    }
  }
  if (symmetric) {
    for (Matrix<double>* m : {&out.ntk.values, &out.nngp.values, &out.ntk_bound, &out.nngp_bound}) mirror(*m);
    for (Matrix<double>& m : out.layers) mirror(m);
  }
  return out;
}

}  // namespace

bool has_limit(const std::string& activation) {
  return limit::has_dual(activation);
}

LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                           const Matrix<double>& x2, const LimitOptions& options) {
  return compute(architecture, x, x2, options);
}
LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                           const LimitOptions& options) {
  return compute(architecture, x, x, options);
}
Kernel<double> limit_ntk(const Architecture& architecture, const Matrix<double>& x,
                         const LimitOptions& options) {
  return compute(architecture, x, x, options).ntk;
}
Kernel<double> limit_nngp(const Architecture& architecture, const Matrix<double>& x,
                          const LimitOptions& options) {
  return compute(architecture, x, x, options).nngp;
}

}  // namespace ntape
