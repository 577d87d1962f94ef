#include <omp.h>

#include <algorithm>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/kernel/spectrum.hpp>
#include <ntape/study/drift_rows.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/kernel_track.hpp>
#include <ntape/study/path_track.hpp>
#include <ntape/study/regime.hpp>
#include <ntape/study/spread.hpp>
#include <ntape/train/descent.hpp>
#include <type_traits>

namespace ntape::study {
namespace {

using StepSink = std::function<void()>;

template <class Real>
struct Inputs {
  data::Dataset<Real> data;
  Matrix<Real> there, all;  // test inputs; training and test inputs, where kernels of both are kept
};

template <class Real>
Inputs<Real> inputs_of(const DriftPlan& plan, const data::Dataset<double>& exact) {
  Inputs<Real> inputs{data::cast<Real>(exact), data::cast<Real>(plan.test).x, {}};
  if (!plan.keep_kernels) return inputs;
  const Matrix<Real>& x = inputs.data.x;
  inputs.all = make_matrix<Real>(x.shape(0) + inputs.there.shape(0), x.shape(1));
  std::copy(inputs.there.begin(), inputs.there.end(), std::copy(x.begin(), x.end(), inputs.all.data()));
  return inputs;
}

// Of the full Theta/N: by products, some forty of them, for a kernel whose C^2 blocks nobody else needs.
template <class Real>
double full_lambda_max(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x) {
  // An eigenvalue is off by no more than the residual, and by its square over the gap where that is larger.
  // Products of floats are right to some 1e-7.
  constexpr double kTolerance = std::is_same_v<Real, float> ? 1e-5 : 1e-8;
  try {
    KernelOperator<Real> kernel(model, theta, x);
    return leading_spectrum(kernel, {.top = 1, .tolerance = kTolerance}).values.front();
  } catch (const UserError&) {
    // Products that overflow, as a kernel in trace form that does not overflow can make them.
    return std::numeric_limits<double>::infinity();
  }
}

// Everything that watches one network; rows are made by `rows`, at the tracked steps.
template <class Real>
class NetworkTrack final : public Observer<Real> {
 public:
  NetworkTrack(const DriftPlan& plan, const DriftResult& shared, const LimitTraining& limit,
               const data::Dataset<double>& exact, const DescentOptions& descent, const Mlp<Real>& model,
               const Parameters<Real>& theta, const Inputs<Real>& inputs, DriftRun& run, bool first_seed,
               const StepSink& each_step)
      : rows_(plan, shared, limit, exact, run, first_seed),
        kernels_(model, inputs.data.x, shared.tracked,
                 [this](Snapshot&& s) {
                   const Index step = s.step;
                   const bool goes_on = rows_.add(std::move(s), probe_);
                   probe_.largest_residual = 0;
                   if (goes_on && keep_) keep_(step);
                   return goes_on;
                 }),
        run_(run),
        each_step_(each_step) {
    const Matrix<Real>&x = inputs.data.x, &there = inputs.there;
    if (plan.keep_kernels && first_seed)
      keep_ = [this, &model, &theta, &all = inputs.all](Index step) {
        // Of several outputs all that there is of it, so that predictions from it are exact.
        const KernelForm form = model.architecture().widths.back() > 1 ? KernelForm::full : KernelForm::trace;
        EmpiricalKernels<Real> now = empirical_kernels(model, theta, all, all, form);
        run_.kernels.push_back({step, cast<double>(now.ntk), Matrix<double>(now.outputs)});
      };
    probe_.frozen = [&] { return cast<double>(empirical_ntk(model, theta, x, KernelForm::full)); };
    if (exact.y.shape(1) > 1) probe_.lambda_max = [&] { return full_lambda_max(model, theta, x); };
    if (there.shape(0) > 0) {
      output_ = model(tape_, theta, tape_.input(there));
      probe_.frozen_there = [&] {
        return cast<double>(empirical_ntk(model, theta, there, x, KernelForm::full));
      };
      probe_.outputs_there = [this] {
        tape_.replay();
        return Matrix<double>(tape_.value(output_));
      };
    }
    if (plan.certificate) {
      path_.emplace(exact.y, descent);
      probe_.path = &path_->path();
    }
  }

  bool observe(const TrainingState<Real>& state) override {
    if (state.step > 0) each_step_();
    if (state.step == 0 || state.loss > run_.peak_loss) {
      run_.peak_loss = state.loss;
      run_.peak_step = state.step;
    }
    if (path_) {
      path_->observe(state);
      const double residual = state.step > 0 ? rms_over_examples(path_->path().residual()) : 0;
      // So that NaN stays.
      if (!(residual <= probe_.largest_residual)) probe_.largest_residual = residual;
    }
    return kernels_.observe(state);
  }

 private:
  RowMaker rows_;
  Probe probe_;
  KernelTrack<Real> kernels_;
  Tape<Real> tape_;  // of test inputs
  Var output_;
  std::function<void(Index step)> keep_;
  std::optional<PathTrack<Real>> path_;
  DriftRun& run_;
  const StepSink& each_step_;
};

template <class Real>
void train_one(const DriftPlan& plan, const Architecture& architecture, const Inputs<Real>& inputs,
               const data::Dataset<double>& exact, const DriftResult& shared, const LimitTraining& limit,
               bool first_seed, DriftRun& run, const StepSink& each_step) {
  const Mlp<Real> model(architecture);
  Parameters<Real> theta = model.initialize(Seed{run.seed});
  const DescentOptions descent{.rate = shared.rate, .steps = shared.steps, .momentum = shared.momentum};
  NetworkTrack<Real> track(plan, shared, limit, exact, descent, model, theta, inputs, run, first_seed,
                           each_step);
  const DescentResult result = gradient_descent(model, theta, inputs.data, descent, track);
  if (!result.diverged) return;
  run.stopped = run.diverged = true;
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
  const Inputs<Real> inputs = inputs_of<Real>(plan, exact);
  const LimitTraining limit(result);
  const std::vector<Job> jobs = jobs_of(plan);
  const auto threads = static_cast<Index>(omp_get_max_threads());
  const auto train = [&](const Job& job) {
    const Architecture& architecture = plan.architectures[job.architecture];
    const std::uint64_t work = architecture.parameter_count();
    Index steps = 0;
    train_one<Real>(plan, architecture, inputs, exact, result, limit, job.seed == 0,
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
  // NaN makes the fit do without this network. One that was stopped had its start all the same, and one that
  // is dead went far by no law of widths.
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> widths(plan.widths.begin(), plan.widths.end());
  std::vector<std::vector<double>> change(plan.seeds), distance(plan.seeds);
  for (Index a = 0; a < plan.widths.size(); ++a)
    for (Index s = 0; s < plan.seeds; ++s) {
      const DriftRun& run = result.runs[a * plan.seeds + s];
      change[s].push_back(run.stopped || is_dead(run.rows.back()) ? kNone : run.rows.back().kernel_change);
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
