#include <doctest/doctest.h>

#include <regex>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_terminal_test {

using namespace ntape::test;

namespace {

const std::string kRun = "drift --data circle --examples 8 --width 8 --seeds 1 --steps 2000 --out ";

std::string line_of(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

// util-linux's script gives its command a terminal and copies what appears on it.
std::string on_terminal(const std::string& command, const TempDir& folder) {
  return run_command({"script", "-qec", command, "/dev/null"}, {.folder = folder.path()}).out;
}

bool has_terminal() {
  if (run_command({"script", "-qec", "true", "/dev/null"}).code == 0) return true;
  MESSAGE("skipped: script(1) cannot make a terminal here (is it installed, is /dev/pts mounted?)");
  return false;
}

}  // namespace

TEST_CASE("on a terminal there is a bar with an estimate, rewritten in place") {
  if (!has_terminal()) return;
  const TempDir folder;
  const std::string shown = on_terminal(line_of(tool_line(kRun + "a")), folder);
  CAPTURE(shown);
  CHECK(std::regex_search(shown, std::regex("\rtraining \\[#* *\\] +\\d+%  about \\d+ s left")));
  CHECK(std::regex_search(shown, std::regex("\rtraining \\[#{30}\\] 100%  done in \\d+ s\x1b\\[K\r\n")));
  CHECK(!contains(on_terminal(line_of(tool_line(kRun + "b --quiet")), folder), "training"));
}

TEST_CASE("in a pipe there are plain lines") {
  const TempDir folder;
  const Outcome piped = run_command(tool_line(kRun + "a"), {.folder = folder.path()});
  CHECK(std::regex_search(piped.err, std::regex("(^|\n)training 100%  done in \\d+ s\n$")));
  CHECK(piped.err.find_first_of("\r\x1b") == std::string::npos);
}

TEST_CASE("without gnuplot a run is complete but for its figures, and says how to get them") {
  const TempDir folder;
  for (const std::string talk : {"", " --quiet"}) {
    const Outcome result = run_command(tool_line(kRun + "run" + talk), without_gnuplot(folder.path()));
    CHECK(result.code == 0);
    CHECK(contains(result.err, "ntape: warning: the run has no figures: gnuplot"));
    CHECK(contains(result.err, "Debian package gnuplot-nox\n"));
    CHECK(listing(folder / "run") ==
          "config.toml kernels.npz layers.csv manifest.json metrics.csv summary.json");
    std::filesystem::remove_all(folder / "run");
  }
}

TEST_CASE("a gnuplot that fails or stops in the middle is a warning, too, with its own words") {
  const TempDir folder;
  std::filesystem::create_directory(folder / "bin");
  const auto outcome_with = [&](const std::string& script) {
    write_text(folder / "bin/gnuplot", "#!/bin/sh\n" + script);
    std::filesystem::permissions(folder / "bin/gnuplot", std::filesystem::perms::owner_all);
    const Outcome result = run_command(
        tool_line(kRun + "run --quiet"),
        {.folder = folder.path(), .environment = {{"PATH", (folder / "bin").string() + ":/usr/bin:/bin"}}});
    CHECK(result.code == 0);
    CHECK(listing(folder / "run") ==
          "config.toml kernels.npz layers.csv manifest.json metrics.csv summary.json");
    std::filesystem::remove_all(folder / "run");
    return result.err;
  };
  CHECK(contains(outcome_with("echo; echo 'line 3: no font' >&2; exit 1\n"), "line 3: no font"));
  CHECK(contains(outcome_with("echo '<svg>'\n"), "did not finish the figure"));
  CHECK(contains(outcome_with("kill -9 $$\n"), "gnuplot failed"));
}

}  // namespace cli_terminal_test
