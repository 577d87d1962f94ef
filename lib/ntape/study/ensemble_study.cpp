#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/stability.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/ensemble_study.hpp>
#include <ntape/tensor/linalg.hpp>
#include <numeric>

namespace ntape::study {
namespace {

using run::significant;

double critical_rate_of(const EnsembleStudyPlan& plan) {
  const Kernel<double> limit = limit_kernels(plan.ensemble.architecture, plan.data.x).ntk;
  for (const double v : limit.values)
    if (!std::isfinite(v))
      throw UserError("the limit kernel on these inputs overflows: smaller inputs or scales are needed");
  const double top = linalg::symmetric_eigenvalues(limit.values).back();
  if (!(top > 0))
    throw UserError("the limit kernel on these inputs is zero: nothing can be trained with this network");
  return critical_rate(top, plan.data.x.shape(0), plan.ensemble.descent.momentum);
}

void set_study_rate(const EnsembleStudyPlan& plan, EnsembleStudy& study) {
  study.rate = plan.rate.value_or(plan.rate_multiple * study.critical_rate);
  if (!(study.rate > 0 && study.rate < study.critical_rate))
    throw UserError("the rate is " + significant(study.rate, 6) +
                    ", and one above 0 and below the critical rate of the limit kernel, " +
                    significant(study.critical_rate, 6) + ", is needed: beyond it the law diverges");
}

void set_study_steps(const EnsembleStudyPlan& plan, EnsembleStudy& study) {
  study.steps = plan.ensemble.steps;
  if (plan.times.empty()) return;
  constexpr double kMostSteps = 1e9;
  study.steps.clear();
  for (const double t : plan.times) {
    const double steps = std::round(t / study.rate);
    if (!(steps >= 0 && steps <= kMostSteps))
      throw UserError("the time " + significant(t, 6) + " is " + significant(t / study.rate, 6) +
                      " steps of the rate " + significant(study.rate, 6) + "; 0 to a billion are possible");
    study.steps.push_back(static_cast<Index>(steps));
  }
  std::sort(study.steps.begin(), study.steps.end());
  study.steps.erase(std::unique(study.steps.begin(), study.steps.end()), study.steps.end());
}

Matrix<double> with_test_rows(const EnsembleStudyPlan& plan) {
  const Matrix<double>&x = plan.data.x, &z = plan.test.x;
  auto all = make_matrix<double>(x.shape(0) + z.shape(0), x.shape(1));
  std::copy(x.begin(), x.end(), all.begin());
  std::copy(z.begin(), z.end(), all.begin() + static_cast<std::ptrdiff_t>(x.size()));
  return all;
}

// Rows 1.. of a law, whose row 0 is the start.
EnsembleLaw after_start(const EnsembleLaw& law) {
  const Index steps = law.mean.shape(0) - 1, size = law.mean.shape(1);
  EnsembleLaw rest{make_matrix<double>(steps, size), make_matrix<double>(steps, size), law.rates};
  std::copy_n(row(law.mean, 1), rest.mean.size(), rest.mean.data());
  std::copy_n(row(law.variance, 1), rest.variance.size(), rest.variance.data());
  return rest;
}

// One set of inputs: columns from `first` on, with targets y (none: empty).
class Comparer {
 public:
  Comparer(const EnsembleStudy& study, std::vector<double> start, double narrowest)
      : s_(study), start_(std::move(start)), narrowest_(narrowest) {}

  [[nodiscard]] EnsembleComparison at(Index t, Index first, Index size, const Matrix<double>& y) const {
    EnsembleComparison c;
    if (y.size() > 0) add_losses(t, first, y, c);
    std::vector<Index> columns;
    for (Index k = first; k < first + size; ++k)
      if (s_.law.variance(t, k) > narrowest_ * narrowest_ * start_[k]) columns.push_back(k);
    c.compared = columns.size();
    if (columns.empty()) return c;
    c.variance_ratio = variance_ratio(s_.outputs, s_.law, t, columns);
    c.coverage = coverage(s_.outputs, s_.law, t, columns);
    for (const Index k : columns) {
      c.z_mean = std::max(c.z_mean, std::abs(s_.z.mean(t, k)));
      c.z_variance = std::max(c.z_variance, std::abs(s_.z.variance(t, k)));
    }
    c.by_chance = largest_by_chance(s_.measured.networks, c.compared);
    return c;
  }

 private:
  void add_losses(Index t, Index first, const Matrix<double>& y, EnsembleComparison& c) const {
    const double scale = .5 / static_cast<double>(y.shape(0));
    std::vector<double> losses;
    for (Index s = 0; s < s_.outputs.seeds.size(); ++s) {
      double sum = 0;
      for (Index k = 0; k < y.size(); ++k)
        sum += std::pow(s_.outputs.values(t, s, first + k) - y.data()[k], 2);
      losses.push_back(scale * sum);
    }
    c.loss = mean_of(losses);
    c.loss_of_mean = c.law_loss = 0;
    for (Index k = 0; k < y.size(); ++k) {
      const Index at = first + k;
      *c.loss_of_mean += scale * std::pow(s_.measured.mean(t, at) - y.data()[k], 2);
      *c.law_loss += scale * (std::pow(s_.law.mean(t, at) - y.data()[k], 2) + s_.law.variance(t, at));
    }
  }

  const EnsembleStudy& s_;
  std::vector<double> start_;  // variances
  double narrowest_;
};

// Errors of variances take fourth powers.
void require_finite_moments(const EnsembleMoments& m) {
  for (const Matrix<double>* values : {&m.mean, &m.mean_error, &m.variance, &m.variance_error})
    if (!std::all_of(values->begin(), values->end(), [](double v) { return std::isfinite(v); }))
      throw UserError("statistics of the outputs overflow: smaller targets or scales are needed");
}

void require_study(const EnsembleStudyPlan& plan) {
  if (plan.ensemble.networks < 2)
    throw UserError("an ensemble of " + std::to_string(plan.ensemble.networks) +
                    " networks was asked for, and statistics need at least two");
  if (plan.ensemble.descent.objective != "mean_square")
    throw UserError("the objective is " + plan.ensemble.descent.objective +
                    ", and outputs are Gaussian at infinite width on mean_square only");
  data::validate(plan.data);
  data::check_finite(plan.test);
  const bool fits = plan.test.x.shape(0) == 0 || plan.test.x.shape(1) == plan.data.x.shape(1);
  if (!fits)
    throw UserError("the test inputs have " + std::to_string(plan.test.x.shape(1)) +
                    " columns, and those of training " + std::to_string(plan.data.x.shape(1)) +
                    "; as many are needed");
  if (plan.test.y.size() > 0 && shape_of(plan.test.y) != Shape{plan.test.x.shape(0), plan.data.y.shape(1)})
    throw UserError("the test targets are " + to_string(shape_of(plan.test.y)) + ", and " +
                    to_string(Shape{plan.test.x.shape(0), plan.data.y.shape(1)}) + " are needed");
  // The law: kernels, their factors and what is made of them; train_ensemble asks for the rest.
  const double n = static_cast<double>(plan.data.x.shape(0)), m = static_cast<double>(plan.test.x.shape(0));
  run::require_memory(sizeof(double) * (10 * n * n + 8 * m * n + 4 * m * m),
                      "limit kernels of " + significant(n + m, 9) + " examples");
}

}  // namespace

EnsembleStudy run_ensemble_study(const EnsembleStudyPlan& plan,
                                 const std::function<void(std::uint64_t)>& progress) {
  require_study(plan);
  EnsembleStudy study;
  study.critical_rate = critical_rate_of(plan);
  set_study_rate(plan, study);
  set_study_steps(plan, study);
  const double momentum = plan.ensemble.descent.momentum;
  std::vector<Moment> moments_of_law = {Moment::descent(0, study.rate, momentum)};
  for (const Index k : study.steps) moments_of_law.push_back(Moment::descent(k, study.rate, momentum));
  const EnsembleLaw law = ensemble_law(plan.ensemble.architecture, plan.data, plan.test.x, moments_of_law);
  study.law = after_start(law);

  EnsemblePlan ensemble = plan.ensemble;
  ensemble.descent.rate = study.rate;
  ensemble.steps = study.steps;
  study.outputs = train_ensemble(ensemble, plan.data, with_test_rows(plan), progress);
  study.measured = moments(study.outputs);
  require_finite_moments(study.measured);
  study.quantiles = quantiles(study.outputs, plan.quantiles);
  study.quantile_errors = quantile_errors(study.outputs, plan.quantiles);
  study.z = z_scores(study.measured, study.law.mean, study.law.variance);

  const Comparer compare(study, {row(law.variance, 0), row(law.variance, 0) + law.variance.shape(1)},
                         narrowest(ensemble.precision));
  const Index on_train = plan.data.y.size(), outputs = plan.data.y.shape(1);
  for (Index t = 0; t < study.steps.size(); ++t) {
    study.train.push_back(compare.at(t, 0, on_train, plan.data.y));
    if (plan.test.x.shape(0) > 0)
      study.test.push_back(compare.at(t, on_train, plan.test.x.shape(0) * outputs, plan.test.y));
  }
  return study;
}

}  // namespace ntape::study
