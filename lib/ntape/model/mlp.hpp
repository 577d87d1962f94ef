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

  /// Every entry of every W and b ~ N(0, 1). Entry i of theta (in parameter order, row-major) is a pure
  /// function of (seed, i); seeds never share a stream.
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
  OpPtr<Real> activation_;
};

/// f(theta, x) [N x n_L]. Throws ShapeError.
template <class Real>
[[nodiscard]] Matrix<Real> evaluate(const Mlp<Real>& model, const Parameters<Real>& theta,
                                    const Matrix<Real>& x);

}  // namespace ntape
