#pragma once

#include <cstddef>

namespace ntape::test {

/// How many times this program has called operator new so far (any thread); under AddressSanitizer, malloc.
/// allocations.cpp replaces the global operators, but under AddressSanitizer.
[[nodiscard]] std::size_t allocations();

}  // namespace ntape::test
