#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ntape/run/memory.hpp>
#include <ntape/tensor/matrix.hpp>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_spectrum_memory_test {

using namespace ntape;

// A kernel takes half of what there is; to form it and decompose it takes four times as much.
TEST_CASE("spectrum refuses at once to form a kernel that does not fit") {
  const test::TempDir folder;
  const auto rows = static_cast<Index>(std::sqrt(run::available_memory() / (2 * sizeof(double))));
  const test::Outcome result =
      test::run_command(test::tool_line("spectrum --data circle --depth 1 --examples " +
                                        std::to_string(rows) + " --top " + std::to_string(rows / 3)),
                        {.folder = folder.path()});
  CHECK(result.code == 2);
  CHECK(test::contains(result.err,
                       "so many eigenpairs of a kernel of this size, which is formed for them, need "
                       "at least"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
}

}  // namespace cli_spectrum_memory_test
