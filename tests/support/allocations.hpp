#pragma once

#include <cstddef>

namespace ntape::test {

/// How many times this program has called operator new so far (any thread). Linking allocations.cpp into a
/// test program replaces the global operators.
[[nodiscard]] std::size_t allocations();

}  // namespace ntape::test
