#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/run/memory.hpp>

namespace ntape::run {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::infinity();

double memory_of_machine() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  double kibibytes = 0;
  for (std::string rest; file >> name >> kibibytes; std::getline(file, rest))
    if (name == "MemAvailable:") return 1024 * kibibytes;
  return kUnknown;
}

// The file holds "max" where there is no limit.
double number_in(const std::filesystem::path& path, double otherwise) {
  std::ifstream file(path);
  double number = 0;
  return file >> number ? number : otherwise;
}

// Of "name number" a line.
double number_named(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file(path);
  std::string other;
  double number = 0;
  while (file >> other >> number)
    if (other == name) return number;
  return 0;
}

std::string in_gibibytes(double bytes) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3g GiB", bytes / 0x1p30);
  return text;
}

}  // namespace

double available_memory() {
  return std::min({memory_of_machine(), memory_left_by_group("/sys/fs/cgroup"),
                   memory_left_by_group("/sys/fs/cgroup/memory")});
}

double memory_left_by_group(const std::filesystem::path& folder) {
  const double limit =
      number_in(folder / "memory.max", number_in(folder / "memory.limit_in_bytes", kUnknown));
  const double used = number_in(folder / "memory.current", number_in(folder / "memory.usage_in_bytes", 0));
  // Of a group and those below it; in version 1 that has a name of its own.
  const std::filesystem::path parts = folder / "memory.stat";
  const double cache =
      std::max(number_named(parts, "inactive_file"), number_named(parts, "total_inactive_file"));
  return std::max(0.0, limit - std::max(0.0, used - cache));
}

void require_memory(double bytes, const std::string& what, double available) {
  if (bytes <= available) return;
  throw UserError(what + " need at least " + in_gibibytes(bytes) + " of memory, and " +
                  in_gibibytes(available) + " are available");
}

bool keep_freed_memory(std::size_t bytes) {
#ifdef M_TRIM_THRESHOLD
  constexpr std::size_t kLargestPiece = std::size_t{32} << 20;  // glibc refuses more
  const auto kept = static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max()));
  const auto pieces = static_cast<int>(std::min(bytes, kLargestPiece));
  return mallopt(M_TRIM_THRESHOLD, kept) == 1 && mallopt(M_MMAP_THRESHOLD, pieces) == 1;
#else
  (void)bytes;
  return false;
#endif
}

}  // namespace ntape::run
