#pragma once

#include <CLI/CLI.hpp>
#include <ntape/data/source.hpp>

namespace ntape::tools {

/// Which data, as every command that takes data says it; `seed` is that of synthetic ones.
void add_data(CLI::App& app, data::SourceOptions& source, std::uint64_t& seed);

}  // namespace ntape::tools
