#pragma once

#include <functional>
#include <ntape/data/dataset.hpp>
#include <ntape/jacobian/jacobian.hpp>
#include <ntape/model/network.hpp>
#include <ntape/ops/objective.hpp>
#include <string>

namespace ntape {

/// What an observer sees after `step` updates: theta and outputs belong to the same moment.
template <class Real>
struct TrainingState {
  Index step;
  double time;  ///< rate * step
  double loss;  ///< the objective; 1/(2N) sum |f - y|^2 by default
  const Parameters<Real>& theta;
  const Matrix<Real>& outputs;  ///< f(theta, x) [N x C]
  const Tape<Real>& tape;       ///< on which `output` is f(theta, x)
  Var output;
  /// The per-example Jacobian of the outputs at theta, good until observe() returns. Taken when first asked
  /// for. With one output and a structured network (see is_structured) it is what the next update is made of,
  /// so that it costs nothing more; otherwise C reverse sweeps. Throws as per_example_jacobian.
  std::function<const Jacobian<Real>&()> jacobian;

  /// Whether x itself, not a copy, is the only input of the tape.
  [[nodiscard]] bool reads(const Matrix<Real>& x) const {
    bool found = false;
    for (Index i = 0; i < tape.size(); ++i) {
      const auto& node = tape.node(Var{i});
      if (node.op || !node.batched) continue;
      if (node.value != &x) return false;
      found = true;
    }
    return found;
  }
};

/// Told before the first update (step 0), after each, and at the end. The trainer knows nothing of kernels.
template <class Real>
class Observer {
 public:
  virtual ~Observer() = default;
  /// Returns whether to go on.
  virtual bool observe(const TrainingState<Real>&) { return true; }
  /// Not called when training diverged: there is no state worth looking at.
  virtual void finish(const TrainingState<Real>&) {}
};

struct DescentOptions {
  double rate = 1.0;  ///< eta
  Index steps = 0;
  std::string objective = "mean_square";  ///< see objective in ops/objective.hpp
  /// The rate of each entry of theta is `rate` times its factor (see rate_factors in model/mlp.hpp).
  /// Empty: 1.
  std::vector<double> rate_factors = {};
  /// m of the heavy ball (Polyak 1964), theta_{k+1} = theta_k - eta grad C + m (theta_k - theta_{k-1}), from
  /// rest: theta_{-1} = theta_0. In [0, 1); 0 is plain descent, which keeps no velocity.
  double momentum = 0;
};

struct DescentResult {
  Index steps = 0;  ///< updates made with a finite loss
  double loss = 0;
  bool diverged = false;
  std::string message;  ///< one sentence when diverged
};

/// Throws UserError for options that cannot be followed or data without examples.
void require_descent(const DescentOptions& options, Index examples, Index entries);

/// Descends on a recorded output, replaying its tape; see gradient_descent.
template <class Real>
DescentResult descend(Tape<Real>& tape, Var output, Parameters<Real>& theta, const Matrix<Real>& y,
                      const DescentOptions& options, Observer<Real>& observer);

/// Full-batch gradient descent theta <- theta - eta grad C in place, on the options' objective C: with mean
/// square, C = 1/(2N) sum |f - y|^2. f is any network (see Network). The tape is recorded once and replayed.
/// A loss that is not finite, or has grown to more than 1e12 times (1 + the first), stops training with
/// diverged = true; theta is then the diverged one. With momentum theta_k - theta_{k-1} is kept beside theta,
/// and forgotten at the end. Throws UserError for a rate that is not positive and finite, a momentum outside
/// [0, 1) or an unknown objective, ShapeError when data and model disagree.
/// Cost per step: one evaluation and one reverse sweep, about 6 N P flops; no allocation. Where a use of a
/// parameter is an outer product of cotangents d and inputs a, W -= eta d^T a is one product into W: its
/// gradient is not stored.
template <class Real, Network<Real> F>
DescentResult gradient_descent(const F& f, Parameters<Real>& theta, const data::Dataset<Real>& data,
                               const DescentOptions& options, Observer<Real>& observer) {
  require_descent(options, data.x.shape(0), theta.entries.size());
  Tape<Real> tape;
  const Var output = f(tape, theta, tape.input(data.x));
  return descend(tape, output, theta, data.y, options, observer);
}
template <class Real, Network<Real> F>
DescentResult gradient_descent(const F& f, Parameters<Real>& theta, const data::Dataset<Real>& data,
                               const DescentOptions& options) {
  Observer<Real> silent;
  return gradient_descent(f, theta, data, options, silent);
}

}  // namespace ntape
