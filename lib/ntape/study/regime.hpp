#pragma once

#include <ntape/study/drift_study.hpp>
#include <string_view>

namespace ntape::study {

/// What a rate did to one network, by its own kernel and not the limit's. `edge` is 2 (1 + m) / eta: the
/// lambda_max of Theta_t/N, of all outputs together, above which a frozen kernel would diverge. Losses are
/// those of every step, kernels those of tracked steps.
///
///   stable     it was never seen above the edge, and its loss never rose above the first
///   rose       it was never seen above the edge, yet its loss rose: by more than the overshoot of momentum
///              (see overshoot)
///   sharpened  it started below the edge and was above at a later step
///   catapult   it started above, its loss rose, then fell below the first, and lambda_max is now below
///              (Lewkowycz et al. 2020)
///   flattened  it started above and lambda_max is now below, and its loss never rose
///   dead       at the last step a layer is off (see is_dead): it learns nothing more, whatever it did before
///   unsettled  it started above, and at the last step it is not through (yet)
///   diverged   loss or outputs grew without bound
enum class Regime { stable, rose, sharpened, catapult, flattened, dead, unsettled, diverged };

[[nodiscard]] std::string_view to_string(Regime regime);

/// The lambda_max of Theta/N from which a constant kernel is unstable.
[[nodiscard]] double edge_of_stability(const DriftResult& result);

/// How many times its start a mode can be on its way under a constant kernel below the edge: (1 + m)/(1 - m),
/// which is 1 without momentum; the heavy ball, at rest first, overshoots. (Close to the edge a mode goes by
/// the roots -1 and -m, as ((1 + m) (-1)^k - 2m (-m)^k)/(1 - m).)
[[nodiscard]] double overshoot(double momentum);

/// Empty for a network without rows, or stopped for another reason than growth.
[[nodiscard]] std::optional<Regime> regime_of(const DriftRun& run, const DriftResult& result);

/// The largest of the tracked steps. For a run with rows.
[[nodiscard]] double peak_lambda_max(const DriftRun& run);

/// Whether nothing that the first layer does reaches the outputs at this step, on any example: its share of
/// the kernel is exactly zero, or the kernel is. Some hidden layer is off; outputs are one number for all
/// inputs, and what is left of the kernel is that of biases and what they feed.
[[nodiscard]] bool is_dead(const DriftRow& row);

}  // namespace ntape::study
