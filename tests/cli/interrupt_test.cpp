#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_interrupt_test {

using namespace ntape::test;

namespace {

// Long enough for any test; ended by signals only.
const std::string kEndless =
    "drift --data circle --examples 8 --width 8,16 --seeds 2 --steps 100000000 --track 0 --out deep/run "
    "--quiet";

std::vector<std::string> ignoring_interrupts(const std::vector<std::string>& words) {
  std::string line = "trap '' INT; exec";
  for (const std::string& word : words) line += " " + word;
  return {"sh", "-c", line};
}

// Waits until the run has begun to train; its directory is there before.
void wait_for_partial_directory(const TempDir& folder) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (std::filesystem::exists(folder / "deep") && !listing(folder / "deep").empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("the run does not begin");
}

}  // namespace

TEST_CASE("an interrupted run leaves nothing, its parents included") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    for (const std::string threads : {"1", "2"}) {
      CAPTURE(signal);
      const TempDir folder;
      Child child(tool_line(kEndless + " --threads " + threads), {.folder = folder.path()});
      wait_for_partial_directory(folder);
      CHECK(listing(folder / "deep").starts_with(".partial-"));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      child.kill(signal);
      const Outcome result = child.wait();
      CHECK(result.code == 128 + signal);
      CHECK(result.err == "ntape: interrupted by signal " + std::to_string(signal) +
                              "; what was not finished is removed\n");
      CHECK(listing(folder.path()).empty());
    }
}

TEST_CASE("a signal that was ignored from the start stays ignored") {
  const TempDir folder;
  Child child(ignoring_interrupts(tool_line(kEndless)), {.folder = folder.path()});
  wait_for_partial_directory(folder);
  child.kill(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(!listing(folder / "deep").empty());
  child.kill(SIGTERM);
  CHECK(child.wait().code == 128 + SIGTERM);
  CHECK(listing(folder.path()).empty());
}

TEST_CASE("a reader that goes away does not end a run half-way") {
  const TempDir folder;
  const auto words =
      tool_line("drift --data circle --examples 8 --width 8 --seeds 1 --steps 20000 --out run");
  std::string line;
  for (const std::string& word : words) line += word + " ";
  // `true` never reads: what is printed before and after the training meets a closed pipe.
  const Outcome result =
      run_command({"bash", "-c", "set -o pipefail; " + line + "| true"}, without_gnuplot(folder.path()));
  CHECK(result.code == 2);
  CHECK(contains(result.err, "standard output"));
  CHECK(listing(folder.path()) == "run");
}

}  // namespace cli_interrupt_test
