#pragma once

#include <functional>
#include <ntape/dynamics/lazy.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/kernel_track.hpp>
#include <optional>

namespace ntape::study {

/// Turns the snapshots of one network into the rows of its run, against its own first snapshot and the limit.
class RowMaker {
 public:
  /// `shared` gives limit and rate, `precision` is the network's. The kernels at start and end are kept in
  /// the run if `keep_kernels`.
  RowMaker(const DriftResult& shared, const data::Dataset<double>& data, DriftRun& run, Precision precision,
           bool keep_kernels)
      : shared_(shared), data_(data), run_(run), precision_(precision), keep_kernels_(keep_kernels) {}

  /// Adds a row and returns true, or, when a figure of the network is not finite or its first kernel is zero,
  /// marks the run as stopped and returns false. `frozen` gives the kernel that moves all outputs,
  /// [N C x N C], of the network at step 0; it is called for the first snapshot only.
  bool add(Snapshot&& now, const std::function<Kernel<double>()>& frozen);

 private:
  bool stop(const std::string& why);
  [[nodiscard]] DriftRow row_of(const Snapshot& now, const std::vector<double>& spectrum) const;

  const DriftResult& shared_;
  const data::Dataset<double>& data_;
  DriftRun& run_;
  Precision precision_;
  bool keep_kernels_;
  Snapshot start_;
  std::optional<LazyPrediction> lazy_;
};

/// "width 64, seed 3: " and the reason.
[[nodiscard]] std::string stop_message(const DriftRun& run, const std::string& why);

/// Ascending eigenvalues of Theta/N of a kernel in trace form. Throws InternalError when it is not finite.
[[nodiscard]] std::vector<double> spectrum_over_n(const Kernel<double>& kernel);

}  // namespace ntape::study
