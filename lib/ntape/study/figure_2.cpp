#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/ensemble.hpp>
#include <ntape/limit/recursion.hpp>
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

void predict(const Figure2Plan& plan, const Matrix<double>& x, const Matrix<double>& y,
             const Matrix<double>& z, Figure2Result& result) {
  const Architecture a = architecture_of(plan, 1);
  const LimitKernels train = limit_kernels(a, x), cross = limit_kernels(a, z, x), there = limit_kernels(a, z);
  const EnsemblePrediction prediction(train.ntk.values, train.nngp.values, y);
  for (const double lambda : prediction.mean().eigenvalues())
    result.rates.push_back(lambda / static_cast<double>(x.shape(0)));
  const EnsembleElsewhere elsewhere =
      prediction.elsewhere(cross.ntk.values, cross.nngp.values, there.nngp.values);
  const auto keep = [&](const Moment& moment, std::vector<double>& mean, std::vector<double>& deviation) {
    const Gaussian at = elsewhere.at(moment);
    const Matrix<double> sd = at.deviations();
    mean.assign(at.mean.begin(), at.mean.end());
    deviation.assign(sd.begin(), sd.end());
  };
  keep(Moment::descent(plan.steps, plan.rate), result.mean, result.deviation);
  keep(Moment::flow(std::numeric_limits<double>::infinity()), result.end_mean, result.end_deviation);
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
  predict(plan, data.x, data.y, z, result);
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
