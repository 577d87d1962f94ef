#pragma once

#include <functional>
#include <ntape/data/dataset.hpp>
#include <ntape/drift/scaling.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/model/architecture.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ntape::study {

enum class Precision { f32, f64 };

/// The main job: networks of several widths from several seeds, trained by full-batch gradient descent and
/// followed by their kernels.
struct DriftPlan {
  std::vector<Architecture> architectures;  ///< one a width; equal but for their hidden widths
  std::vector<Index> widths;                ///< what each is called: its smallest hidden width
  std::optional<double> rate;               ///< default: kSafeFraction of the critical rate
  std::optional<Index> steps;
  std::optional<double> time;  ///< instead of steps: ceil(time / rate) steps
  std::string track = "log:12";
  Index seeds = 4;
  std::uint64_t first_seed = 0;
  Precision precision = Precision::f64;
  bool force_rate = false;  ///< run even above the critical rate
};

inline constexpr double kSafeFraction = 0.25;
inline constexpr Index kDefaultSteps = 200;

/// One network at one tracked step. Eigenvalues are of Theta_t / N, the rates per unit time.
struct DriftRow {
  Index step;
  double time;
  double loss;
  double kernel_change;                  ///< ||Theta_t - Theta_0||_F / ||Theta_0||_F
  std::optional<double> limit_distance;  ///< ||Theta_t - Theta_inf||_F / ||Theta_inf||_F
  double kernel_distance;                ///< 1 - cosine of Theta_t and Theta_0
  double trace_ratio;                    ///< tr Theta_t / tr Theta_0
  double lambda_max;
  double lambda_min;
  double alignment;         ///< target alignment of Theta_t
  double parameter_change;  ///< ||theta_t - theta_0||_2
  double output_gap;        ///< rms over examples of f_t minus the frozen-kernel prediction from Theta_0
  struct Layer {
    double trace_share;  ///< tr of the layer's share / tr Theta_t
    double change;       ///< ||share_t - share_0||_F / ||share_0||_F
  };
  std::vector<Layer> layers;
};

/// One network.
struct DriftRun {
  Index width = 0;
  std::uint64_t seed = 0;
  std::vector<DriftRow> rows;
  bool diverged = false;
  std::string message;
  Kernel<double> start, end;                         ///< kept for the first seed only
  std::vector<double> start_spectrum, end_spectrum;  ///< of Theta/N, ascending; first seed only
};

struct DriftResult {
  double rate = 0;
  double critical_rate = 0;
  std::string critical_source;  ///< which kernel the critical rate is of
  Index steps = 0;
  std::vector<Index> tracked;
  std::vector<DriftRun> runs;  ///< by width, then seed
  std::optional<Kernel<double>> limit;
  std::vector<double> limit_spectrum;            ///< of Theta_inf/N, ascending
  std::string no_limit_reason;                   ///< when there is no limit
  std::optional<ScalingFit> kernel_change_fit;   ///< at the last step, against width
  std::optional<ScalingFit> limit_distance_fit;  ///< at step 0, against width
};

/// Told how much of the whole work is done: parameter updates, summed over networks.
using ProgressSink = std::function<void(std::uint64_t done)>;

/// Work in the units ProgressSink counts.
[[nodiscard]] std::uint64_t total_work(const DriftPlan& plan, Index steps);

/// The rate, critical rate, steps and limit the plan leads to, before any training; runs is empty.
/// Throws UserError for an impossible plan, and for a rate above the critical one unless force_rate.
[[nodiscard]] DriftResult prepare_drift(const DriftPlan& plan, const data::Dataset<double>& data);

/// Trains and tracks. Networks are spread over OpenMP's threads, one network a thread; every figure is the
/// same bits for any number of threads. A network that diverges keeps its rows so far, says so in `message`
/// and is left out of the fits. Cost: per network, steps * 6 N P flops, and per tracked step one kernel,
/// one N x N eigenvalue problem.
[[nodiscard]] DriftResult run_drift(const DriftPlan& plan, const data::Dataset<double>& data,
                                    const ProgressSink& progress = {});

}  // namespace ntape::study
