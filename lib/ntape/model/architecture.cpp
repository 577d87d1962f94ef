#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/model/architecture.hpp>

namespace ntape {

Index Architecture::parameter_count() const {
  Index count = 0;
  for (Index l = 0; l + 1 < widths.size(); ++l) count += (widths[l] + 1) * widths[l + 1];
  return count;
}

void Architecture::validate() const {
  if (widths.size() < 2)
    throw UserError("a network needs at least an input and an output width, given " +
                    std::to_string(widths.size()));
  for (Index l = 0; l < widths.size(); ++l)
    if (widths[l] == 0)
      throw UserError("layer " + std::to_string(l) +
                      " of the network has width 0; widths must be at least 1");
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
