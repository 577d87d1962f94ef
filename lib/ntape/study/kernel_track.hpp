#pragma once

#include <functional>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>
#include <optional>
#include <vector>

namespace ntape {

/// The kernel at one moment of training, in trace form.
struct Snapshot {
  Index step = 0;
  double time = 0;
  double loss = 0;
  double parameter_change = 0;  ///< ||theta_t - theta_0||_2
  /// ||W^l_t - W^l_0||_F / ||W^l_0||_F for each weight matrix [L]; 0 for 0 that stays 0, else empty for 0.
  std::vector<std::optional<double>> weight_changes;
  Kernel<double> kernel;               ///< [N x N]
  std::vector<Kernel<double>> layers;  ///< its layer shares
  Matrix<double> outputs;              ///< f_t [N x C]
};

/// Follows the empirical NTK of `model`, which must be what is trained, on x along training, at the steps
/// asked for. When x is what the network trains on, a snapshot takes its Jacobian from the training step (see
/// TrainingState::jacobian) and costs the Grams only; else one kernel evaluation (see empirical_kernels).
/// theta_0 is kept.
template <class Real>
class KernelTrack : public Observer<Real> {
 public:
  /// Returns whether training is to go on.
  using Sink = std::function<bool(Snapshot&&)>;

  /// Keeps its snapshots. `model` and x must outlive the track.
  KernelTrack(const Mlp<Real>& model, const Matrix<Real>& x, std::vector<Index> steps);
  /// Hands each snapshot to `sink` instead of keeping it.
  KernelTrack(const Mlp<Real>& model, const Matrix<Real>& x, std::vector<Index> steps, Sink sink);

  bool observe(const TrainingState<Real>& state) override;

  [[nodiscard]] const std::vector<Snapshot>& snapshots() const { return snapshots_; }
  [[nodiscard]] auto begin() const { return snapshots_.begin(); }
  [[nodiscard]] auto end() const { return snapshots_.end(); }

 private:
  [[nodiscard]] KernelWithShares<Real> kernels_at(const TrainingState<Real>& state) const;

  const Mlp<Real>& model_;
  const Matrix<Real>& x_;
  std::vector<Index> steps_;
  Sink sink_;
  Parameters<Real> start_;
  std::vector<Snapshot> snapshots_;
};

}  // namespace ntape
