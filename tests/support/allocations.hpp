#pragma once

#include <cstddef>

namespace ntape::test {

/// How many times this program has called operator new so far (any thread). allocations.cpp replaces the
/// global operators; under AddressSanitizer it leaves them alone, and nothing is counted.
[[nodiscard]] std::size_t allocations();

}  // namespace ntape::test
