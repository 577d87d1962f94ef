#pragma once

#include <ntape/limit/plane_rule.hpp>
#include <ntape/limit/rule.hpp>

namespace ntape::limit {

/// The dual of any function: a Hermite series where it converges to what is asked for, an integral over the
/// plane elsewhere. `sensitivity` may be empty: sensitivities then come from the moments and the jumps at
/// kinks.
[[nodiscard]] std::shared_ptr<const DualRule> numerical_rule(
    Function s, Blur blur = {}, std::function<Sensitivity(double)> sensitivity = {},
    Parity parity = Parity::none);

/// E[s(m + t w)] and E[s'(m + t w)] for elu(a), in closed form.
[[nodiscard]] std::pair<double, double> elu_blur(double a, double m, double t);

}  // namespace ntape::limit
