#pragma once

#include <ntape/limit/rule.hpp>
#include <string>

namespace ntape::limit {

/// What Dual(activation) is made of. Throws UserError as it does.
[[nodiscard]] std::shared_ptr<const DualRule> rule_by_name(const std::string& activation);

/// What Dual::numerical(activation) is made of. Throws UserError as it does.
[[nodiscard]] std::shared_ptr<const DualRule> numerical_rule_by_name(const std::string& activation);

}  // namespace ntape::limit
