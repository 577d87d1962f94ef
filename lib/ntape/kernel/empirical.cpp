#include <ntape/kernel/empirical.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

template <class Real>
Kernel<Real> nngp_of(const Architecture& architecture, const Matrix<Real>& alpha1,
                     const Matrix<Real>& alpha2) {
  Matrix<Real> values = &alpha1 == &alpha2 ? linalg::gram(linalg::view(alpha1))
                                           : linalg::gram(linalg::view(alpha1), linalg::view(alpha2));
  const auto n = static_cast<double>(architecture.widths[architecture.depth() - 1]);
  const double variance = architecture.weight_scale * architecture.weight_scale / n;
  const bool mean_field = architecture.parametrization == Parametrization::mean_field;
  const Real scale = static_cast<Real>(mean_field ? variance / n : variance);
  const Real shift = static_cast<Real>(architecture.bias_scale * architecture.bias_scale);
  for (Index k = 0; k < values.size(); ++k) values.data()[k] = scale * values.data()[k] + shift;
  return {std::move(values), KernelForm::trace, architecture.widths.back(), "empirical NNGP"};
}

}  // namespace

template <class Real>
EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>& model, const Parameters<Real>& theta,
                                         const Matrix<Real>& x, const Matrix<Real>& x2,
                                         const KernelOptions<Real>& options) {
  require_examples(x);
  require_examples(x2);
  const bool symmetric = &x == &x2;
  Tape<Real> tape1, other;
  const MlpVars v1 = model.record(tape1, theta, tape1.input(x));
  const MlpVars v2 = symmetric ? v1 : model.record(other, theta, other.input(x2));
  const Tape<Real>& tape2 = symmetric ? tape1 : other;
  auto kernels = kernel_of(tape1, v1.output, tape2, v2.output, theta, options);
  return {std::move(kernels.kernel),
          nngp_of(model.architecture(), tape1.value(v1.last_hidden), tape2.value(v2.last_hidden)),
          tape1.value(v1.output), std::move(kernels.layers)};
}

template <class Real>
Kernel<Real> empirical_nngp(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x) {
  require_examples(x);
  Tape<Real> tape;
  const MlpVars vars = model.record(tape, theta, tape.input(x));
  const Matrix<Real>& alpha = tape.value(vars.last_hidden);
  return nngp_of(model.architecture(), alpha, alpha);
}

#define NTAPE_INSTANTIATE(Real)                                                                \
  template EmpiricalKernels<Real> empirical_kernels(const Mlp<Real>&, const Parameters<Real>&, \
                                                    const Matrix<Real>&, const Matrix<Real>&,  \
                                                    const KernelOptions<Real>&);               \
  template Kernel<Real> empirical_nngp(const Mlp<Real>&, const Parameters<Real>&, const Matrix<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
