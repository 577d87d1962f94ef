#pragma once

#include <memory>
#include <ntape/dynamics/path.hpp>
#include <ntape/tape/sweep.hpp>
#include <ntape/train/descent.hpp>

namespace ntape {

/// Follows the path prediction (see PathPrediction) of whatever network is trained: at every step Theta_t
/// acts as J_t J_t^T, by a reverse and a forward sweep on the tape of training, so that no kernel is formed.
/// In f32 residuals below the rounding of outputs, about 1e-7 of them, are noise. Cost per step: two
/// directions through both sweeps, about three times a step of training.
template <class Real>
class PathTrack : public Observer<Real> {
 public:
  /// `y` [N x C] and the options are those of the descent. Throws UserError for an unknown objective.
  PathTrack(const Matrix<double>& y, const DescentOptions& options);

  bool observe(const TrainingState<Real>& state) override;

  /// At the step last seen.
  [[nodiscard]] const PathPrediction& path() const { return path_; }

 private:
  [[nodiscard]] Matrix<double> product(const TrainingState<Real>& state, const Matrix<double>& u);

  DescentOptions options_;
  PathPrediction path_;
  ReverseSweep<Real> reverse_;
  ForwardSweep<Real> forward_;
  std::vector<Stack<Real>> pulled_;
};

}  // namespace ntape
