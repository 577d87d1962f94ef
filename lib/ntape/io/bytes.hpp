#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace ntape::io {

/// The whole file. Throws UserError when it is missing, a directory, or cannot be read to its end.
[[nodiscard]] std::vector<std::byte> read_bytes(const std::filesystem::path& path);

/// Replaces the file. Throws UserError when it cannot be opened or a byte cannot be written (no space
/// left); what is in the file is then undefined.
void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace ntape::io
