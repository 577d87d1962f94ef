#include <algorithm>
#include <cmath>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/figure_3.hpp>
#include <ntape/study/figure_parts.hpp>
#include <ntape/study/networks.hpp>
#include <ntape/study/spread.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::study {
namespace {

using Network = Figure3Result::Network;

Architecture architecture_of(const Figure3Plan& plan, Index inputs, Index width) {
  return {.widths = equal_widths(inputs, width, 1, plan.depth), .activation = "relu", .bias_scale = 0.1};
}

void require_plan(const Figure3Plan& plan, const data::Dataset<double>& data) {
  if (plan.widths.empty() || plan.seeds == 0)
    throw UserError("figure 3 is given " + std::to_string(plan.widths.size()) + " widths and " +
                    std::to_string(plan.seeds) + " trials, and at least one of each is needed");
  detail::require_seeds(plan.first_seed, plan.seeds, "figure 3");
  if (data.x.shape(0) < 4)
    throw UserError("figure 3 needs at least 4 examples for three components, given " +
                    std::to_string(data.x.shape(0)));
  if (!(std::isfinite(plan.time) && plan.time > 0))
    throw UserError("figure 3 is asked for up to time " + run::significant(plan.time, 6) +
                    ", and a positive, finite one is needed");
  if (plan.rate && !(std::isfinite(*plan.rate) && *plan.rate > 0))
    throw UserError("the rate of figure 3 is " + run::significant(*plan.rate, 6) +
                    ", and a positive, finite one is needed");
  const Index widest = *std::max_element(plan.widths.begin(), plan.widths.end());
  const Index bytes = plan.precision == Precision::f32 ? 4 : 8;
  run::require_memory(
      training_bytes(architecture_of(plan, data.x.shape(1), widest), data.x.shape(0), bytes, 1),
      "networks of width " + std::to_string(widest));
}

template <class Real>
double first_lambda(const Architecture& architecture, std::uint64_t seed, const Matrix<Real>& x) {
  const Mlp<Real> model(architecture);
  const Parameters<Real> theta = model.initialize(Seed{seed});
  const double lambda = detail::largest_eigenvalue(empirical_ntk(model, theta, x, KernelForm::trace));
  if (!(std::isfinite(lambda) && lambda > 0))
    throw UserError("the kernel of the network of width " + std::to_string(architecture.widths[1]) +
                    ", seed " + std::to_string(seed) + ", has no positive eigenvalue on these data");
  return lambda;
}

// The three components, in the way their signs are told: the largest entry is positive.
void find_components(const Figure3Plan& plan, const data::Dataset<double>& data, Figure3Result& result) {
  const Index examples = data.x.shape(0);
  const double n = static_cast<double>(examples);
  const auto limit = limit_kernels(architecture_of(plan, data.x.shape(1), plan.widths.front()), data.x);
  double squares = 0;
  for (const double bound : limit.ntk_bound) squares += bound * bound;
  result.limit_bound = std::sqrt(squares) / n;
  const linalg::Eigen eigen = linalg::symmetric_eigen(limit.ntk.values);
  result.components = make_matrix<double>(3, examples);
  for (Index k = 0; k < 3; ++k) {
    const Index at = examples - 1 - k;
    result.eigenvalues.push_back(eigen.values[at] / n);
    const double* v = row(eigen.vectors, at);
    const double largest =
        *std::max_element(v, v + examples, [](double a, double b) { return std::abs(a) < std::abs(b); });
    const double scale = (largest < 0 ? -1 : 1) * std::sqrt(n);
    for (Index i = 0; i < examples; ++i) result.components(k, i) = scale * v[i];
  }
}

// f_t - f* split along f^(2) and the rest.
template <class Real>
void add_point(const Matrix<Real>& outputs, const std::vector<double>& goal, const double* f2, double time,
               Path& path) {
  const Index examples = goal.size();
  double along = 0, across = 0;
  for (Index i = 0; i < examples; ++i)
    along += (static_cast<double>(outputs(i, 0)) - goal[i]) * f2[i] / static_cast<double>(examples);
  for (Index i = 0; i < examples; ++i) {
    const double rest = static_cast<double>(outputs(i, 0)) - goal[i] - along * f2[i];
    across += rest * rest / static_cast<double>(examples);
  }
  path.time.push_back(time);
  path.along.push_back(std::abs(along));
  path.across.push_back(std::sqrt(across));
}

// Trains one network with `halvings` of its rate; lambda_max at the end, or 0 when it diverged.
template <class Real>
double train(const Figure3Plan& plan, const Matrix<Real>& x, const double* f2, Index halvings,
             Network& network, Path& path, const ProgressSink& progress) {
  const Mlp<Real> model(architecture_of(plan, x.shape(1), network.width));
  Parameters<Real> theta = model.initialize(Seed{network.seed});
  data::Dataset<Real> data{x, evaluate(model, theta, x), "", ""};
  std::vector<double> goal;
  for (Index i = 0; i < x.shape(0); ++i) {
    goal.push_back(static_cast<double>(data.y(i, 0)) + kComponent * f2[i]);
    data.y(i, 0) = static_cast<Real>(goal.back());
  }
  const Index steps = network.steps << halvings;
  path.rate = network.rate / static_cast<double>(Index{1} << halvings);
  const std::uint64_t work = model.architecture().parameter_count();
  Index told = 0;
  double lambda = 0;
  Watch<Real> watch([&](const TrainingState<Real>& state) {
    if (state.step > 0 && progress) progress(work);
    told = state.step;
    add_point(state.outputs, goal, f2, state.time, path);
    if (state.step == steps && halvings == 0) {
      const Jacobian<Real>& j = state.jacobian();
      lambda = detail::largest_eigenvalue(kernel_of(j, j, theta, KernelForm::trace).kernel);
    }
    return true;
  });
  const DescentResult descent =
      gradient_descent(model, theta, data, {.rate = path.rate, .steps = steps}, watch);
  if (progress && told < steps) progress(work * (steps - told));
  if (descent.diverged)
    network.diverged = "width " + std::to_string(network.width) + ", seed " + std::to_string(network.seed) +
                       ": " + descent.message;
  return lambda;
}

// Every step is kept: three numbers of it.
Index steps_to(double time, double rate) {
  constexpr double kMost = 1e8;
  const double steps = std::ceil(time / rate);
  if (!(steps <= kMost))
    throw UserError("time " + run::significant(time, 6) + " takes " + run::significant(steps, 3) +
                    " steps of rate " + run::significant(rate, 3) + ", and at most " +
                    run::significant(kMost, 1) + " can be made; ask for an earlier time or a larger rate");
  return std::max(Index{1}, static_cast<Index>(steps));
}

template <class Real>
void prepare_networks(const Figure3Plan& plan, const data::Dataset<double>& data, Figure3Result& result) {
  const auto x = detail::rounded<Real>(data.x);
  for (Index w = 0; w < plan.widths.size(); ++w) {
    const Architecture architecture = architecture_of(plan, x.shape(1), plan.widths[w]);
    spread(plan.seeds, networks_at_once(plan.seeds, static_cast<double>(architecture.parameter_count())),
           [&](Index s) {
             Network& network = result.networks[w * plan.seeds + s];
             network.start_lambda = first_lambda(architecture, network.seed, x);
             const double most = plan.rate.value_or(stable_share(network.width) * 2 / network.start_lambda);
             network.steps = steps_to(plan.time, most);
             network.rate = plan.time / static_cast<double>(network.steps);
           });
  }
}

template <class Real>
void train_all(const Figure3Plan& plan, const data::Dataset<double>& data, const ProgressSink& progress,
               Figure3Result& result) {
  const auto x = detail::rounded<Real>(data.x);
  const double* f2 = row(result.components, 1);
  // The widest first: what is left to do is then known best.
  for (Index w = plan.widths.size(); w-- > 0;) {
    const Index width = plan.widths[w];
    const auto parameters = static_cast<double>(architecture_of(plan, x.shape(1), width).parameter_count());
    const Index runs = width <= plan.check_width ? 2 : 1;
    spread(plan.seeds, networks_at_once(plan.seeds, parameters), [&](Index s) {
      Network& network = result.networks[w * plan.seeds + s];
      network.end_lambda = train<Real>(plan, x, f2, 0, network, network.path, progress);
      if (runs == 2) (void)train<Real>(plan, x, f2, 1, network, network.halved, progress);
    });
  }
}

}  // namespace

double stable_share(Index width) {
  return width <= 1000 ? 0.1 : 0.45;
}

Figure3Result prepare_figure_3(const Figure3Plan& plan, const data::Dataset<double>& data) {
  require_plan(plan, data);
  Figure3Result result;
  result.examples = data.x.shape(0);
  result.inputs = data.x.shape(1);
  find_components(plan, data, result);
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s) {
      Network network;
      network.width = width;
      network.seed = plan.first_seed + s;
      result.networks.push_back(std::move(network));
    }
  if (plan.precision == Precision::f32)
    prepare_networks<float>(plan, data, result);
  else
    prepare_networks<double>(plan, data, result);
  return result;
}

double total_flops(const Figure3Plan& plan, const Figure3Result& prepared) {
  return 6 * static_cast<double>(prepared.examples) * static_cast<double>(total_work(plan, prepared));
}

std::uint64_t total_work(const Figure3Plan& plan, const Figure3Result& prepared) {
  std::uint64_t work = 0;
  for (const Network& n : prepared.networks)
    work += architecture_of(plan, prepared.inputs, n.width).parameter_count() * n.steps *
            (n.width <= plan.check_width ? 3 : 1);
  return work;
}

Figure3Result run_figure_3(const Figure3Plan& plan, const data::Dataset<double>& data, Figure3Result prepared,
                           const ProgressSink& progress) {
  Figure3Result result = std::move(prepared);
  if (plan.precision == Precision::f32)
    train_all<float>(plan, data, progress, result);
  else
    train_all<double>(plan, data, progress, result);
  return result;
}

}  // namespace ntape::study
