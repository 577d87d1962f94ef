#pragma once

#include <ntape/tensor/kernel_form.hpp>
#include <ntape/tensor/matrix.hpp>
#include <string>

namespace ntape {

/// A kernel on two sets of examples: values, what its rows and columns mean, and where it comes from.
template <class Real>
struct Kernel {
  /// Laid out as KernelForm says: [N1 C x N2 C] full, [C N1 x N2] diagonal, [N1 x N2] trace.
  Matrix<Real> values;
  KernelForm form = KernelForm::trace;
  Index outputs = 1;       ///< C
  std::string provenance;  ///< "empirical NTK, width 128, ..."

  [[nodiscard]] Index rows() const {
    return form == KernelForm::trace ? values.shape(0) : values.shape(0) / outputs;
  }
  [[nodiscard]] Index cols() const {
    return form == KernelForm::full ? values.shape(1) / outputs : values.shape(1);
  }
};

/// The same kernel in another precision.
template <class To, class From>
[[nodiscard]] Kernel<To> cast(const Kernel<From>& kernel);

/// The trace form of any form: the mean over outputs of the diagonal kernels, [N1 x N2].
template <class Real>
[[nodiscard]] Kernel<Real> output_averaged(const Kernel<Real>& kernel);

}  // namespace ntape
