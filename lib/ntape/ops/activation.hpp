#pragma once

#include <ntape/tape/tape.hpp>
#include <string>
#include <vector>

namespace ntape {

/// The elementwise op of that name: "relu", "erf", "tanh", "identity".
/// relu'(0) = 0, and relu(NaN) = NaN. Throws UserError, listing the known names, for any other.
template <class Real>
[[nodiscard]] OpPtr<Real> activation_op(const std::string& name);

/// activation_op(name) applied to x, entry by entry.
template <class Real>
Var activation(Tape<Real>& tape, const std::string& name, Var x);

[[nodiscard]] const std::vector<std::string>& known_activations();

}  // namespace ntape
