#pragma once

#include <string>

namespace ntape::run {

/// What the figures of a run depend on beside its config.
struct Environment {
  std::string version;
  std::string compiler;     ///< name and version: "g++ 12.2.0"
  std::string build_type;   ///< meson's: "release"
  bool native;              ///< made for this processor's own instructions
  std::string blas;         ///< OpenBLAS's own description of its build
  std::string blas_kernel;  ///< the kernels it chose for this processor
  int threads;              ///< that OpenMP would use
  std::string now_utc;      ///< ISO 8601
};

[[nodiscard]] Environment describe_environment();

}  // namespace ntape::run
