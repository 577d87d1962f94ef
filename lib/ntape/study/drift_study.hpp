#pragma once

#include <functional>
#include <ntape/data/dataset.hpp>
#include <ntape/drift/scaling.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/model/architecture.hpp>
#include <ntape/study/precision.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ntape::study {

/// The main job: networks of several widths from several seeds, trained by full-batch gradient descent and
/// followed by their kernels.
struct DriftPlan {
  std::vector<Architecture> architectures;  ///< one a width; equal but for their hidden widths
  std::vector<Index> widths;                ///< what each is called: its smallest hidden width
  std::optional<double> rate;               ///< default: kSafeFraction of the critical rate
  std::optional<double> rate_multiple;      ///< instead of rate: so many critical rates, also above 1
  double momentum = 0;                      ///< see DescentOptions
  std::optional<Index> steps;
  std::optional<double> time;  ///< instead of steps: ceil(time / rate) steps
  std::string track = "log:12";
  Index seeds = 4;
  std::uint64_t first_seed = 0;
  Precision precision = Precision::f64;
  bool force_rate = false;  ///< run a `rate` even above the critical one
  /// Inputs x [M x n_0] beside the training set, on which the network is compared with its frozen kernel;
  /// none when empty. With targets y [M x C], or none: then there is no test loss.
  data::Dataset<double> test = {};
  bool certificate = false;   ///< measure every step against a step of its kernel (see PathTrack)
  bool keep_outputs = false;  ///< keep what DriftOutputs has, of every network
  bool keep_kernels = false;  ///< keep Theta_t of training and test inputs together, of the first seed
};

inline constexpr double kSafeFraction = 0.25;
inline constexpr Index kDefaultSteps = 200;
/// Outputs are sums over the last layer, whose roundings add up to a few eps of them, and a residual is a
/// difference of three.
inline constexpr double kRounding = 10;

/// One network at one tracked step. Eigenvalues are of Theta_t / N, the rates per unit time. With several
/// outputs lambda_max is that of the full kernel [N C x N C], which stability is a matter of and whose mean
/// over outputs, the trace form, has a smaller one; all else is of the trace form. What is not defined or not
/// known is empty; nothing is NaN or infinite.
struct DriftRow {
  Index step = 0;
  double time = 0;
  double loss = 0;
  double kernel_change = 0;               ///< ||Theta_t - Theta_0||_F / ||Theta_0||_F
  std::optional<double> limit_distance;   ///< ||Theta_t - Theta_inf||_F / ||Theta_inf||_F
  std::optional<double> kernel_distance;  ///< 1 - cosine of Theta_t and Theta_0; empty when Theta_t = 0
  double trace_ratio = 0;                 ///< tr Theta_t / tr Theta_0
  double lambda_max = 0;                  ///< of the full kernel
  double lambda_min = 0;                  ///< of the trace form
  std::optional<double> alignment;  ///< target alignment of Theta_t; empty when it or the targets are zero
  double parameter_change = 0;      ///< ||theta_t - theta_0||_2
  /// rms over examples of f_t minus the frozen-kernel prediction from Theta_0; empty when that overflows,
  /// as it can above the critical rate while the network itself does not.
  std::optional<double> output_gap;
  /// The same on the test inputs, f_t(z) being predicted by Theta_0(z, X); and 1/(2M) sum |f - y|^2 there.
  std::optional<double> test_output_gap, test_loss;
  /// rms over examples of f_t minus what Theta_inf makes of the network's own f_0 in the same steps; the same
  /// on the test inputs. Empty when that overflows.
  std::optional<double> limit_gap, test_limit_gap;
  /// With a certificate, rms over examples: f_t - f_{t-1}, what of it is not a step of the kernel
  /// Theta_{t-1}, the largest of these residuals since the last tracked step (all empty at step 0), and f_t
  /// minus the path prediction of all these kernels.
  std::optional<double> step_size, step_residual, step_residual_max, path_gap;
  /// Whether the residual is no more than the rounding of outputs: at most kRounding eps rms(f_t), eps that
  /// of the network's numbers.
  bool residual_is_rounding = false;
  struct Layer {
    std::optional<double> trace_share;  ///< tr of the layer's share / tr Theta_t; empty when Theta_t = 0
    std::optional<double> change;       ///< ||share_t - share_0||_F / ||share_0||_F; empty for 0 to not 0
    /// ||W^l_t - W^l_0||_F / ||W^l_0||_F; empty for 0 to not 0.
    std::optional<double> weight_change;
  };
  std::vector<Layer> layers;
};

/// At one tracked step, from one f_0: the network, its linearization f_0 + J_0 (theta - theta_0) as its
/// frozen kernel trains it in function space, and infinite width; on the training set [N x C], and on the
/// test inputs [M x C], where there are any. A prediction that overflows is not finite.
struct DriftOutputs {
  struct Side {
    Matrix<double> network, frozen, limit;
  };
  Side train, test;
};

/// At one tracked step, on training and test inputs together, in this order.
struct KeptKernel {
  Index step;
  Kernel<double> kernel;   ///< Theta_t [N + M x N + M], of several outputs full [(N + M) C x (N + M) C]
  Matrix<double> outputs;  ///< f_t [N + M x C]
};

/// One network.
struct DriftRun {
  Index width = 0;
  std::uint64_t seed = 0;
  std::vector<DriftRow> rows;  ///< all tracked steps, or those before it was stopped
  bool stopped = false;        ///< before the last step: it diverged, or its kernel is zero
  std::string message;         ///< why it was stopped, one sentence that names the network
  bool diverged = false;       ///< it was stopped because loss or outputs grew without bound
  double peak_loss = 0;        ///< the largest loss of any step, tracked or not, before divergence
  Index peak_step = 0;
  std::optional<Kernel<double>> start;               ///< Theta_0, of the first seed
  std::optional<Kernel<double>> end;                 ///< at the last step, of the first seed
  Matrix<double> start_outputs, end_outputs;         ///< f there [N x C]; empty where the kernel is
  std::vector<double> start_spectrum, end_spectrum;  ///< of these over N, ascending
  std::vector<DriftOutputs> outputs;                 ///< one a row, where the plan keeps them
  std::vector<KeptKernel> kernels;                   ///< one a row of the first seed, where the plan does
};

struct DriftResult {
  double rate = 0;
  /// 2 (1 + m) / lambda_max of the guiding kernel / N. (With C outputs the full limit kernel is C copies of
  /// that of one, so that its lambda_max is the same.)
  double critical_rate = 0;
  double balanced_rate = 0;  ///< 2 (1 + m) / (lambda_min + lambda_max): the slowest mode is fastest there
  double momentum = 0;
  std::string critical_source;  ///< which kernel the critical rate is of
  Index steps = 0;
  std::vector<Index> tracked;
  std::vector<DriftRun> runs;                    ///< by width, then seed
  std::optional<Kernel<double>> limit;           ///< Theta_inf; empty before prepare_drift
  std::optional<Kernel<double>> limit_there;     ///< Theta_inf(z, X) [M x N]; with test inputs
  double limit_bound = 0;                        ///< what Theta_inf can be off by, relative, Frobenius norms
  std::vector<double> limit_spectrum;            ///< of Theta_inf/N, ascending
  std::optional<ScalingFit> kernel_change_fit;   ///< at the last step, against width
  std::optional<ScalingFit> limit_distance_fit;  ///< at step 0, against width
};

/// Told how much of the whole work is done: parameter updates, summed over networks.
using ProgressSink = std::function<void(std::uint64_t done)>;

/// Work in the units ProgressSink counts.
[[nodiscard]] std::uint64_t total_work(const DriftPlan& plan, Index steps);

/// The rate, critical rate, steps and limit the plan leads to, before any training; runs is empty.
/// Throws UserError for an impossible plan: one that needs more memory than there is, a kernel that is zero
/// or overflows, a rate above the critical one (unless force_rate, or asked for as a multiple) or too small
/// for the precision.
[[nodiscard]] DriftResult prepare_drift(const DriftPlan& plan, const data::Dataset<double>& data);

/// Trains and tracks what prepare_drift has prepared. Networks are spread over OpenMP's threads, one network
/// a thread; fewer networks than threads are trained one after another, each with all threads. Every figure
/// is the same bits for any number of threads. A network that diverges keeps its rows so far, says so in
/// `message` and is left out of the fit at the end, as is one that is dead there (see is_dead); its start
/// counts. `progress` is told total_work in all, whatever diverges. Throws UserError when no network has even
/// a first row. Cost: once an N x N eigenvalue problem; per network, steps * 6 N P flops, and per tracked
/// step one kernel, one N x N eigenvalue problem, with several outputs some forty products with the kernel
/// (each about two updates' worth), once one eigenvalue problem of (N C) x (N C); with a certificate, about
/// three more updates' worth at every step.
[[nodiscard]] DriftResult run_drift(const DriftPlan& plan, const data::Dataset<double>& data,
                                    DriftResult prepared, const ProgressSink& progress = {});
[[nodiscard]] DriftResult run_drift(const DriftPlan& plan, const data::Dataset<double>& data,
                                    const ProgressSink& progress = {});

}  // namespace ntape::study
