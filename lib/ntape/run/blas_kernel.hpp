#pragma once

#include <string>
#include <string_view>

namespace ntape::run {

/// The instructions of a processor that decide which of OpenBLAS's kernels are fast on it.
struct VectorUnits {
  bool avx2_and_fma = false, avx512 = false;
};
[[nodiscard]] VectorUnits vector_units();

/// The kernels, by OpenBLAS's own names, that suit a processor with these units better than `chosen`; empty
/// where `chosen` is no worse. OpenBLAS knows processors by model, and takes one that is newer than itself
/// for the oldest: version 0.3.21 (Debian 12) multiplies by SSE3 on the Xeons of 2023, at a sixth of their
/// rate.
[[nodiscard]] std::string better_blas_kernel(std::string_view chosen, VectorUnits units);

/// To be called first in main. Where there are better kernels than those that OpenBLAS chose, and
/// OPENBLAS_CORETYPE does not say that they were asked for, starts the program again with that variable set:
/// OpenBLAS reads it once, when it is loaded. Returns otherwise, and where the program cannot be started
/// again.
void restart_with_better_blas_kernel(char** argv);

}  // namespace ntape::run
