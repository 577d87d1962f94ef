#include <doctest/doctest.h>

#include <cstdlib>
#include <ntape/run/blas_kernel.hpp>
#include <ntape/run/manifest.hpp>

namespace run_room_blas_kernel_test {

using namespace ntape::run;

TEST_CASE("kernels older than the processor are replaced, others are left") {
  const VectorUnits old{}, haswell{.avx2_and_fma = true}, skylake{.avx2_and_fma = true, .avx512 = true};
  CHECK(better_blas_kernel("Prescott", skylake) == "SkylakeX");
  CHECK(better_blas_kernel("Prescott", haswell) == "Haswell");
  CHECK(better_blas_kernel("Sandybridge", haswell) == "Haswell");
  CHECK(better_blas_kernel("Prescott", old).empty());
  for (const char* modern : {"Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids", "armv8"})
    CHECK(better_blas_kernel(modern, skylake).empty());
}

// This program's main asked for them.
TEST_CASE("the kernels in use are the best there are, unless others were asked for") {
  const std::string kernel = describe_environment().blas_kernel;
  CAPTURE(kernel);
  if (!std::getenv("OPENBLAS_CORETYPE")) CHECK(better_blas_kernel(kernel, vector_units()).empty());
}

}  // namespace run_room_blas_kernel_test
