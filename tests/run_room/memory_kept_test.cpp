#include <doctest/doctest.h>
#include <sys/resource.h>

#include <ntape/run/memory.hpp>
#include <vector>

#include "support/instrumented.hpp"

namespace run_room_memory_kept_test {

using namespace ntape;

namespace {

// Pages that were touched for the first time.
long new_pages() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// Of so many rounds with 16 MiB each, all of them written to.
long pages_of(int rounds) {
  const long before = new_pages();
  for (int k = 0; k < rounds; ++k) {
    const std::vector<char> piece(std::size_t{16} << 20, static_cast<char>(k));
    REQUIRE(piece.back() == static_cast<char>(k));
  }
  return new_pages() - before;
}

}  // namespace

TEST_CASE("memory that is kept is not asked for again") {
  if (test::kInstrumented) return;  // it has an allocator of its own
  if (!run::keep_freed_memory(std::size_t{256} << 20)) return;
  (void)pages_of(1);
  // 4096 pages a round where it is given back, or 8 huge ones.
  CHECK(pages_of(10) < 40);
}

}  // namespace run_room_memory_kept_test
