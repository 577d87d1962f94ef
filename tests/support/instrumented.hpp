#pragma once

namespace ntape::test {

/// Whether this program was compiled for AddressSanitizer, where everything takes ten times as long: checks
/// of numbers, which it does not change, may do less there.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kInstrumented = true;
#else
inline constexpr bool kInstrumented = false;
#endif

}  // namespace ntape::test
