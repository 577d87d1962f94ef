#include <omp.h>

#include <ctime>
#include <ntape/run/build_facts.hpp>
#include <ntape/run/manifest.hpp>

// <cblas.h> declares them too, with hundreds of others.
extern "C" {
char* openblas_get_config(void);
char* openblas_get_corename(void);
}

namespace ntape::run {
namespace {

#ifdef __clang__
constexpr const char* kCompiler = "clang++ " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

}  // namespace

Environment describe_environment() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {.version = NTAPE_VERSION,
          .compiler = kCompiler,
          .build_type = NTAPE_BUILD_TYPE,
          .native = NTAPE_NATIVE != 0,
          .blas = openblas_get_config(),
          .blas_kernel = openblas_get_corename(),
          .threads = omp_get_max_threads(),
          .now_utc = stamp};
}

}  // namespace ntape::run
