#pragma once

#include <nlohmann/json.hpp>
#include <string>

/// Where and with what a measurement was made.
struct Machine {
  std::string processor;
  int cores;                  ///< that this process may use
  int threads;                ///< that OpenMP would use
  std::string blas_kernel;    ///< what OpenBLAS chose for this processor
  std::string blas_coretype;  ///< OPENBLAS_CORETYPE, which overrides that choice; "unset" when it is
  std::string version;        ///< of ntape
  std::string commit;         ///< see commit.hpp.in
};

[[nodiscard]] Machine describe_machine();
/// One sentence for the head of a table.
[[nodiscard]] std::string to_string(const Machine& machine);
[[nodiscard]] nlohmann::json to_json(const Machine& machine);
