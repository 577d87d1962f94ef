#pragma once

#include <functional>
#include <ntape/jacobian/gram.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/kernel/plan.hpp>
#include <ntape/model/network.hpp>

namespace ntape {

/// Where the windows of a kernel go as they are made. Of a symmetric kernel only windows that meet the lower
/// triangle come, those on the diagonal complete.
template <class Real>
class KernelSink {
 public:
  virtual ~KernelSink() = default;
  /// Whether that window is wanted; what is not is not computed. Default: all.
  [[nodiscard]] virtual bool wants(const GramWindow&) const { return true; }
  /// `part` is the kernel of the window alone, in the layout of its form.
  virtual void take(const GramWindow& at, const Kernel<Real>& part) = 0;
};

/// Puts a kernel together in memory. The mirrored half is filled in when `symmetric`.
template <class Real>
class KernelMatrix final : public KernelSink<Real> {
 public:
  explicit KernelMatrix(const KernelPlan& plan);
  void take(const GramWindow& at, const Kernel<Real>& part) override;
  [[nodiscard]] const Kernel<Real>& kernel() const { return kernel_; }

 private:
  Kernel<Real> kernel_;
  bool symmetric_;
};

/// The empirical NTK block by block as planned, with the bits of empirical_ntk by the factored route for any
/// plan and any number of threads. f records the network (see Network); x [N1 x n_0], x2 [N2 x n_0], the same
/// matrix twice for a symmetric kernel. Throws ShapeError when the plan is for other shapes, UserError as
/// per_example_jacobian and kernel_of. Cost and memory: see KernelPlan.
template <class Real>
void blocked_ntk(const std::function<Var(Tape<Real>&, const Parameters<Real>&, Var)>& f,
                 const Parameters<Real>& theta, const Matrix<Real>& x, const Matrix<Real>& x2,
                 const KernelPlan& plan, KernelSink<Real>& sink);

}  // namespace ntape
