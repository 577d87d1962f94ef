#include <algorithm>
#include <ntape/kernel/operator.hpp>
#include <ntape/study/drift_memory.hpp>

namespace ntape::study {
namespace {

double bytes_of(const Architecture& a, const DriftPlan& plan, double examples, double real) {
  double parameters = 0, units = 0;
  for (Index l = 0; l + 1 < a.widths.size(); ++l) {
    const double in = static_cast<double>(a.widths[l]), out = static_cast<double>(a.widths[l + 1]);
    parameters += (in + 1) * out;
    units += out;
  }
  const double outputs = static_cast<double>(a.widths.back());
  const double full = examples * outputs, test = static_cast<double>(plan.test.x.shape(0));
  // theta, theta_0, gradient; outputs of ops with one cotangent, and C more for the Jacobian; kernel and
  // shares; the frozen kernel in double, with its eigenvectors. With momentum a velocity; on test inputs the
  // values of ops, and the frozen and the limit kernel towards them; with a certificate J^T u, tangents and
  // cotangents.
  // With several outputs a block of examples once more, for products with the full kernel: values,
  // cotangents, tangents, and parameters as what is pulled and pushed.
  const double block =
      outputs > 1 ? std::min(examples, static_cast<double>(KernelOperator<double>::kBlock)) : 0;
  const double kinds = 3 + (plan.momentum > 0 ? 1 : 0) + (plan.certificate ? 2 : 0) + (outputs > 1 ? 1 : 0);
  return real * (kinds * parameters + examples * units * ((plan.certificate ? 4 : 2) + outputs) +
                 (test + 3 * block) * units + examples * examples * static_cast<double>(a.depth() + 1)) +
         sizeof(double) * (full * (2 * full + test * outputs) + test * examples);
}

}  // namespace

double least_memory(const DriftPlan& plan, Index examples, int threads) {
  const double real = plan.precision == Precision::f32 ? sizeof(float) : sizeof(double);
  std::vector<double> networks;
  for (const Architecture& a : plan.architectures)
    networks.push_back(bytes_of(a, plan, static_cast<double>(examples), real));
  std::sort(networks.rbegin(), networks.rend());
  const double seeds = static_cast<double>(plan.seeds), jobs = seeds * static_cast<double>(networks.size());
  // The data in the precision of the networks, and the limit with its eigenvectors, which all share.
  const double inputs =
      plan.architectures.empty() ? 0 : static_cast<double>(plan.architectures.front().widths.front());
  // Fewer networks than threads train one after another.
  double places = jobs < threads ? 1 : threads;
  const double n = static_cast<double>(examples), test = static_cast<double>(plan.test.x.shape(0));
  double bytes = real * n * inputs + sizeof(double) * n * (2 * n + test);
  for (const double network : networks) {
    bytes += std::min(seeds, places) * network;
    places -= std::min(seeds, places);
  }
  return bytes;
}

double parameter_count(double inputs, double width, double outputs, double depth) {
  if (depth < 2) return (inputs + 1) * outputs;
  return (inputs + 1) * width + (depth - 2) * (width + 1) * width + (width + 1) * outputs;
}

}  // namespace ntape::study
