#include <ntape/base/errors.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

template <class Real>
void require_inputs(const Mlp<Real>& model, const Matrix<Real>& x) {
  if (x.shape(0) == 0) throw UserError("the kernel needs at least one example, given 0");
  if (x.shape(1) != model.architecture().widths.front())
    throw ShapeError("the inputs are " + to_string(shape_of(x)) + "; the network takes " +
                     std::to_string(model.architecture().widths.front()) + " columns");
}

// One evaluation with its Jacobian. The Jacobian points into the tape, so they stay in one place together.
template <class Real>
struct Evaluated {
  Tape<Real> tape;
  MlpVars vars;
  Jacobian<Real> jacobian;

  Evaluated(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x) {
    require_inputs(model, x);
    vars = model.record(tape, theta, tape.input(x));
    jacobian = per_example_jacobian(tape, vars.output);
  }
  Evaluated(const Evaluated&) = delete;
  Evaluated& operator=(const Evaluated&) = delete;
};

template <class Real>
Kernel<Real> nngp_of(const Architecture& architecture, const Matrix<Real>& alpha1,
                     const Matrix<Real>& alpha2) {
  Matrix<Real> values = &alpha1 == &alpha2 ? linalg::gram(linalg::view(alpha1))
                                           : linalg::gram(linalg::view(alpha1), linalg::view(alpha2));
  const Index n = architecture.widths[architecture.depth() - 1];
  const Real scale =
      static_cast<Real>(architecture.weight_scale * architecture.weight_scale / static_cast<double>(n));
  const Real shift = static_cast<Real>(architecture.bias_scale * architecture.bias_scale);
  for (Index k = 0; k < values.size(); ++k) values.data()[k] = scale * values.data()[k] + shift;
  return {std::move(values), KernelForm::trace, architecture.widths.back(), "empirical NNGP"};
}

template <class Real>
EmpiricalKernels<Real> kernels_of(const Mlp<Real>& model, const Parameters<Real>& theta,
                                  const Evaluated<Real>& e1, const Evaluated<Real>& e2, KernelForm form) {
  const Index outputs = model.architecture().widths.back();
  EmpiricalKernels<Real> result;
  const auto kernel = [&](Matrix<Real> values, std::string provenance) {
    return Kernel<Real>{std::move(values), form, outputs, std::move(provenance)};
  };
  auto shares =
      gram_by_group(e1.jacobian, e2.jacobian, GramOptions<Real>{.form = form, .group_of = theta.layers()});
  Matrix<Real> total = shares.front();
  for (Index l = 1; l < shares.size(); ++l)
    for (Index k = 0; k < total.size(); ++k) total.data()[k] += shares[l].data()[k];
  result.ntk = kernel(std::move(total), "empirical NTK");
  for (Index l = 0; l < shares.size(); ++l)
    result.layers.push_back(
        kernel(std::move(shares[l]), "empirical NTK, share of layer " + std::to_string(l)));
  result.nngp =
      nngp_of(model.architecture(), e1.tape.value(e1.vars.last_hidden), e2.tape.value(e2.vars.last_hidden));
  result.outputs = e1.tape.value(e1.vars.output);
  return result;
}

}  // namespace

template <class Real>
EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                         const Matrix<Real>& x, const Matrix<Real>& x2, KernelForm form) {
  const Evaluated<Real> e1(model, theta, x), e2(model, theta, x2);
  return kernels_of(model, theta, e1, e2, form);
}

template <class Real>
EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                         const Matrix<Real>& x, KernelForm form) {
  const Evaluated<Real> e(model, theta, x);
  return kernels_of(model, theta, e, e, form);
}

template <class Real>
Kernel<Real> empirical_ntk(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x,
                           KernelForm form) {
  return empirical_kernels(model, theta, x, form).ntk;
}

template <class Real>
Kernel<Real> empirical_ntk(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x,
                           const Matrix<Real>& x2, KernelForm form) {
  return empirical_kernels(model, theta, x, x2, form).ntk;
}

template <class Real>
Kernel<Real> empirical_nngp(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x) {
  require_inputs(model, x);
  Tape<Real> tape;
  const MlpVars vars = model.record(tape, theta, tape.input(x));
  const Matrix<Real>& alpha = tape.value(vars.last_hidden);
  return nngp_of(model.architecture(), alpha, alpha);
}

#define NTAPE_INSTANTIATE(Real)                                                                            \
  template EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>&, const Parameters<Real>&,             \
                                                    const Matrix<Real>&, const Matrix<Real>&, KernelForm); \
  template EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>&, const Parameters<Real>&,             \
                                                    const Matrix<Real>&, KernelForm);                      \
  template Kernel<Real> empirical_ntk(const Mlp<Real>&, const Parameters<Real>&, const Matrix<Real>&,      \
                                      KernelForm);                                                         \
  template Kernel<Real> empirical_ntk(const Mlp<Real>&, const Parameters<Real>&, const Matrix<Real>&,      \
                                      const Matrix<Real>&, KernelForm);                                    \
  template Kernel<Real> empirical_nngp(const Mlp<Real>&, const Parameters<Real>&, const Matrix<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
