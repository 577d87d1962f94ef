#pragma once

#include <ntape/kernel/plan.hpp>
#include <ntape/model/mlp.hpp>

#include "interrupt.hpp"
#include "kernel_options.hpp"

namespace ntape::tools {

/// Writes the NTK of x against x2 (the same matrix for a symmetric one) to o.out as it is made, and the
/// weights to o.save_weights at the end. Takes up what an interrupted run with the same arguments left.
/// Throws UserError when what is there is of other arguments, when a value is not finite (nothing is then
/// left), or as io::NpyStream.
template <class Real>
void stream_kernel(const KernelCommandOptions& o, const Mlp<Real>& model, const Parameters<Real>& theta,
                   const Matrix<Real>& x, const Matrix<Real>& x2, const KernelPlan& plan,
                   Interrupts& interrupts);

}  // namespace ntape::tools
