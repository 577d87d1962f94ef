#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/run/memory.hpp>

#include "support/temp_dir.hpp"

namespace run_room_memory_test {

using namespace ntape;
using namespace ntape::test;

TEST_CASE("more memory than there is, is refused with both amounts") {
  CHECK_NOTHROW(run::require_memory(5e9, "kernels", 5e9));
  const std::string message =
      message_of<UserError>([] { run::require_memory(3 * 0x1p40, "kernels", 0x1p31); });
  CHECK(message == "kernels need at least 3.07e+03 GiB of memory, and 2 GiB are available");
  CHECK_THROWS_AS(run::require_memory(1e30, "kernels"), UserError);
  CHECK_NOTHROW(run::require_memory(0, "kernels"));
}

TEST_CASE("this machine has some memory") {
  CHECK(run::available_memory() > 0x1p20);
  CHECK(std::isfinite(run::available_memory()));
}

TEST_CASE("a control group leaves what is neither in use nor cache that gives way") {
  const TempDir folder;
  CHECK(std::isinf(run::memory_left_by_group(folder.path())));
  const auto write = [&](const char* name, const char* text) { write_text(folder / name, text); };
  write("memory.max", "max\n");
  write("memory.current", "3000\n");
  CHECK(std::isinf(run::memory_left_by_group(folder.path())));
  write("memory.max", "10000\n");
  CHECK(run::memory_left_by_group(folder.path()) == 7000);
  write("memory.stat", "anon 1500\nfile 1400\nactive_file 400\ninactive_file 1000\nslab 100\n");
  CHECK(run::memory_left_by_group(folder.path()) == 8000);
  write("memory.current", "12000\n");  // a limit may be lowered below what is in use
  CHECK(run::memory_left_by_group(folder.path()) == 0);
}

TEST_CASE("control groups of version 1 say the same under other names") {
  const TempDir folder;
  const auto write = [&](const char* name, const char* text) { write_text(folder / name, text); };
  write("memory.limit_in_bytes", "10000\n");
  write("memory.usage_in_bytes", "5000\n");
  write("memory.stat", "cache 2000\ninactive_file 0\ntotal_cache 2000\ntotal_inactive_file 1500\n");
  CHECK(run::memory_left_by_group(folder.path()) == 6500);
}

}  // namespace run_room_memory_test
