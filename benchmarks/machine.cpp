#include "machine.hpp"

#include <omp.h>

#include <cstdlib>
#include <fstream>

#include "commit.hpp"

// <cblas.h> declares it too, with hundreds of others.
extern "C" char* openblas_get_corename(void);

namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace

Machine describe_machine() {
  const char* coretype = std::getenv("OPENBLAS_CORETYPE");
  return {.processor = processor_name(),
          .cores = omp_get_num_procs(),
          .threads = omp_get_max_threads(),
          .blas_kernel = openblas_get_corename(),
          .blas_coretype = coretype ? coretype : "unset",
          .version = NTAPE_VERSION,
          .commit = NTAPE_COMMIT};
}

std::string to_string(const Machine& m) {
  return m.processor + ", " + std::to_string(m.cores) + " cores, " + std::to_string(m.threads) +
         " threads, OpenBLAS kernels " + m.blas_kernel + " (OPENBLAS_CORETYPE " + m.blas_coretype +
         "), ntape " + m.version + ", commit " + m.commit;
}

nlohmann::json to_json(const Machine& m) {
  return {{"processor", m.processor},
          {"cores", m.cores},
          {"threads", m.threads},
          {"blas_kernel", m.blas_kernel},
          {"openblas_coretype", m.blas_coretype},
          {"version", m.version},
          {"commit", m.commit}};
}
