#include "predict_result.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/convex.hpp>
#include <ntape/dynamics/regression.hpp>
#include <ntape/run/table.hpp>

#include "overflow.hpp"
#include "rate_option.hpp"

namespace ntape::tools {
namespace {

using run::significant;

class Predictor {
 public:
  Predictor(const PredictOptions& o, const PredictProblem& p)
      : o_(o), p_(p), objective_(objective<double>(o.objective)) {}

  PredictResult run() {
    result_.warnings = p_.warnings;
    if (o_.on_mean_square())
      o_.ensemble ? ensemble() : frozen();
    else
      solved();
    if (o_.ridge) result_.ridge = regression(p_.ntk, p_.there ? &p_.there->ntk : nullptr);
    if (o_.nngp) posterior();
    return std::move(result_);
  }

 private:
  Predicted on_train(Matrix<double> f) const {
    const double loss = objective_->value(f, p_.y);
    return {std::move(f), loss, {}, {}};
  }
  Predicted elsewhere(Matrix<double> f) const {
    std::optional<double> loss;
    if (p_.there->y) loss = objective_->value(f, *p_.there->y);
    return {std::move(f), loss, {}, {}};
  }
  void add_spread(Predicted& to, Gaussian& g, const std::string& where) {
    to.sd = g.deviations();
    if (!g.is_sound())
      result_.warnings.push_back("a variance of outputs " + where + " is " +
                                 significant(g.least_variance, 3) + ", which rounding (" +
                                 significant(g.rounding, 3) +
                                 ") does not explain: the kernels do not belong together, or are too coarse");
    if (o_.covariance) to.covariance = std::move(g.covariance);
  }
  void add_report(const SolveReport& report, const std::string& of) {
    if (const auto text = warning(report)) result_.warnings.push_back(of + ": " + *text);
  }

  // An eigenvalue that is off by the null level is off by 1% of its effect at a hundredth of late().
  void add_late(const SolveReport& report, Index examples) {
    const double late = static_cast<double>(examples) / report.null_level, doubtful = late / 100;
    const bool beyond =
        std::any_of(result_.moments.begin(), result_.moments.end(), [&](const PredictedMoment& m) {
          return std::isfinite(m.time) && m.time / (1 - o_.momentum) > doubtful;
        });
    if (report.leaves_out() && beyond)
      result_.warnings.push_back(
          "from time " + significant(doubtful, 3) + " on modes with eigenvalues up to " +
          significant(report.null_level, 3) +
          ", which the kernel does not tell from zero, are off by more than 1% of their "
          "part in the residual; from " +
          significant(late, 3) + " on they are left out");
  }

  // Gradient flow, or descent at a rate below the critical one, (1 + m) 2 N / lambda_max.
  std::vector<Moment> moments(const LazyPrediction& lazy) {
    std::vector<Moment> list;
    if (o_.steps.empty()) {
      for (const double t : times_of(o_)) list.push_back(Moment::flow(t));
      for (const Moment& m : list) result_.moments.push_back({m.time(), {}, {}, {}});
      return list;
    }
    const double top = lazy.eigenvalues().back();
    const Rate rate = rate_of(o_.rate);
    // Under a kernel of zeros any rate does, and nothing moves, as along the flow.
    if (!(top > 0) && !rate.number)
      throw UserError(
          "the kernel on these inputs is zero, so that its critical rate is infinite and has no multiples: a "
          "--rate that is a number is needed, and nothing can be trained with any");
    result_.critical_rate =
        top > 0 ? critical_rate(top, lazy.examples(), o_.momentum) : std::numeric_limits<double>::infinity();
    result_.rate = rate.number.value_or(rate.multiple.value_or(.25) * *result_.critical_rate);
    if (*result_.rate >= *result_.critical_rate)
      throw UserError("the rate " + significant(*result_.rate, 6) + " is not below the critical rate " +
                      significant(*result_.critical_rate, 6) + " of this kernel" +
                      (o_.momentum > 0 ? " and momentum" : "") +
                      ", so training would diverge; give a smaller --rate");
    std::vector<Index> steps = o_.steps;
    std::sort(steps.begin(), steps.end());
    for (const Index k : steps) {
      list.push_back(Moment::descent(k, *result_.rate, o_.momentum));
      result_.moments.push_back({list.back().time(), k, {}, {}});
    }
    return list;
  }

  // What null modes have done to other inputs, where it is a thousandth of the residual or more.
  void add_roughly_known(const LazyPrediction& lazy, const LazyElsewhere& there,
                         const std::vector<Moment>& list) {
    constexpr double kMuch = 1e-3;
    double most = 0, when = 0;
    for (const Moment& m : list)
      if (const double moved = there.moved_by_null_modes(m); moved > most) {
        most = moved;
        when = m.time();
      }
    const double residual = frobenius_norm(lazy.residual()) / std::sqrt(static_cast<double>(lazy.examples()));
    if (most > kMuch * residual)
      result_.warnings.push_back(
          "outputs to test on have moved by up to " + significant(most, 3) + " at time " +
          significant(when, 3) + " by modes with eigenvalues up to " +
          significant(lazy.report().null_level, 3) +
          ", which the kernel does not tell from zero: that part is known roughly, and "
          "where examples repeat or nearly do it may be rounding");
  }

  void questions(const LazyPrediction& lazy, const LazyElsewhere* there, const std::vector<Moment>& list) {
    result_.report = lazy.report();
    add_report(lazy.report(), "training to the end");
    add_late(lazy.report(), lazy.examples());
    if (there != nullptr) add_roughly_known(lazy, *there, list);
    if (o_.components > 0) {
      result_.components = leading_components(lazy, o_.components);
      result_.component_residuals = residual_components(lazy, list, o_.components);
    }
  }

  void frozen() {
    const LazyPrediction lazy(p_.ntk, p_.f0, p_.y, p_.precision);
    require_semidefinite(lazy.report());
    std::optional<LazyElsewhere> there;
    if (p_.there) there = lazy.elsewhere(p_.there->ntk, p_.there->f0);
    const std::vector<Moment> list = moments(lazy);
    for (Index k = 0; k < list.size(); ++k) {
      result_.moments[k].train = on_train(lazy.at(list[k]));
      if (there) result_.moments[k].test = elsewhere(there->at(list[k]));
    }
    questions(lazy, there ? &*there : nullptr, list);
    if (o_.early_stopping) result_.stopping = early_stopping(*there, *p_.there->y);
  }

  void ensemble() {
    const EnsemblePrediction all(p_.ntk, p_.nngp, p_.y);
    require_semidefinite(all.mean().report());
    std::optional<EnsembleElsewhere> there;
    if (p_.there) there = all.elsewhere(p_.there->ntk, p_.there->nngp, p_.there->nngp_there);
    const std::vector<Moment> list = moments(all.mean());
    for (Index k = 0; k < list.size(); ++k) {
      Gaussian g = all.at(list[k]);
      PredictedMoment& now = result_.moments[k];
      now.train = on_train(g.mean);
      add_spread(now.train, g, "on the training set");
      if (!there) continue;
      Gaussian t = there->at(list[k]);
      now.test = elsewhere(t.mean);
      add_spread(*now.test, t, "to test on");
    }
    questions(all.mean(), there ? &there->mean() : nullptr, list);
    if (o_.early_stopping) result_.stopping = early_stopping(*there, *p_.there->y);
  }

  void solved() {
    const std::vector<double> times = times_of(o_);
    const KernelFactor factor(p_.ntk, p_.precision);
    result_.report = factor.report(0);
    require_semidefinite(*result_.report);
    add_report(*result_.report, "the kernel");
    const FlowCoefficients flow = flow_coefficients(
        factor, p_.ntk, p_.f0, p_.y, times,
        {.objective = o_.objective, .tolerance = o_.tolerance, .most_steps = o_.solver_steps});
    result_.solver_steps = flow.steps;
    for (Index k = 0; k < times.size(); ++k) {
      PredictedMoment now{times[k], {}, on_train(outputs_of(p_.ntk, flow.at[k], p_.f0)), {}};
      if (p_.there) now.test = elsewhere(outputs_of(p_.there->ntk, flow.at[k], p_.there->f0));
      result_.moments.push_back(std::move(now));
    }
    add_late(*result_.report, p_.y.shape(0));
  }

  // Along an eigenvector of negative eigenvalue the objective grows, faster and faster; and to leave out what
  // is below that size would leave out most of a kernel.
  static void require_semidefinite(const SolveReport& report) {
    if (is_indefinite(report))
      throw UserError("the kernel has the eigenvalue " + significant(report.lambda_min, 3) + " beside " +
                      significant(report.lambda_max, 3) +
                      ", and one that is positive semidefinite is needed: no network has another");
  }

  PredictedRegression regression(const Matrix<double>& kernel, const Matrix<double>* across) {
    const KernelRegression solved(kernel, p_.y, *o_.ridge, p_.precision);
    add_report(solved.report(), "kernel regression");
    PredictedRegression r{solved.report(), on_train(solved.mean(kernel)), {}};
    if (across != nullptr) r.test = elsewhere(solved.mean(*across));
    return r;
  }

  void posterior() {
    const KernelRegression solved(p_.nngp, p_.y, o_.ridge.value_or(0));
    add_report(solved.report(), "the posterior of the NNGP");
    Gaussian train = solved.posterior(p_.nngp, p_.nngp);
    PredictedRegression r{solved.report(), on_train(train.mean), {}};
    add_spread(r.train, train, "of the posterior on the training set");
    if (p_.there) {
      Gaussian test = solved.posterior(p_.there->nngp, p_.there->nngp_there);
      r.test = elsewhere(test.mean);
      add_spread(*r.test, test, "of the posterior");
    }
    result_.nngp = std::move(r);
  }

  const PredictOptions& o_;
  const PredictProblem& p_;
  ObjectivePtr<double> objective_;
  PredictResult result_;
};

}  // namespace

namespace {

void require_finite(const Predicted& p, const std::string& where) {
  const bool finite = all_finite(p.outputs) && std::isfinite(p.loss.value_or(0)) &&
                      (!p.sd || all_finite(*p.sd)) && (!p.covariance || all_finite(*p.covariance));
  if (!finite) throw overflow("prediction " + where, ", or a larger ridge");
}

void require_finite(const SolveReport& r, const std::string& of) {
  if (!(std::isfinite(r.backward_error) && std::isfinite(r.effective_rank)))
    throw overflow("backward error of " + of, ", or a larger ridge");
}

void require_finite(const PredictedRegression& r, const std::string& of) {
  require_finite(r.train, "of " + of + " on the training set");
  if (r.test) require_finite(*r.test, "of " + of + " to test on");
  require_finite(r.report, of);
}

}  // namespace

PredictResult predict(const PredictOptions& o, const PredictProblem& p) {
  PredictResult result = Predictor(o, p).run();
  for (const PredictedMoment& m : result.moments) {
    const std::string when = "at time " + significant(m.time, 6);
    require_finite(m.train, when + " on the training set");
    if (m.test) require_finite(*m.test, when + " to test on");
  }
  if (result.report) require_finite(*result.report, "training to the end");
  if (result.ridge) require_finite(*result.ridge, "kernel regression");
  if (result.nngp) require_finite(*result.nngp, "the posterior of the NNGP");
  return result;
}

}  // namespace ntape::tools
