#pragma once

#include <ntape/jacobian/gram.hpp>

namespace ntape {

/// What each route to a kernel costs beyond evaluating the network, counted on its tapes before any work: a
/// multiply-add is 2 flops, a symmetric Gram counts half; bytes are those of dense rows, their copies
/// included.
struct RouteCost {
  double factored_flops = 0, factored_bytes = 0;
  double dense_flops = 0, dense_bytes = 0;
  double products_flops = 0;
};

/// `selected` as per_example_jacobian has it. Cost: a pass over the nodes of each tape.
template <class Real>
[[nodiscard]] RouteCost route_cost(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2, Var y2,
                                   const GramOptions<Real>& options, std::span<const char> selected);

}  // namespace ntape
