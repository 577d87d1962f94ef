#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/io/npz.hpp>
#include <ntape/study/drift_outputs.hpp>

namespace ntape::study {
namespace {

// (T, M, C) of what `get` finds in each row of the run.
template <class Get>
void add_tracked(io::NpzWriter& file, const std::string& name, const DriftRun& run, Index tracked,
                 Shape shape, const Get& get) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> all(tracked * shape.size(), kNone);
  for (Index t = 0; t < run.outputs.size(); ++t) {
    const Matrix<double>& f = get(run.outputs[t]);
    for (Index k = 0; k < f.size(); ++k)
      if (std::isfinite(f.data()[k])) all[t * shape.size() + k] = f.data()[k];
  }
  file.add<double>(name, {tracked, shape.rows, shape.cols}, all);
}

void add_side(io::NpzWriter& file, const std::string& before, const DriftRun& run, Index tracked, Shape shape,
              DriftOutputs::Side DriftOutputs::*side) {
  const std::string after = "_width_" + std::to_string(run.width) + "_seed_" + std::to_string(run.seed);
  using Side = DriftOutputs::Side;
  for (const auto& [what, of] : {std::pair{"network", &Side::network}, std::pair{"frozen", &Side::frozen},
                                 std::pair{"limit", &Side::limit}})
    add_tracked(file, before + what + after, run, tracked, shape,
                [&](const DriftOutputs& f) -> const Matrix<double>& { return f.*side.*of; });
}

}  // namespace

double outputs_memory(const DriftPlan& plan, Index tracked, Index examples) {
  const double networks = static_cast<double>(plan.seeds) * static_cast<double>(plan.architectures.size());
  const double inputs = static_cast<double>(examples) + static_cast<double>(plan.test.x.shape(0));
  const double outputs = static_cast<double>(plan.architectures.front().widths.back());
  return 2 * sizeof(double) * networks * static_cast<double>(tracked) * 3 * inputs * outputs;
}

double kept_kernels_memory(const DriftPlan& plan, Index tracked, Index examples) {
  const double rows = (static_cast<double>(examples) + static_cast<double>(plan.test.x.shape(0))) *
                      static_cast<double>(plan.architectures.front().widths.back());
  // Beside those kept, one is copied while it is written.
  return sizeof(double) * static_cast<double>(plan.architectures.size() * tracked + 1) * rows * rows;
}

void write_drift_outputs(const run::RunDirectory& directory, const DriftPlan& plan, const Matrix<double>& y,
                         const DriftResult& result) {
  io::NpzWriter file(directory.file("outputs.npz"));
  const std::vector<double> steps(result.tracked.begin(), result.tracked.end());
  std::vector<double> times;
  for (const double step : steps) times.push_back(result.rate * step);
  file.add<double>("steps", {steps.size()}, steps);
  file.add<double>("times", {times.size()}, times);
  file.add("y", y);
  const Index inputs = plan.test.x.shape(0);
  if (inputs > 0 && plan.test.y.size() > 0) file.add("test_y", plan.test.y);
  for (const DriftRun& run : result.runs) {
    add_side(file, "", run, steps.size(), shape_of(y), &DriftOutputs::train);
    if (inputs > 0) add_side(file, "test_", run, steps.size(), {inputs, y.shape(1)}, &DriftOutputs::test);
  }
  file.close();
}

}  // namespace ntape::study
