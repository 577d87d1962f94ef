#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ntape/run/blas_kernel.hpp>

// <cblas.h> declares it too, with hundreds of others.
extern "C" char* openblas_get_corename(void);

namespace ntape::run {

VectorUnits vector_units() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  return {.avx2_and_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
          .avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")};
#else
  return {};
#endif
}

std::string better_blas_kernel(std::string_view chosen, VectorUnits units) {
  // OpenBLAS's x86 kernels that know no AVX2.
  constexpr std::array<std::string_view, 18> kOld{
      "Katmai", "Coppermine", "Northwood",    "Prescott",   "Banias",  "Atom",
      "Nano",   "Core2",      "Penryn",       "Dunnington", "Nehalem", "Sandybridge",
      "Athlon", "Opteron",    "Opteron_SSE3", "Barcelona",  "Bobcat",  "Unknown"};
  if (std::find(kOld.begin(), kOld.end(), chosen) == kOld.end()) return "";
  if (units.avx512) return "SkylakeX";
  return units.avx2_and_fma ? "Haswell" : "";
}

void restart_with_better_blas_kernel(char** argv) {
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (std::getenv(kVariable)) return;
  const std::string better = better_blas_kernel(openblas_get_corename(), vector_units());
  if (better.empty() || setenv(kVariable, better.c_str(), 1) != 0) return;
  execv("/proc/self/exe", argv);
  unsetenv(kVariable);
}

}  // namespace ntape::run
