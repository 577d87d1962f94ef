#include <omp.h>

#include <ctime>
#include <ntape/run/manifest.hpp>

// <cblas.h> declares them too, with hundreds of others.
extern "C" {
char* openblas_get_config(void);
char* openblas_get_corename(void);
}

namespace ntape::run {

Environment describe_environment() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {NTAPE_VERSION,           __VERSION__,           openblas_get_config(),
          openblas_get_corename(), omp_get_max_threads(), stamp};
}

}  // namespace ntape::run
