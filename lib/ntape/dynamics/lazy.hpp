#pragma once

#include <memory>
#include <ntape/dynamics/factor.hpp>
#include <ntape/dynamics/moment.hpp>
#include <ntape/dynamics/stability.hpp>
#include <ntape/tensor/matrix.hpp>

namespace ntape {

class LazyElsewhere;

/// Training on the mean square under a constant kernel: Theta on the training set, factored once; outputs at
/// any time of gradient flow or after any number of steps, with momentum or without (see Moment).
///
///   on the training set  f = y + decay(Theta/N) (f_0 - y)
///   at other inputs z    f(z) = f_0(z) - 1/N kappa gain(Theta/N) (f_0 - y),  kappa = Theta(z, X)
/// (Jacot et al. 2018, section 5; Lee et al. 2019, equations 10 and 11.)
///
/// Theta is [N x N] (every output trains by the same kernel) or the full [N C x N C] with row n C + c.
/// Copies share the factored kernel.
class LazyPrediction {
 public:
  /// f0, y [N x C]; `precision` as for KernelFactor. Throws ShapeError when the kernel fits neither way,
  /// UserError when they are not finite, otherwise as KernelFactor. Cost: one eigendecomposition.
  LazyPrediction(const Matrix<double>& kernel, const Matrix<double>& f0, const Matrix<double>& y,
                 double precision = kDoublePrecision);
  /// The same of a kernel that is factored already, as for many networks under one limit; `kernel` is again
  /// what was factored, and is not kept. Cost 10 n^2 C flops.
  LazyPrediction(std::shared_ptr<const KernelFactor> factor, const Matrix<double>& kernel,
                 const Matrix<double>& f0, const Matrix<double>& y);

  /// Outputs on the training set [N x C]. At the start f_0, exactly. Not finite where descent of too large a
  /// rate leaves the range of double. Cost 2 n^2 C flops, n = N or N C.
  [[nodiscard]] Matrix<double> at(const Moment& moment) const;
  /// The same after k steps of rate eta: f_k = y + (I - eta Theta/N)^k (f_0 - y), exactly.
  [[nodiscard]] Matrix<double> after_steps(Index steps, double rate) const {
    return at(Moment::descent(steps, rate));
  }
  /// The same training seen at M other inputs: kappa = Theta(z, X) [M x N] or [M C x N C], f0 [M x C] there.
  /// Throws ShapeError when they do not fit, UserError when they are not finite. Cost 2 M n^2 flops (once; a
  /// full kernel: 2 M C n^2).
  [[nodiscard]] LazyElsewhere elsewhere(const Matrix<double>& kappa, const Matrix<double>& f0) const;

  /// Ascending eigenvalues of Theta (not divided by N).
  [[nodiscard]] const std::vector<double>& eigenvalues() const { return factor_->eigenvalues(); }
  [[nodiscard]] const KernelFactor& factor() const { return *factor_; }
  [[nodiscard]] Index examples() const { return targets_.shape(0); }
  /// Components of f_0 - y along the eigenvectors [N x C], or [N C x 1] of a full kernel.
  [[nodiscard]] const Matrix<double>& residual() const { return residual_; }
  /// Of the solve Theta a = y - f_0 that training tends to: f(z) -> f_0(z) + kappa a.
  [[nodiscard]] const SolveReport& report() const { return report_; }

 private:
  std::shared_ptr<const KernelFactor> factor_;
  Matrix<double> start_, targets_, residual_;
  SolveReport report_;
};

/// A LazyPrediction at other inputs; see LazyPrediction::elsewhere. Needs nothing of it any more.
class LazyElsewhere {
 public:
  /// Outputs [M x C]; at the start f_0, exactly. Cost 2 M n C flops.
  [[nodiscard]] Matrix<double> at(const Moment& moment) const;

  /// The largest |part| of an output that null modes have moved it by: what the kernel knows roughly, or,
  /// where examples repeat, what may be rounding. Cost 2 M n C flops.
  [[nodiscard]] double moved_by_null_modes(const Moment& moment) const;

  /// kappa V^T [M x n], as KernelFactor::couplings.
  [[nodiscard]] const Matrix<double>& cross_components() const { return cross_; }
  [[nodiscard]] const KernelFactor& factor() const { return *factor_; }
  [[nodiscard]] Index examples() const { return examples_; }  ///< N

 private:
  // Adds what the first modes have moved outputs by.
  void add_moved(const Moment& moment, Index first, Matrix<double>& f) const;
  friend LazyPrediction;
  LazyElsewhere(std::shared_ptr<const KernelFactor> factor, Matrix<double> cross, Matrix<double> start,
                Matrix<double> residual, Index examples);

  std::shared_ptr<const KernelFactor> factor_;
  Matrix<double> cross_;  // kappa V^T
  Matrix<double> start_, residual_;
  Index examples_;
};

}  // namespace ntape
