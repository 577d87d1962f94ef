#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/study/ensemble_law.hpp>
#include <ntape/study/figure_2.hpp>
#include <ntape/study/figure_parts.hpp>

namespace ntape::study {
namespace {

Architecture architecture_of(const Figure2Plan& plan, Index width) {
  return {.widths = equal_widths(2, width, 1, plan.depth), .activation = "relu", .bias_scale = 0.1};
}

void require_plan(const Figure2Plan& plan) {
  if (plan.widths.empty()) throw UserError("figure 2 needs at least one width");
  if (plan.shown < 2 || plan.networks < plan.shown)
    throw UserError("figure 2 is asked for with " + std::to_string(plan.shown) +
                    " networks in the picture of " + std::to_string(plan.networks) +
                    "; at least 2 are needed, and not more in the picture than there are");
  if (plan.points.empty() || plan.points.size() != plan.targets.size())
    throw InternalError("figure 2 with another number of points than of targets");
  detail::require_angles(plan.angles, "figure 2");
}

// The limit at z, after as many steps and at infinite time.
void predict(const Figure2Plan& plan, const data::Dataset<double>& data, const Matrix<double>& z,
             Figure2Result& result) {
  const EnsembleLaw law = ensemble_law(
      architecture_of(plan, 1), data, z,
      {Moment::descent(plan.steps, plan.rate), Moment::flow(std::numeric_limits<double>::infinity())});
  result.rates = law.rates;
  const auto take = [&](Index t, std::vector<double>& mean, std::vector<double>& deviation) {
    for (Index k = data.x.shape(0); k < law.mean.shape(1); ++k) {
      mean.push_back(law.mean(t, k));
      deviation.push_back(std::sqrt(law.variance(t, k)));
    }
  };
  take(0, result.mean, result.deviation);
  take(1, result.end_mean, result.end_deviation);
}

}  // namespace

std::uint64_t total_work(const Figure2Plan& plan) {
  std::uint64_t work = 0;
  for (const Index width : plan.widths)
    work += plan.networks * architecture_of(plan, width).parameter_count();
  return work;
}

Figure2Result run_figure_2(const Figure2Plan& plan, const std::function<void(std::uint64_t)>& progress) {
  require_plan(plan);
  Figure2Result result;
  result.angles = detail::around_the_circle(plan.angles);
  std::vector<double> where = result.angles;
  where.insert(where.end(), plan.probes.begin(), plan.probes.end());
  const Matrix<double> z = detail::on_the_circle(where);
  data::Dataset<double> data{detail::on_the_circle(plan.points), make_matrix<double>(plan.points.size(), 1),
                             "four points", ""};
  std::copy(plan.targets.begin(), plan.targets.end(), data.y.begin());
  predict(plan, data, z, result);
  for (const Index width : plan.widths) {
    EnsemblePlan ensemble;
    ensemble.architecture = architecture_of(plan, width);
    ensemble.networks = plan.networks;
    ensemble.first_seed = plan.first_seed;
    ensemble.descent.rate = plan.rate;
    ensemble.steps = {plan.steps};
    ensemble.precision = plan.precision;
    const std::uint64_t work = ensemble.architecture.parameter_count();
    result.ensembles.push_back(train_ensemble(ensemble, data, z, [&](std::uint64_t done) {
      if (progress) progress(done * work);
    }));
  }
  return result;
}

}  // namespace ntape::study
