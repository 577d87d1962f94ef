#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/study/figure_parts.hpp>
#include <ntape/study/figure_spectrum.hpp>
#include <ntape/study/networks.hpp>
#include <ntape/study/spread.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::study {
namespace {

Architecture architecture_of(const FigureSpectrumPlan& plan, Index inputs, Index width) {
  return {.widths = equal_widths(inputs, width, 1, plan.depth),
          .activation = plan.activation,
          .bias_scale = plan.bias_scale};
}

Index at_once(const FigureSpectrumPlan& plan, const Architecture& architecture) {
  return networks_at_once(plan.seeds, static_cast<double>(architecture.parameter_count()));
}

void require_plan(const FigureSpectrumPlan& plan, const data::Dataset<double>& data) {
  if (plan.widths.empty() || plan.seeds == 0)
    throw UserError("figure spectrum needs at least one width and one seed");
  detail::require_seeds(plan.first_seed, plan.seeds, "figure spectrum");
  if (plan.depth < 2) throw UserError("figure spectrum needs depth 2 at least, a hidden layer");
  const Index examples = data.x.shape(0), last = plan.last_rank.value_or(examples);
  if (plan.first_rank == 0 || plan.first_rank >= last || last > examples)
    throw UserError("a power law is asked for over the ranks " + std::to_string(plan.first_rank) + " to " +
                    std::to_string(last) + ", and there are 1 to " + std::to_string(examples));
  const double squares = static_cast<double>(examples) * static_cast<double>(examples);
  for (const Index width : plan.widths) {
    const Architecture architecture = architecture_of(plan, data.x.shape(1), width);
    const Index networks = at_once(plan, architecture);
    // Beside a network: its kernel, those of two layers on the way, and a copy for the eigenvalues.
    run::require_memory(
        training_bytes(architecture, examples, plan.precision == Precision::f32 ? 4 : 8, networks) +
            static_cast<double>(networks) * 4 * squares * sizeof(double),
        "networks of width " + std::to_string(width));
  }
}

// Of Theta / N, descending.
std::vector<double> eigenvalues_of(const Matrix<double>& kernel, const std::string& whose) {
  if (!std::all_of(kernel.begin(), kernel.end(), [](double v) { return std::isfinite(v); }))
    throw UserError("the kernel of " + whose + " overflows on these data: smaller inputs are needed");
  std::vector<double> values = linalg::symmetric_eigenvalues(kernel);
  std::reverse(values.begin(), values.end());
  for (double& v : values) v /= static_cast<double>(kernel.shape(0));
  return values;
}

void find_limit(const FigureSpectrumPlan& plan, const data::Dataset<double>& data,
                FigureSpectrumResult& result) {
  const auto limit = limit_kernels(architecture_of(plan, data.x.shape(1), plan.widths.front()), data.x);
  result.limit = eigenvalues_of(limit.ntk.values, "the limit");
  double squares = 0;
  for (const double bound : limit.ntk_bound) squares += bound * bound;
  result.limit_bound = std::sqrt(squares) / static_cast<double>(result.examples);
  const double rounding = plan.precision == Precision::f32 ? std::numeric_limits<float>::epsilon()
                                                           : std::numeric_limits<double>::epsilon();
  const double least = 100 * (result.limit_bound + rounding * result.limit.front());
  while (result.compared < result.examples && result.limit[result.compared] > least) ++result.compared;
  result.last_rank = plan.last_rank.value_or(std::min(result.examples / 4, result.compared));
  if (result.last_rank > result.compared || result.last_rank <= plan.first_rank)
    throw UserError("a power law is asked for from rank " + std::to_string(plan.first_rank) + " to rank " +
                    std::to_string(result.last_rank) + ", and of " + std::to_string(result.examples) +
                    " eigenvalues " + std::to_string(result.compared) +
                    " are known to a hundredth; other ranks, more examples" +
                    (plan.precision == Precision::f32 ? ", or f64 are needed" : " or others are needed"));
}

std::uint64_t work_of(const Architecture& architecture, Index examples) {
  const std::uint64_t n = examples;
  return n * (6 * architecture.parameter_count() + 2 * n * n);
}

template <class Real>
void find_networks(const FigureSpectrumPlan& plan, const data::Dataset<double>& data,
                   const ProgressSink& progress, FigureSpectrumResult& result) {
  const auto x = detail::rounded<Real>(data.x);
  // The widest first: what is left to do is then known best.
  for (Index w = plan.widths.size(); w-- > 0;) {
    const Architecture architecture = architecture_of(plan, result.inputs, plan.widths[w]);
    const Mlp<Real> model(architecture);
    spread(plan.seeds, at_once(plan, architecture), [&](Index s) {
      auto& network = result.networks[w * plan.seeds + s];
      const Parameters<Real> theta = model.initialize(Seed{network.seed});
      network.eigenvalues =
          eigenvalues_of(cast<double>(empirical_ntk(model, theta, x, KernelForm::trace)).values,
                         "the network of width " + std::to_string(network.width) + ", seed " +
                             std::to_string(network.seed) + ",");
      if (progress) progress(work_of(architecture, result.examples));
    });
  }
}

}  // namespace

std::uint64_t total_work(const FigureSpectrumPlan& plan, const data::Dataset<double>& data) {
  std::uint64_t work = 0;
  for (const Index width : plan.widths)
    work += plan.seeds * work_of(architecture_of(plan, data.x.shape(1), width), data.x.shape(0));
  return work;
}

FigureSpectrumResult run_figure_spectrum(const FigureSpectrumPlan& plan, const data::Dataset<double>& data,
                                         const ProgressSink& progress) {
  require_plan(plan, data);
  FigureSpectrumResult result;
  result.examples = data.x.shape(0);
  result.inputs = data.x.shape(1);
  find_limit(plan, data, result);
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s)
      result.networks.push_back({.width = width, .seed = plan.first_seed + s});
  if (plan.precision == Precision::f32)
    find_networks<float>(plan, data, progress, result);
  else
    find_networks<double>(plan, data, progress, result);
  return result;
}

}  // namespace ntape::study
