#pragma once

#include <ntape/limit/rule.hpp>

namespace ntape::limit {

/// The dual of leaky_relu(a), 0 <= a, a row at a time: the formulas of piecewise.hpp in a loop that
/// vectorizes, with an arc cosine of its own. The same values but for the last digits. Some 10 ns a pair.
[[nodiscard]] std::unique_ptr<PreparedDual> leaky_relu_rows(double a, const std::vector<double>& variances);

}  // namespace ntape::limit
