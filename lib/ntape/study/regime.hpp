#pragma once

#include <ntape/study/drift_study.hpp>
#include <string_view>

namespace ntape::study {

/// What a rate did to one network, by its own kernel and not the limit's. `edge` is 2 (1 + m) / eta: the
/// lambda_max of Theta_t/N above which a frozen kernel would diverge.
///
///   stable     it started below the edge, or its loss never rose above the first
///   catapult   it started above, its loss rose, then fell below the first, and lambda_max is now below
///              (Lewkowycz et al. 2020)
///   unsettled  it started above and its loss rose, but at the last step it is not through (yet)
///   diverged   loss or outputs grew without bound
enum class Regime { stable, catapult, unsettled, diverged };

[[nodiscard]] std::string_view to_string(Regime regime);

/// The lambda_max of Theta/N from which a constant kernel is unstable.
[[nodiscard]] double edge_of_stability(const DriftResult& result);

/// Empty for a network without rows, or stopped for another reason than growth.
[[nodiscard]] std::optional<Regime> regime_of(const DriftRun& run, const DriftResult& result);

}  // namespace ntape::study
