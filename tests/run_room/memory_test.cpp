#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/run/memory.hpp>

#include "support/temp_dir.hpp"

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
