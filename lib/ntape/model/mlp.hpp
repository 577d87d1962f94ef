#pragma once

#include <concepts>
#include <ntape/base/philox.hpp>
#include <ntape/model/architecture.hpp>
#include <ntape/model/parameters.hpp>
#include <ntape/tape/tape.hpp>

namespace ntape {

/// What one evaluation of an Mlp left on a tape.
struct MlpVars {
  Var output;       ///< f [N x n_L]
  Var last_hidden;  ///< alpha^{L-1} [N x n_{L-1}]: what the empirical NNGP is made of
};

/// The network an Architecture describes. Holds no state: functions of (parameters, x).
template <class Real>
class Mlp {
 public:
  /// Throws UserError for an invalid architecture or an unknown activation.
  explicit Mlp(Architecture architecture);

  [[nodiscard]] const Architecture& architecture() const { return architecture_; }

  /// Every entry of every W and b ~ N(0, 1) in the NTK parametrization; times Architecture's deviations in
  /// others, so that one seed is one network in `ntk` and `standard`. Entry i of theta (in parameter order,
  /// row-major) is a pure function of (seed, i); seeds never share a stream.
  [[nodiscard]] Parameters<Real> initialize(Seed seed) const requires std::floating_point<Real>;

  /// Throws ShapeError, naming the parameter, when theta is not of this architecture.
  void require_fit(const Parameters<Real>& theta) const;

  /// Records f(theta, x) with theta bound, not copied: theta must outlive the tape, and replay() sees what
  /// it holds then. x [N x n_0]. Throws ShapeError. Cost 2 N sum_l n_l n_{l+1} flops.
  MlpVars record(Tape<Real>& tape, const Parameters<Real>& theta, Var x) const;

  /// The same, for the output alone.
  Var operator()(Tape<Real>& tape, const Parameters<Real>& theta, Var x) const {
    return record(tape, theta, x).output;
  }

 private:
  Architecture architecture_;
  std::vector<OpPtr<Real>> activations_;  // of hidden layer l at l - 1
};

/// theta of the network `from` as parameters of the same network parametrized as `to` (see Parametrization):
/// each entry times a_from / a_to. The architectures may differ in their parametrization only.
/// Throws UserError when they differ otherwise, or when a multiplier of `to` is 0 (bias_scale = 0, say).
template <class Real>
[[nodiscard]] Parameters<Real> convert(const Parameters<Real>& theta, const Architecture& from,
                                       const Architecture& to);

/// D = (a_to / a_from)^2 per entry, shaped as theta: the preconditioner that makes the kernel of `from` that
/// of `to`. Throws as convert, for a multiplier of `from` that is 0.
template <class Real>
[[nodiscard]] Parameters<Real> kernel_weights(const Parameters<Real>& theta, const Architecture& from,
                                              const Architecture& to);

/// (a_from / a_to)^2 per entry of theta: what the rate of `from` is multiplied by for the same descent of
/// `to`. Throws as convert.
[[nodiscard]] std::vector<double> rate_factors(const Architecture& from, const Architecture& to);

/// f(theta, x) [N x n_L]. Throws ShapeError.
template <class Real>
[[nodiscard]] Matrix<Real> evaluate(const Mlp<Real>& model, const Parameters<Real>& theta,
                                    const Matrix<Real>& x);

}  // namespace ntape
