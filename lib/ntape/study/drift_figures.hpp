#pragma once

#include <ntape/report/figure.hpp>
#include <ntape/study/drift_study.hpp>
#include <string>
#include <vector>

namespace ntape::study {

struct NamedFigure {
  std::string name;  ///< "drift", "scaling", "spectrum"
  report::Figure figure;
};

/// drift: kernel_change against time, a curve a width, mean over seeds with a min-max band;
/// scaling: final drift and initial distance to the limit against width, log-log, with the fits;
/// spectrum: eigenvalues of Theta/N at start and end of the widest network's first seed, and of the limit.
/// Stopped networks show their initial distance only. Left out are figures that would be empty (no step after
/// 0, one width, no drift).
[[nodiscard]] std::vector<NamedFigure> drift_figures(const DriftPlan& plan, const DriftResult& result);

}  // namespace ntape::study
