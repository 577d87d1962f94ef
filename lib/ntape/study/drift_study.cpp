#include <omp.h>

#include <algorithm>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/study/drift_rows.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/kernel_track.hpp>
#include <ntape/study/spread.hpp>
#include <ntape/train/descent.hpp>
#include <type_traits>

namespace ntape::study {
namespace {

using StepSink = std::function<void()>;

template <class Real>
class ReportingTrack final : public KernelTrack<Real> {
 public:
  ReportingTrack(const Mlp<Real>& model, const Matrix<Real>& x, const std::vector<Index>& steps,
                 typename KernelTrack<Real>::Sink sink, const StepSink& each_step)
      : KernelTrack<Real>(model, x, steps, std::move(sink)), each_step_(each_step) {}
  bool observe(const TrainingState<Real>& state) override {
    if (state.step > 0) each_step_();
    return KernelTrack<Real>::observe(state);
  }

 private:
  const StepSink& each_step_;
};

template <class Real>
void train_one(const Architecture& architecture, const data::Dataset<Real>& data,
               const data::Dataset<double>& exact, const DriftResult& shared, bool keep_kernels,
               DriftRun& run, const StepSink& each_step) {
  const Mlp<Real> model(architecture);
  Parameters<Real> theta = model.initialize(Seed{run.seed});
  constexpr Precision kPrecision = std::is_same_v<Real, float> ? Precision::f32 : Precision::f64;
  RowMaker rows(shared, exact, run, kPrecision, keep_kernels);
  const auto frozen = [&] { return cast<double>(empirical_ntk(model, theta, data.x, KernelForm::full)); };
  ReportingTrack<Real> track(
      model, data.x, shared.tracked, [&](Snapshot&& s) { return rows.add(std::move(s), frozen); }, each_step);
  const DescentResult result =
      gradient_descent(model, theta, data, {.rate = shared.rate, .steps = shared.steps}, track);
  if (!result.diverged) return;
  run.stopped = true;
  run.message = stop_message(run, result.message);
}

struct Job {
  Index architecture;
  Index seed;
};

// Widest first, so that the last thread to finish has little left.
std::vector<Job> jobs_of(const DriftPlan& plan) {
  std::vector<Job> jobs;
  for (Index a = 0; a < plan.architectures.size(); ++a)
    for (Index s = 0; s < plan.seeds; ++s) jobs.push_back({a, s});
  std::stable_sort(jobs.begin(), jobs.end(), [&](Job i, Job j) {
    return plan.architectures[i.architecture].parameter_count() >
           plan.architectures[j.architecture].parameter_count();
  });
  return jobs;
}

template <class Real>
void train_all(const DriftPlan& plan, const data::Dataset<double>& exact, const ProgressSink& progress,
               DriftResult& result) {
  const auto data = data::cast<Real>(exact);
  const std::vector<Job> jobs = jobs_of(plan);
  const auto threads = static_cast<Index>(omp_get_max_threads());
  const auto train = [&](const Job& job) {
    const Architecture& architecture = plan.architectures[job.architecture];
    const std::uint64_t work = architecture.parameter_count();
    Index steps = 0;
    train_one<Real>(architecture, data, exact, result, job.seed == 0,
                    result.runs[job.architecture * plan.seeds + job.seed], [&] {
                      ++steps;
                      if (progress) progress(work);
                    });
    if (progress && steps < result.steps) progress(work * (result.steps - steps));
  };
  spread(jobs.size(), jobs.size() < threads ? 1 : threads, [&](Index k) { train(jobs[k]); });
}

void require_a_row(const DriftResult& result) {
  for (const DriftRun& run : result.runs)
    if (!run.rows.empty()) return;
  throw UserError("no network can be tracked: " + result.runs.front().message);
}

void fit(const DriftPlan& plan, DriftResult& result) {
  // NaN makes the fit do without this network. One that was stopped had its start all the same.
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> widths(plan.widths.begin(), plan.widths.end());
  std::vector<std::vector<double>> change(plan.seeds), distance(plan.seeds);
  for (Index a = 0; a < plan.widths.size(); ++a)
    for (Index s = 0; s < plan.seeds; ++s) {
      const DriftRun& run = result.runs[a * plan.seeds + s];
      change[s].push_back(run.stopped ? kNone : run.rows.back().kernel_change);
      distance[s].push_back(run.rows.empty() ? kNone : run.rows.front().limit_distance.value_or(kNone));
    }
  result.kernel_change_fit = fit_scaling(widths, change);
  result.limit_distance_fit = fit_scaling(widths, distance);
}

}  // namespace

DriftResult run_drift(const DriftPlan& plan, const data::Dataset<double>& data, DriftResult prepared,
                      const ProgressSink& progress) {
  DriftResult result = std::move(prepared);
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s) {
      DriftRun run;
      run.width = width;
      run.seed = plan.first_seed + s;
      result.runs.push_back(std::move(run));
    }
  if (plan.precision == Precision::f32)
    train_all<float>(plan, data, progress, result);
  else
    train_all<double>(plan, data, progress, result);
  require_a_row(result);
  fit(plan, result);
  return result;
}

DriftResult run_drift(const DriftPlan& plan, const data::Dataset<double>& data,
                      const ProgressSink& progress) {
  return run_drift(plan, data, prepare_drift(plan, data), progress);
}

}  // namespace ntape::study
