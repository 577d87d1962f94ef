#include <ntape/kernel/kernel.hpp>

namespace ntape {

template <class To, class From>
Kernel<To> cast(const Kernel<From>& kernel) {
  Kernel<To> result{make_matrix<To>(kernel.values.shape(0), kernel.values.shape(1)), kernel.form,
                    kernel.outputs, kernel.provenance};
  for (Index k = 0; k < kernel.values.size(); ++k)
    result.values.data()[k] = static_cast<To>(kernel.values.data()[k]);
  return result;
}

template <class Real>
Kernel<Real> output_averaged(const Kernel<Real>& kernel) {
  if (kernel.form == KernelForm::trace) return kernel;
  const Index n1 = kernel.rows(), n2 = kernel.cols(), outputs = kernel.outputs;
  Kernel<Real> result{zeros<Real>(n1, n2), KernelForm::trace, outputs, kernel.provenance};
  for (Index n = 0; n < n1; ++n)
    for (Index m = 0; m < n2; ++m) {
      Real sum = Real(0);
      for (Index c = 0; c < outputs; ++c)
        sum += kernel.form == KernelForm::full ? kernel.values(n * outputs + c, m * outputs + c)
                                               : kernel.values(c * n1 + n, m);
      result.values(n, m) = sum / static_cast<Real>(outputs);
    }
  return result;
}

template Kernel<float> cast(const Kernel<float>&);
template Kernel<float> cast(const Kernel<double>&);
template Kernel<double> cast(const Kernel<float>&);
template Kernel<double> cast(const Kernel<double>&);
template Kernel<float> output_averaged(const Kernel<float>&);
template Kernel<double> output_averaged(const Kernel<double>&);

}  // namespace ntape
