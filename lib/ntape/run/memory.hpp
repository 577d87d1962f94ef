#pragma once

#include <string>

namespace ntape::run {

/// Bytes that this process can have without swapping: what Linux calls available, within the limit of its
/// control group. Infinite where neither can be read.
[[nodiscard]] double available_memory();

/// Throws UserError, naming both amounts, when `bytes` are more than `available`. Allocation alone does not
/// find out: Linux promises memory that it does not have and kills who takes it at its word.
/// `what` is the subject of the sentence, in the plural: "networks of width 4096".
void require_memory(double bytes, const std::string& what, double available = available_memory());

}  // namespace ntape::run
