#include <doctest/doctest.h>
#include <omp.h>

#include <ntape/run/manifest.hpp>
#include <regex>

#include "support/temp_dir.hpp"

namespace run_room_manifest_test {

using namespace ntape;
using namespace ntape::test;

TEST_CASE("the environment is described") {
  const run::Environment e = run::describe_environment();
  CHECK(e.version == NTAPE_VERSION);
#ifdef __clang__
  CHECK(std::regex_search(e.compiler, std::regex("^clang\\+\\+ \\d+\\.\\d+\\.\\d+")));
#else
  CHECK(std::regex_search(e.compiler, std::regex("^g\\+\\+ \\d+\\.\\d+\\.\\d+")));
#endif
  CHECK(std::regex_match(e.build_type, std::regex("plain|debug|debugoptimized|release|minsize|custom")));
  CHECK(contains(e.blas, "OpenBLAS"));
  CHECK(!e.blas_kernel.empty());
  CHECK(e.threads == omp_get_max_threads());
  CHECK(std::regex_match(e.now_utc, std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ")));
}

}  // namespace run_room_manifest_test
