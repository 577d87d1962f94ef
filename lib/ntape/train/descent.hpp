#pragma once

#include <ntape/data/dataset.hpp>
#include <ntape/model/mlp.hpp>
#include <string>

namespace ntape {

/// What an observer sees after `step` updates: theta and outputs belong to the same moment.
template <class Real>
struct TrainingState {
  Index step;
  double time;  ///< rate * step
  double loss;  ///< 1/(2N) sum |f - y|^2
  const Parameters<Real>& theta;
  const Matrix<Real>& outputs;  ///< f(theta, x) [N x C]
};

/// Told before the first update (step 0), after each, and at the end. The trainer knows nothing of kernels.
template <class Real>
class Observer {
 public:
  virtual ~Observer() = default;
  /// Returns whether to go on.
  virtual bool observe(const TrainingState<Real>& state) = 0;
  /// Not called when training diverged: there is no state worth looking at.
  virtual void finish(const TrainingState<Real>&) {}
};

struct DescentOptions {
  double rate = 1.0;  ///< eta
  Index steps = 0;
  /// The rate of each entry of theta is `rate` times its factor (see rate_factors in model/mlp.hpp).
  /// Empty: 1.
  std::vector<double> rate_factors = {};
};

struct DescentResult {
  Index steps = 0;  ///< updates made with a finite loss
  double loss = 0;
  bool diverged = false;
  std::string message;  ///< one sentence when diverged
};

/// Full-batch gradient descent theta <- theta - eta grad C on C = 1/(2N) sum |f - y|^2, in place.
/// The tape is recorded once and replayed. A loss that is not finite, or has grown to more than 1e12 times
/// (1 + the first), stops training with diverged = true; theta is then the diverged one.
/// Throws UserError for a rate that is not positive and finite, ShapeError when data and model disagree.
/// Cost per step: one evaluation and one reverse sweep, about 6 N P flops.
template <class Real>
DescentResult gradient_descent(const Mlp<Real>& model, Parameters<Real>& theta,
                               const data::Dataset<Real>& data, const DescentOptions& options,
                               Observer<Real>& observer);
template <class Real>
DescentResult gradient_descent(const Mlp<Real>& model, Parameters<Real>& theta,
                               const data::Dataset<Real>& data, const DescentOptions& options);

}  // namespace ntape
