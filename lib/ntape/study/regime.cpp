#include <algorithm>
#include <ntape/study/regime.hpp>

namespace ntape::study {

std::string_view to_string(Regime regime) {
  switch (regime) {
    case Regime::stable:
      return "stable";
    case Regime::rose:
      return "rose";
    case Regime::sharpened:
      return "sharpened";
    case Regime::catapult:
      return "catapult";
    case Regime::flattened:
      return "flattened";
    case Regime::dead:
      return "dead";
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

double overshoot(double momentum) {
  return (1 + momentum) / (1 - momentum);
}

namespace {

// Whether the loss rose above `most`: by more than rounding makes of the losses of floats, some 1e-6 of them.
bool rose_above(double most, const DriftRun& run) {
  return run.peak_loss > most * (1 + 1e-4);
}

}  // namespace

std::optional<Regime> regime_of(const DriftRun& run, const DriftResult& result) {
  if (run.rows.empty()) return {};
  if (run.diverged) return Regime::diverged;
  if (run.stopped) return {};
  const DriftRow &first = run.rows.front(), &last = run.rows.back();
  if (is_dead(last)) return Regime::dead;
  const double edge = edge_of_stability(result);
  if (first.lambda_max > edge) {
    const bool rose = rose_above(first.loss, run);
    if (last.lambda_max >= edge || (rose && last.loss >= first.loss)) return Regime::unsettled;
    return rose ? Regime::catapult : Regime::flattened;
  }
  if (peak_lambda_max(run) > edge) return Regime::sharpened;
  const double most = overshoot(result.momentum);
  return rose_above(most * most * first.loss, run) ? Regime::rose : Regime::stable;
}

double peak_lambda_max(const DriftRun& run) {
  double peak = run.rows.front().lambda_max;
  for (const DriftRow& row : run.rows) peak = std::max(peak, row.lambda_max);
  return peak;
}

bool is_dead(const DriftRow& row) {
  return !row.layers.empty() && row.layers.front().trace_share.value_or(0) == 0;
}

}  // namespace ntape::study
