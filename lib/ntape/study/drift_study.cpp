#include <algorithm>
#include <cmath>
#include <exception>
#include <ntape/base/errors.hpp>
#include <ntape/drift/change.hpp>
#include <ntape/dynamics/lazy.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/kernel_track.hpp>
#include <ntape/study/schedule.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::study {
namespace {

std::vector<double> spectrum_over_n(const Kernel<double>& kernel) {
  std::vector<double> values = linalg::symmetric_eigenvalues(kernel.values);
  for (double& v : values) v /= static_cast<double>(kernel.rows());
  return values;
}

// rms over examples of |f - g|: the norm of the paper's <.,.>_pin.
double rms_difference(const Matrix<double>& f, const Matrix<double>& g) {
  double sum = 0;
  for (Index k = 0; k < f.size(); ++k) sum += (f.data()[k] - g.data()[k]) * (f.data()[k] - g.data()[k]);
  return std::sqrt(sum / static_cast<double>(f.shape(0)));
}

double trace(const Matrix<double>& m) {
  double sum = 0;
  for (Index i = 0; i < m.shape(0); ++i) sum += m(i, i);
  return sum;
}

// A share that is exactly zero (biases with bias_scale = 0 in a one-entry layer, say) has not changed.
double change_of_share(const Kernel<double>& now, const Kernel<double>& start) {
  for (const double v : start.values)
    if (v != 0) return relative_change(now, start);
  return 0;
}

// Turns the snapshots of one network into rows, against its own first snapshot and the limit.
class RowMaker {
 public:
  RowMaker(const DriftResult& shared, const data::Dataset<double>& data, DriftRun& run, bool keep_kernels)
      : shared_(shared), data_(data), run_(run), keep_kernels_(keep_kernels) {}

  // `frozen` gives the kernel that moves all outputs, [N C x N C], of the network at step 0.
  void add(Snapshot&& now, const std::function<Kernel<double>()>& frozen) {
    const std::vector<double> spectrum = spectrum_over_n(now.kernel);
    if (now.step == 0) {
      start_ = now;
      lazy_.emplace(frozen().values, now.outputs, data_.y);
      if (keep_kernels_) {
        run_.start = now.kernel;
        run_.start_spectrum = spectrum;
      }
    }
    DriftRow row;
    row.step = now.step;
    row.time = now.time;
    row.loss = now.loss;
    row.kernel_change = relative_change(now.kernel, start_.kernel);
    if (shared_.limit) row.limit_distance = relative_change(now.kernel, *shared_.limit);
    row.kernel_distance = kernel_distance(now.kernel.values, start_.kernel.values);
    row.trace_ratio = trace_ratio(now.kernel.values, start_.kernel.values);
    row.lambda_max = spectrum.back();
    row.lambda_min = spectrum.front();
    row.alignment = target_alignment(now.kernel.values, data_.y);
    row.parameter_change = now.parameter_change;
    row.output_gap = rms_difference(now.outputs, lazy_->after_steps(now.step, shared_.rate));
    for (Index l = 0; l < now.layers.size(); ++l)
      row.layers.push_back({trace(now.layers[l].values) / trace(now.kernel.values),
                            change_of_share(now.layers[l], start_.layers[l])});
    run_.rows.push_back(std::move(row));
    if (keep_kernels_) {
      run_.end = std::move(now.kernel);
      run_.end_spectrum = spectrum;
    }
  }

 private:
  const DriftResult& shared_;
  const data::Dataset<double>& data_;
  DriftRun& run_;
  bool keep_kernels_;
  Snapshot start_;
  std::optional<LazyPrediction> lazy_;
};

template <class Real>
class ReportingTrack final : public KernelTrack<Real> {
 public:
  ReportingTrack(const Mlp<Real>& model, const Matrix<Real>& x, const std::vector<Index>& steps,
                 typename KernelTrack<Real>::Sink sink, const std::function<void()>& each_step)
      : KernelTrack<Real>(model, x, steps, std::move(sink)), each_step_(each_step) {}
  bool observe(const TrainingState<Real>& state) override {
    if (state.step > 0) each_step_();
    return KernelTrack<Real>::observe(state);
  }

 private:
  const std::function<void()>& each_step_;
};

template <class Real>
void train_one(const Architecture& architecture, const data::Dataset<Real>& data,
               const data::Dataset<double>& exact, const DriftResult& shared, bool keep_kernels,
               DriftRun& run, const std::function<void()>& each_step) {
  const Mlp<Real> model(architecture);
  Parameters<Real> theta = model.initialize(Seed{run.seed});
  RowMaker rows(shared, exact, run, keep_kernels);
  const auto frozen = [&] { return cast<double>(empirical_ntk(model, theta, data.x, KernelForm::full)); };
  ReportingTrack<Real> track(
      model, data.x, shared.tracked, [&](Snapshot&& s) { rows.add(std::move(s), frozen); }, each_step);
  const DescentResult result =
      gradient_descent(model, theta, data, {.rate = shared.rate, .steps = shared.steps}, track);
  run.diverged = result.diverged;
  if (result.diverged)
    run.message =
        "width " + std::to_string(run.width) + ", seed " + std::to_string(run.seed) + ": " + result.message;
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
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 1)
  for (Index k = 0; k < jobs.size(); ++k) {
    const Job job = jobs[k];
    const Architecture& architecture = plan.architectures[job.architecture];
    DriftRun& run = result.runs[job.architecture * plan.seeds + job.seed];
    const std::uint64_t work = architecture.parameter_count();
    try {
      train_one<Real>(architecture, data, exact, result, job.seed == 0, run, [&] {
        if (progress) progress(work);
      });
    } catch (...) {
#pragma omp critical(ntape_drift_failure)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void fit(const DriftPlan& plan, DriftResult& result) {
  std::vector<double> widths(plan.widths.begin(), plan.widths.end());
  std::vector<std::vector<double>> change(plan.seeds), distance(plan.seeds);
  for (Index s = 0; s < plan.seeds; ++s)
    for (Index a = 0; a < widths.size(); ++a) {
      const DriftRun& run = result.runs[a * plan.seeds + s];
      // A diverged network has no value at the last step: NaN makes the fit leave its seed out.
      change[s].push_back(run.diverged ? std::nan("") : run.rows.back().kernel_change);
      distance[s].push_back(run.rows.front().limit_distance.value_or(std::nan("")));
    }
  result.kernel_change_fit = fit_scaling(widths, change);
  result.limit_distance_fit = fit_scaling(widths, distance);
}

void require_plan(const DriftPlan& plan) {
  if (plan.architectures.empty()) throw UserError("no width was given; at least one is needed");
  if (plan.architectures.size() != plan.widths.size())
    throw InternalError("a plan with unnamed architectures");
  if (plan.seeds == 0) throw UserError("the number of seeds is 0; it must be at least 1");
  if (plan.steps && plan.time) throw UserError("both steps and time were given; give one of them");
  if (plan.rate && !(std::isfinite(*plan.rate) && *plan.rate > 0))
    throw UserError("the rate is " + std::to_string(*plan.rate) + "; it must be positive and finite");
  if (plan.time && !(std::isfinite(*plan.time) && *plan.time > 0))
    throw UserError("the time is " + std::to_string(*plan.time) + "; it must be positive and finite");
  for (const Architecture& a : plan.architectures) a.validate();
}

}  // namespace

std::uint64_t total_work(const DriftPlan& plan, Index steps) {
  std::uint64_t work = 0;
  for (const Architecture& a : plan.architectures) work += a.parameter_count() * steps * plan.seeds;
  return work;
}

DriftResult prepare_drift(const DriftPlan& plan, const data::Dataset<double>& data) {
  require_plan(plan);
  data::validate(data);
  DriftResult result;
  const Architecture& widest = *std::max_element(
      plan.architectures.begin(), plan.architectures.end(),
      [](const Architecture& a, const Architecture& b) { return a.parameter_count() < b.parameter_count(); });
  const Mlp<double> model(widest);  // an unknown activation is refused here
  double lambda_max;
  if (has_limit(widest.activation)) {
    result.limit = limit_ntk(widest, data.x);
    result.limit_spectrum = spectrum_over_n(*result.limit);
    lambda_max = result.limit_spectrum.back();
    result.critical_source = "the infinite-width limit kernel";
  } else {
    result.no_limit_reason = "the infinite-width limit of '" + widest.activation +
                             "' is not known yet, so no distance to it is given";
    const auto theta = model.initialize(Seed{plan.first_seed});
    lambda_max = spectrum_over_n(empirical_ntk(model, theta, data.x, KernelForm::trace)).back();
    result.critical_source =
        "the initial kernel of the widest network, seed " + std::to_string(plan.first_seed);
  }
  if (!(lambda_max > 0))
    throw UserError(
        "the kernel on these inputs is zero: with this architecture and data nothing can be trained");
  // lambda_max is of Theta/N already, hence one example.
  result.critical_rate = critical_rate(lambda_max, 1);
  result.rate = plan.rate.value_or(kSafeFraction * result.critical_rate);
  if (result.rate >= result.critical_rate && !plan.force_rate)
    throw UserError("the rate " + std::to_string(result.rate) + " is not below the critical rate " +
                    std::to_string(result.critical_rate) + " of " + result.critical_source +
                    ", so training would diverge; give a smaller --rate, or --force-rate to run it anyway");
  if (plan.time) {
    const double steps = std::ceil(*plan.time / result.rate);
    if (steps > 1e9) throw UserError("the time asks for more than a billion steps at this rate");
    result.steps = static_cast<Index>(steps);
  } else {
    result.steps = plan.steps.value_or(kDefaultSteps);
  }
  result.tracked = tracked_steps(plan.track, result.steps);
  return result;
}

DriftResult run_drift(const DriftPlan& plan, const data::Dataset<double>& data,
                      const ProgressSink& progress) {
  DriftResult result = prepare_drift(plan, data);
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
  fit(plan, result);
  return result;
}

}  // namespace ntape::study
