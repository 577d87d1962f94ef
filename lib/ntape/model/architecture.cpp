#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/model/architecture.hpp>

namespace ntape {

Index Architecture::parameter_count() const {
  Index count = 0;
  for (Index l = 0; l + 1 < widths.size(); ++l) count += (widths[l] + 1) * widths[l + 1];
  return count;
}

const std::string& Architecture::activation_of(Index l) const {
  return activations.empty() ? activation : activations.at(l - 1);
}

bool Architecture::adds_previous(Index l) const {
  return residual && l >= 2 && l < depth() && widths[l] == widths[l - 1];
}

double Architecture::weight_multiplier(Index l) const {
  if (parametrization == Parametrization::standard) return 1;
  const double inputs = static_cast<double>(widths[l]);
  const bool last = l + 1 == depth();
  return weight_scale / (last && parametrization == Parametrization::mean_field ? inputs : std::sqrt(inputs));
}

double Architecture::bias_multiplier() const {
  return parametrization == Parametrization::standard ? 1 : bias_scale;
}

double Architecture::weight_deviation(Index l) const {
  if (parametrization != Parametrization::standard) return 1;
  return weight_scale / std::sqrt(static_cast<double>(widths[l]));
}

double Architecture::bias_deviation() const {
  return parametrization == Parametrization::standard ? bias_scale : 1;
}

bool Architecture::is_plain() const {
  return parametrization == Parametrization::ntk && activations.empty() && !residual && !layer_norm;
}

void Architecture::validate() const {
  if (widths.size() < 2)
    throw UserError("a network needs at least an input and an output width, given " +
                    std::to_string(widths.size()));
  for (Index l = 0; l < widths.size(); ++l)
    if (widths[l] == 0)
      throw UserError("layer " + std::to_string(l) +
                      " of the network has width 0; widths must be at least 1");
  if (!activations.empty() && activations.size() != depth() - 1)
    throw UserError("the network has " + std::to_string(depth() - 1) + " hidden layers and " +
                    std::to_string(activations.size()) + " activations; give one for each");
  if (!(std::isfinite(weight_scale) && weight_scale >= 0))
    throw UserError("the weight scale is " + std::to_string(weight_scale) +
                    "; it must be finite and not negative");
  if (!(std::isfinite(bias_scale) && bias_scale >= 0))
    throw UserError("the bias scale is " + std::to_string(bias_scale) +
                    "; it must be finite and not negative");
}

std::vector<Index> equal_widths(Index inputs, Index hidden, Index outputs, Index depth) {
  if (depth == 0) throw UserError("the depth is 0; it counts weight matrices and must be at least 1");
  std::vector<Index> widths(depth + 1, hidden);
  widths.front() = inputs;
  widths.back() = outputs;
  return widths;
}

}  // namespace ntape
