#pragma once

#include <functional>
#include <ntape/dynamics/lazy.hpp>
#include <ntape/dynamics/path.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/kernel_track.hpp>
#include <optional>

namespace ntape::study {

/// What a row needs of the network beside its snapshot, at the same step.
struct Probe {
  std::function<Kernel<double>()> frozen;  ///< Theta, full [N C x N C]; asked for at step 0 only
  std::function<Kernel<double>()>
      frozen_there;  ///< Theta(z, X), full [M C x N C]; at step 0, with test inputs
  std::function<Matrix<double>()> outputs_there;  ///< f(z) [M x C]; with test inputs
  /// Of the full Theta/N [N C x N C], not finite where it overflows; with several outputs. (With one the
  /// spectrum of the snapshot has it.)
  std::function<double()> lambda_max;
  const PathPrediction* path = nullptr;  ///< with a certificate
  double largest_residual = 0;           ///< of steps since the last row, likewise
};

/// Infinite width, for all networks: what trains their outputs in their place.
struct LimitTraining {
  /// Of the limits in `shared`, which must outlive it; one eigenvalue problem.
  explicit LimitTraining(const DriftResult& shared);

  const Matrix<double>& kernel;                ///< Theta_inf [N x N]
  const Matrix<double>* there;                 ///< Theta_inf(z, X) [M x N]; none without test inputs
  std::shared_ptr<const KernelFactor> factor;  ///< of the kernel
};

/// Turns the snapshots of one network into the rows of its run, against its own first snapshot and the limit.
class RowMaker {
 public:
  /// `shared` gives limit and rate, the plan test inputs. The kernels at start and end are kept in the run if
  /// `keep_kernels`. All must outlive it.
  RowMaker(const DriftPlan& plan, const DriftResult& shared, const LimitTraining& limit,
           const data::Dataset<double>& data, DriftRun& run, bool keep_kernels)
      : plan_(plan), shared_(shared), limit_(limit), data_(data), run_(run), keep_kernels_(keep_kernels) {}

  /// Adds a row and returns true, or, when a figure of the network is not finite or its first kernel is zero,
  /// marks the run as stopped and returns false.
  bool add(Snapshot&& now, const Probe& network);

 private:
  bool stop(const std::string& why);
  bool begin(const Snapshot& start, const Probe& network, const Matrix<double>& there);
  [[nodiscard]] DriftRow row_of(const Snapshot& now, double lambda_max, double lambda_min) const;
  [[nodiscard]] DriftOutputs outputs_at(const Snapshot& now, const Matrix<double>& there) const;
  void add_gaps(const DriftOutputs& outputs, DriftRow& row) const;
  void keep(Snapshot&& now, std::vector<double> spectrum);

  const DriftPlan& plan_;
  const DriftResult& shared_;
  const LimitTraining& limit_;
  const data::Dataset<double>& data_;
  DriftRun& run_;
  bool keep_kernels_;
  Snapshot start_;
  std::optional<LazyPrediction> lazy_, infinite_;
  std::optional<LazyElsewhere> lazy_there_, infinite_there_;
};

/// rms over examples of |f|: the norm of the paper's <.,.>_pin.
[[nodiscard]] double rms_over_examples(const Matrix<double>& f);

/// "width 64, seed 3: " and the reason.
[[nodiscard]] std::string stop_message(const DriftRun& run, const std::string& why);

/// Ascending eigenvalues of Theta/N of a kernel in trace form. Throws InternalError when it is not finite.
[[nodiscard]] std::vector<double> spectrum_over_n(const Kernel<double>& kernel);

}  // namespace ntape::study
