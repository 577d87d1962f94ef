#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace ntape::tools {

/// How much memory a command may use.
struct MemoryOption {
  std::string text;  ///< as given; empty: kShareOfFree of what is free
};
inline constexpr double kShareOfFree = 0.75;

void add_memory(CLI::App& app, MemoryOption& memory);

/// In bytes.
[[nodiscard]] double budget_of(const MemoryOption& memory);

/// Bytes of "2GiB", "512 MiB", "1.5GB", "4096": KiB, MiB, GiB, TiB are powers of 1024, KB, MB, GB, TB powers
/// of 1000, and nothing means bytes. Throws UserError for anything else, and for 0.
[[nodiscard]] double parse_bytes(const std::string& text);

/// What the program itself takes: code, libraries, and what BLAS keeps a thread.
[[nodiscard]] double program_bytes();

}  // namespace ntape::tools
