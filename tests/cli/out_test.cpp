#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_out_test {

using namespace ntape::test;

TEST_CASE("runs that end at the same time do not lose to each other") {
  const TempDir folder;
  const Surroundings where = without_gnuplot(folder.path());
  const std::string line = "drift --data circle --examples 4 --width 4 --seeds 1 --steps 1 --quiet";
  // Six runs of some hundredths of a second each: several in the same second.
  std::vector<std::unique_ptr<Child>> children;
  for (int k = 0; k < 6; ++k) children.push_back(std::make_unique<Child>(tool_line(line), where));
  for (const auto& child : children) CHECK(child->wait().code == 0);
  std::size_t runs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "runs")) {
    CHECK(std::filesystem::exists(entry.path() / "summary.json"));
    ++runs;
  }
  CHECK(runs == 6);
}

TEST_CASE("a name that was chosen, and taken by somebody else during the run, is left to them") {
  const TempDir folder;
  Child slow(tool_line("drift --data circle --examples 8 --width 64 --seeds 1 --steps 6000 --track 0 --quiet "
                       "--out mine"),
             without_gnuplot(folder.path()));
  for (int tries = 0; tries < 10000 && !contains(listing(folder.path()), ".partial-"); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  write_text(folder / "mine", "theirs");
  const Outcome result = slow.wait();
  CHECK(result.code == 0);
  CHECK(contains(result.err,
                 "ntape: warning: 'mine' has come to exist meanwhile; the report is in 'mine-2'\n"));
  CHECK(read_text(folder / "mine") == "theirs");
  CHECK(std::filesystem::exists(folder / "mine-2/summary.json"));
}

}  // namespace cli_out_test
