#include <ntape/tensor/elementwise.hpp>

namespace ntape::elementwise {

Instructions best_instructions() {
#if defined(__x86_64__)
  static const Instructions best = [] {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      return Instructions::avx512;
    return __builtin_cpu_supports("avx2") ? Instructions::avx2 : Instructions::baseline;
  }();
  return best;
#else
  return Instructions::baseline;
#endif
}

}  // namespace ntape::elementwise
