#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/network_kernel.hpp>

namespace ntape {
namespace {

template <class Real>
Index layers_of(const Parameters<Real>& theta) {
  Index layers = 1;
  for (const auto& entry : theta.entries) layers = std::max(layers, entry.layer + 1);
  return layers;
}

template <class Real>
KernelWithShares<Real> from_shares(std::vector<Matrix<Real>> shares, Index layers, KernelForm form,
                                   Index outputs) {
  const Shape shape = shape_of(shares.front());
  shares.resize(layers, zeros<Real>(shape.rows, shape.cols));
  KernelWithShares<Real> result;
  result.kernel = {shares.front(), form, outputs, "empirical NTK"};
  for (Index l = 1; l < layers; ++l)
    for (Index k = 0; k < shape.size(); ++k) result.kernel.values.data()[k] += shares[l].data()[k];
  for (Index l = 0; l < layers; ++l)
    result.layers.push_back(
        {std::move(shares[l]), form, outputs, "empirical NTK, share of layer " + std::to_string(l)});
  return result;
}

}  // namespace

template <class Real>
void require_examples(const Matrix<Real>& x) {
  if (x.shape(0) == 0) throw UserError("the kernel needs at least one example, given 0");
}

template <class Real>
KernelWithShares<Real> kernel_of(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2, Var y2,
                                 const Parameters<Real>& theta, const KernelOptions<Real>& options) {
  const std::vector<Index> entries = entries_of(tape1, theta);
  if (entries != entries_of(tape2, theta))
    throw UserError("kernel: the two tapes do not use the same parameters in the same order");
  if (!options.selected.empty() && options.selected.size() != theta.entries.size())
    throw ShapeError("kernel: a selection of " + std::to_string(options.selected.size()) +
                     " parameters for a theta of " + std::to_string(theta.entries.size()));
  if (options.preconditioner && options.preconditioner->entries.size() != theta.entries.size())
    throw ShapeError("kernel: a preconditioner of " + std::to_string(options.preconditioner->entries.size()) +
                     " matrices for a theta of " + std::to_string(theta.entries.size()));
  RouteOptions<Real> routes{
      .route = options.route, .gram = {.form = options.form}, .explain = options.explain};
  std::vector<Matrix<Real>> weights;
  for (const Index e : entries) {
    routes.gram.group_of.push_back(theta.entries[e].layer);
    if (!options.selected.empty()) routes.selected.push_back(options.selected[e]);
    if (options.preconditioner) weights.push_back(options.preconditioner->entries[e].value);
  }
  if (options.preconditioner) routes.gram.preconditioner = &weights;
  return from_shares(kernel_by_group(tape1, y1, tape2, y2, routes), layers_of(theta), options.form,
                     tape1.value(y1).shape(1));
}

template <class Real>
KernelWithShares<Real> kernel_of(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                 const Parameters<Real>& theta, KernelForm form) {
  GramOptions<Real> options{.form = form};
  for (const Index e : entries_of(*j1.tape, theta)) options.group_of.push_back(theta.entries[e].layer);
  return from_shares(gram_by_group(j1, j2, options), layers_of(theta), form, j1.outputs);
}

template <class Real>
Kernel<Real> kernel_of(const Jacobian<Real>& j1, const Jacobian<Real>& j2, const Parameters<Real>& theta,
                       KernelForm form, const GramWindow& window) {
  GramOptions<Real> options{.form = form};
  for (const Index e : entries_of(*j1.tape, theta)) options.group_of.push_back(theta.entries[e].layer);
  // A layer at a time, in the order and so with the bits of from_shares: two matrices at once are enough.
  Kernel<Real> kernel{{}, form, j1.outputs, "empirical NTK"};
  for (Index l = 0; l < layers_of(theta); ++l) {
    options.only_group = l;
    Matrix<Real> share = std::move(gram_window(j1, j2, options, window).front());
    if (l == 0) {
      kernel.values = std::move(share);
      continue;
    }
    for (Index k = 0; k < share.size(); ++k) kernel.values.data()[k] += share.data()[k];
  }
  return kernel;
}

#define NTAPE_INSTANTIATE(Real)                                                                          \
  template void require_examples(const Matrix<Real>&);                                                   \
  template KernelWithShares<Real> kernel_of(const Tape<Real>&, Var, const Tape<Real>&, Var,              \
                                            const Parameters<Real>&, const KernelOptions<Real>&);        \
  template KernelWithShares<Real> kernel_of(const Jacobian<Real>&, const Jacobian<Real>&,                \
                                            const Parameters<Real>&, KernelForm);                        \
  template Kernel<Real> kernel_of(const Jacobian<Real>&, const Jacobian<Real>&, const Parameters<Real>&, \
                                  KernelForm, const GramWindow&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
