#pragma once

#include <CLI/CLI.hpp>
#include <ntape/data/source.hpp>

namespace ntape::tools {

/// Which data, as every command that takes data says it.
struct DataOptions {
  data::SourceOptions source;
  std::uint64_t seed = 0;  ///< of synthetic data
};
void add_data(CLI::App& app, DataOptions& o);

}  // namespace ntape::tools
