#include <algorithm>
#include <cmath>
#include <ntape/data/synthetic.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/study/figure_1.hpp>
#include <ntape/study/figure_parts.hpp>
#include <ntape/study/networks.hpp>
#include <ntape/study/spread.hpp>

namespace ntape::study {
namespace {

Architecture architecture_of(const Figure1Plan& plan, Index width) {
  return {.widths = equal_widths(2, width, 1, plan.depth), .activation = "relu", .bias_scale = 0.1};
}

void require_plan(const Figure1Plan& plan) {
  if (plan.widths.empty() || plan.seeds == 0)
    throw UserError("figure 1 needs at least one width and one seed");
  detail::require_angles(plan.angles, "figure 1");
  detail::require_seeds(plan.first_seed, plan.seeds, "figure 1");
  const Architecture widest =
      architecture_of(plan, *std::max_element(plan.widths.begin(), plan.widths.end()));
  run::require_memory(training_bytes(widest, plan.examples, plan.precision == Precision::f32 ? 4 : 8, 1),
                      "networks of width " + std::to_string(widest.widths[1]));
}

// Trains one network with the rate halved so often: its curve at the end, empty when it diverged.
template <class Real>
std::vector<double> train(const Figure1Plan& plan, const data::Dataset<Real>& data, const Matrix<Real>& one,
                          const Matrix<Real>& circle, int halved, const ProgressSink& progress,
                          Figure1Result::Network& network) {
  const Mlp<Real> model(architecture_of(plan, network.width));
  Parameters<Real> theta = model.initialize(Seed{network.seed});
  const auto curve = [&] {
    const Kernel<Real> kernel = empirical_ntk(model, theta, one, circle, KernelForm::trace);
    return std::vector<double>(kernel.values.begin(), kernel.values.end());
  };
  const bool drawn = halved == halvings(plan, network.width);
  if (drawn) network.start = curve();
  const std::uint64_t work = model.architecture().parameter_count();
  const Index steps = plan.steps << halved;
  Index told = 0;
  Watch<Real> watch([&](const TrainingState<Real>& state) {
    if (state.step > 0 && progress) progress(work);
    told = state.step;
    if (drawn && (state.step == 0 || state.step == steps)) {
      const Jacobian<Real>& j = state.jacobian();
      const double lambda = detail::largest_eigenvalue(kernel_of(j, j, theta, KernelForm::trace).kernel);
      (state.step == 0 ? network.start_lambda : network.end_lambda) = lambda;
    }
    return true;
  });
  const DescentResult descent =
      gradient_descent(model, theta, data, {.rate = std::ldexp(plan.rate, -halved), .steps = steps}, watch);
  if (progress && told < steps) progress(work * (steps - told));
  if (!descent.diverged) return curve();
  if (drawn)
    network.diverged = "width " + std::to_string(network.width) + ", seed " + std::to_string(network.seed) +
                       ": " + descent.message;
  return {};
}

template <class Real>
void train_all(const Figure1Plan& plan, const ProgressSink& progress, Figure1Result& result) {
  const auto data = data::cast<Real>(
      data::gaussian_product<double>({.examples = plan.examples, .seed = Seed{plan.data_seed}}));
  const Matrix<Real> one = detail::rounded<Real>(detail::on_the_circle({0})),
                     circle = detail::rounded<Real>(detail::on_the_circle(result.angles));
  for (Index w = 0; w < plan.widths.size(); ++w) {
    const auto parameters = static_cast<double>(architecture_of(plan, plan.widths[w]).parameter_count());
    spread(plan.seeds, networks_at_once(plan.seeds, parameters), [&](Index s) {
      auto& network = result.networks[w * plan.seeds + s];
      const auto at = [&](int halved) {
        return train<Real>(plan, data, one, circle, halved, progress, network);
      };
      const int own = halvings(plan, network.width);
      network.end = at(own);
      if (network.width > plan.check_width) return;
      network.halved = at(own + 1);
      if (own > 0) network.coarse = at(0);
    });
  }
}

}  // namespace

int halvings(const Figure1Plan& plan, Index width) {
  int k = 0;
  while (width << k < plan.full_rate_width) ++k;
  return k;
}

double rate_of(const Figure1Plan& plan, Index width) {
  return std::ldexp(plan.rate, -halvings(plan, width));
}

std::uint64_t total_work(const Figure1Plan& plan) {
  std::uint64_t work = 0;
  for (const Index width : plan.widths) {
    const std::uint64_t own = std::uint64_t{1} << halvings(plan, width);
    const std::uint64_t trainings = width > plan.check_width ? own : 3 * own + (own > 1 ? 1 : 0);
    work += plan.seeds * plan.steps * architecture_of(plan, width).parameter_count() * trainings;
  }
  return work;
}

Figure1Result run_figure_1(const Figure1Plan& plan, const ProgressSink& progress) {
  require_plan(plan);
  Figure1Result result;
  result.angles = detail::around_the_circle(plan.angles);
  const LimitKernels limit = limit_kernels(architecture_of(plan, plan.widths.front()),
                                           detail::on_the_circle({0}), detail::on_the_circle(result.angles));
  result.limit.assign(limit.ntk.values.begin(), limit.ntk.values.end());
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s)
      result.networks.push_back({.width = width, .seed = plan.first_seed + s});
  if (plan.precision == Precision::f32)
    train_all<float>(plan, progress, result);
  else
    train_all<double>(plan, progress, result);
  return result;
}

}  // namespace ntape::study
