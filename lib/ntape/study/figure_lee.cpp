#include <ntape/base/errors.hpp>
#include <ntape/study/figure_lee.hpp>

namespace ntape::study {
namespace {

DriftPlan drift_of(const FigureLeePlan& plan, const data::Dataset<double>& data) {
  DriftPlan drift;
  drift.widths = plan.widths;
  for (const Index width : plan.widths)
    drift.architectures.push_back(
        {.widths = equal_widths(data.x.shape(1), width, data.y.shape(1), plan.depth),
         .activation = plan.activation,
         .weight_scale = plan.weight_scale,
         .bias_scale = plan.bias_scale});
  drift.steps = plan.steps;
  drift.seeds = plan.seeds;
  drift.first_seed = plan.first_seed;
  drift.precision = plan.precision;
  // Targets of the test inputs are not asked about.
  drift.test.x = plan.test.x;
  return drift;
}

}  // namespace

DriftResult prepare_figure_lee(const FigureLeePlan& plan, const data::Dataset<double>& data) {
  if (plan.widths.size() < 2)
    throw UserError("figure lee needs at least two widths, through which exponents are fitted");
  if (plan.depth < 3)
    throw UserError("figure lee is asked for at depth " + std::to_string(plan.depth) +
                    "; at least 3 is needed, so that there is a hidden n x n matrix");
  if (plan.steps == 0) throw UserError("figure lee needs at least one step of training");
  return prepare_drift(drift_of(plan, data), data);
}

std::uint64_t total_work(const FigureLeePlan& plan, const data::Dataset<double>& data,
                         const DriftResult& prepared) {
  return total_work(drift_of(plan, data), prepared.steps);
}

DriftResult run_figure_lee(const FigureLeePlan& plan, const data::Dataset<double>& data, DriftResult prepared,
                           const ProgressSink& progress) {
  return run_drift(drift_of(plan, data), data, std::move(prepared), progress);
}

}  // namespace ntape::study
