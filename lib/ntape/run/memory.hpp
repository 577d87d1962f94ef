#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace ntape::run {

/// Bytes that this process can have without swapping: what Linux calls available, within what its control
/// group leaves. Infinite where neither can be read.
[[nodiscard]] double available_memory();

/// What the limit of a control group leaves, from the files in its folder, of either version: less what is in
/// use, unless it is cache that gives way. Infinite where there is no limit.
[[nodiscard]] double memory_left_by_group(const std::filesystem::path& folder);

/// Throws UserError, naming both amounts, when `bytes` are more than `available`. Allocation alone does not
/// find out: Linux promises memory that it does not have and kills who takes it at its word.
/// `what` is the subject of the sentence, in the plural: "networks of width 4096".
void require_memory(double bytes, const std::string& what, double available = available_memory());

/// Lets the C library keep up to `bytes` (2 GiB at most) of what is freed, instead of giving it back to the
/// system, which clears every page before it hands it out again: on a virtual machine kernels that are made
/// anew on each call, `empirical_ntk` or `limit_kernels` in a loop, then spend most of their time in that.
/// Holds for the whole process and from now on, so that it is the program that decides; pieces above 32 MiB
/// are still given back. False where the C library has no such setting (it is glibc's).
bool keep_freed_memory(std::size_t bytes);

}  // namespace ntape::run
