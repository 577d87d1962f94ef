#include <ntape/study/regime.hpp>

namespace ntape::study {

std::string_view to_string(Regime regime) {
  switch (regime) {
    case Regime::stable:
      return "stable";
    case Regime::catapult:
      return "catapult";
    case Regime::unsettled:
      return "unsettled";
    case Regime::diverged:
      return "diverged";
  }
  return "";
}

double edge_of_stability(const DriftResult& result) {
  return 2 * (1 + result.momentum) / result.rate;
}

std::optional<Regime> regime_of(const DriftRun& run, const DriftResult& result) {
  if (run.rows.empty()) return {};
  if (run.diverged) return Regime::diverged;
  if (run.stopped) return {};
  const DriftRow &first = run.rows.front(), &last = run.rows.back();
  const double edge = edge_of_stability(result);
  if (first.lambda_max <= edge || !(run.peak_loss > first.loss)) return Regime::stable;
  return last.lambda_max < edge && last.loss < first.loss ? Regime::catapult : Regime::unsettled;
}

}  // namespace ntape::study
