#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/stability.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/drift_memory.hpp>
#include <ntape/study/drift_outputs.hpp>
#include <ntape/study/drift_rows.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/schedule.hpp>

namespace ntape::study {
namespace {

using run::significant;

// Throws UserError unless the test inputs, if there are any, are those of such networks.
void require_test(const data::Dataset<double>& test, const data::Dataset<double>& data) {
  if (test.x.shape(0) == 0) return;
  if (test.x.shape(1) != data.x.shape(1))
    throw UserError("the test inputs have " + std::to_string(test.x.shape(1)) +
                    " columns, and those of training " + std::to_string(data.x.shape(1)) +
                    "; as many are needed");
  if (test.y.size() > 0 && (test.y.shape(0) != test.x.shape(0) || test.y.shape(1) != data.y.shape(1)))
    throw UserError("the test targets are " + to_string(shape_of(test.y)) + ", and " +
                    to_string(Shape{test.x.shape(0), data.y.shape(1)}) + " are needed");
  data::check_finite(test);
}

void require_plan(const DriftPlan& plan, Index examples) {
  if (plan.architectures.empty()) throw UserError("no width was given; at least one is needed");
  if (plan.architectures.size() != plan.widths.size())
    throw InternalError("a plan with unnamed architectures");
  if (plan.seeds == 0) throw UserError("the number of seeds is 0; it must be at least 1");
  if (plan.first_seed > std::numeric_limits<std::uint64_t>::max() - (plan.seeds - 1))
    throw UserError(std::to_string(plan.seeds) + " seeds from " + std::to_string(plan.first_seed) +
                    " on are asked for, and the last one must be below 2^64");
  if (plan.steps && plan.time) throw UserError("both steps and time were given; give one of them");
  if (plan.rate && !(std::isfinite(*plan.rate) && *plan.rate > 0))
    throw UserError("the rate is " + significant(*plan.rate, 6) + "; it must be positive and finite");
  if (plan.rate && plan.rate_multiple)
    throw UserError("both a rate and a multiple of the critical rate were given; give one of them");
  if (plan.rate_multiple && !(std::isfinite(*plan.rate_multiple) && *plan.rate_multiple > 0))
    throw UserError("the rate is " + significant(*plan.rate_multiple, 6) +
                    " times the critical one; it must be positive and finite");
  if (!(plan.momentum >= 0 && plan.momentum < 1))
    throw UserError("the momentum is " + run::shortest(plan.momentum) +
                    "; it must be at least 0 and less than 1");
  if (plan.time && !(std::isfinite(*plan.time) && *plan.time > 0))
    throw UserError("the time is " + significant(*plan.time, 6) + "; it must be positive and finite");
  for (const Architecture& a : plan.architectures) {
    a.validate();
    if (a.parametrization != Parametrization::ntk && plan.architectures.size() > 1)
      throw UserError(
          "several widths have one limit in the ntk parametrization only; give one width, or that "
          "parametrization");
  }
  // A row of a network is small; yet so many seeds would not fit, whatever their networks.
  const double runs = static_cast<double>(plan.seeds) * static_cast<double>(plan.widths.size());
  run::require_memory(least_memory(plan, examples, omp_get_max_threads()) + runs * sizeof(DriftRun),
                      "networks, seeds and data of this size");
}

bool norm_is_finite(const Kernel<double>& kernel) {
  double sum = 0;
  for (const double v : kernel.values) sum += v * v;
  return std::isfinite(sum);
}

// Theta_inf, whose largest eigenvalue sets the critical rate. It is the same for all widths.
Kernel<double> guiding_kernel(const DriftPlan& plan, const data::Dataset<double>& data, DriftResult& result) {
  const Architecture& widest = *std::max_element(
      plan.architectures.begin(), plan.architectures.end(),
      [](const Architecture& a, const Architecture& b) { return a.parameter_count() < b.parameter_count(); });
  const Mlp<double> model(widest);  // an unknown activation is refused here
  LimitKernels limit = limit_kernels(widest, data.x);
  result.limit_bound = frobenius_norm(limit.ntk_bound) / frobenius_norm(limit.ntk.values);
  result.limit = std::move(limit.ntk);
  if (plan.test.x.shape(0) > 0) {
    Kernel<double> there = limit_kernels(widest, plan.test.x, data.x).ntk;
    // One that overflows predicts nothing there, and keeps nobody from training.
    if (norm_is_finite(there)) result.limit_there = std::move(there);
  }
  result.critical_source = "the infinite-width limit kernel";
  return *result.limit;
}

void set_rate(const DriftPlan& plan, DriftResult& result) {
  result.rate = plan.rate.value_or(plan.rate_multiple.value_or(kSafeFraction) * result.critical_rate);
  // A multiple above 1 says by itself that it is above the critical rate.
  if (plan.rate && result.rate >= result.critical_rate && !plan.force_rate)
    throw UserError(
        "the rate " + significant(result.rate, 6) + " is not below the critical rate " +
        significant(result.critical_rate, 6) + " of " + result.critical_source +
        ", so a frozen kernel would diverge; give a smaller --rate, or --force-rate to run it anyway");
  const double least = plan.precision == Precision::f32 ? std::numeric_limits<float>::min()
                                                        : std::numeric_limits<double>::min();
  const double most = plan.precision == Precision::f32 ? std::numeric_limits<float>::max()
                                                       : std::numeric_limits<double>::max();
  if (!(result.rate >= least && result.rate <= most))
    throw UserError("the rate " + significant(result.rate, 6) + ", with the critical rate " +
                    significant(result.critical_rate, 6) + " of " + result.critical_source +
                    ", is out of the range of " + (plan.precision == Precision::f32 ? "f32" : "f64") +
                    ": other inputs or scales are needed" +
                    (plan.precision == Precision::f32 ? ", or --precision f64" : ""));
}

void set_steps(const DriftPlan& plan, DriftResult& result) {
  constexpr double kMostSteps = 1e9;
  double steps = static_cast<double>(plan.steps.value_or(kDefaultSteps));
  if (plan.time) {
    // A time that is so many steps but for rounding is that many.
    const double exact = *plan.time / result.rate;
    steps = std::abs(exact - std::round(exact)) <= 1e-9 * exact ? std::round(exact) : std::ceil(exact);
    steps = std::max(steps, 1.0);
  }
  if (!(steps <= kMostSteps))
    throw UserError("training would take " + significant(steps, 6) + " steps at the rate " +
                    significant(result.rate, 6) + "; at most a billion are possible");
  result.steps = static_cast<Index>(steps);
}

}  // namespace

std::uint64_t total_work(const DriftPlan& plan, Index steps) {
  std::uint64_t work = 0;
  for (const Architecture& a : plan.architectures) work += a.parameter_count() * steps * plan.seeds;
  return work;
}

DriftResult prepare_drift(const DriftPlan& plan, const data::Dataset<double>& data) {
  require_plan(plan, data.x.shape(0));
  data::validate(data);
  require_test(plan.test, data);
  DriftResult result;
  const Kernel<double> kernel = guiding_kernel(plan, data, result);
  if (!norm_is_finite(kernel))
    throw UserError("the kernel on these inputs overflows: smaller inputs or scales are needed");
  const std::vector<double> spectrum = spectrum_over_n(kernel);
  if (!(spectrum.back() > 0))
    throw UserError(
        "the kernel on these inputs is zero: with this architecture and data nothing can be trained");
  if (result.limit) result.limit_spectrum = spectrum;
  // The eigenvalues are of Theta/N already, hence one example. One below zero is zero but for rounding.
  result.momentum = plan.momentum;
  result.critical_rate = critical_rate(spectrum.back(), 1, plan.momentum);
  result.balanced_rate = balanced_rate(std::max(spectrum.front(), 0.0), spectrum.back(), 1, plan.momentum);
  set_rate(plan, result);
  set_steps(plan, result);
  result.tracked = tracked_steps(plan.track, result.steps);
  if (plan.keep_kernels)
    run::require_memory(kept_kernels_memory(plan, result.tracked.size(), data.x.shape(0)),
                        "kernels at " + std::to_string(result.tracked.size()) + " steps of " +
                            std::to_string(plan.widths.size()) + " networks");
  if (plan.keep_outputs)
    run::require_memory(outputs_memory(plan, result.tracked.size(), data.x.shape(0)) +
                            least_memory(plan, data.x.shape(0), omp_get_max_threads()),
                        "outputs of " + std::to_string(plan.seeds * plan.widths.size()) + " networks at " +
                            std::to_string(result.tracked.size()) + " steps, beside the networks,");
  return result;
}

}  // namespace ntape::study
