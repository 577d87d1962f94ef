#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>

#include "support/command.hpp"
#include "support/csv.hpp"
#include "support/temp_dir.hpp"

namespace cli_figure_test {

using namespace ntape;
using namespace ntape::test;
using nlohmann::json;

namespace {

const std::string kOne = "figure 1 --width 4,8 --seeds 2 --steps 2 --angles 5 --examples 6 --out out";
const std::string kTwo = "figure 2 --width 4,8 --seeds 2 --networks 3 --steps 2 --angles 5 --out out";
const std::string kThree = "figure 3 --data sphere:4 --examples 8 --width 4,8 --time 2 --depth 3 --out out";
const std::string kLee =
    "figure lee --examples 8 --test-examples 3 --width 4,8 --seeds 2 --steps 3 --depth 3 --out out";
const std::string kSpectrum =
    "figure spectrum --data sphere:4 --examples 8 --ranks 2,7 --width 4,8 --seeds 2 --depth 3 --out out";

}  // namespace

TEST_CASE("each figure writes its picture, its numbers and its verdict, and nothing else") {
  for (const auto& [name, line, rows, arrays] :
       {std::tuple("figure-1", kOne, 2 * 2 * 2 * 5, 8), std::tuple("figure-2", kTwo, 2 * 10, 6),
        std::tuple("figure-3", kThree, 1, 10), std::tuple("figure-lee", kLee, 2 * 2 * 4, 10),
        std::tuple("figure-spectrum", kSpectrum, 2 * 2 * 8, 6)}) {
    CAPTURE(name);
    const TempDir folder;
    const Outcome made = run_command(tool_line(line), {.folder = folder.path()});
    CAPTURE(made.err);
    REQUIRE(made.code == 0);
    CHECK(listing(folder.path()) == "out");
    const std::string n = name;
    CHECK(listing(folder / "out") == "data.csv data.npz " + n + ".pdf " + n + ".png " + n +
                                         ".svg manifest.json verdict.json verdict.md");
    CHECK(contains(read_text(folder / ("out/" + n + ".svg")), "</svg>"));
    CHECK(Csv(read_text(folder / "out/data.csv")).rows.size() >= static_cast<std::size_t>(rows));
    CHECK(io::NpzReader(folder / "out/data.npz").names().size() == static_cast<std::size_t>(arrays));
    const json verdict = json::parse(read_text(folder / "out/verdict.json"));
    CHECK(verdict["claims"].size() >= 3);
    for (const auto& claim : verdict["claims"]) {
      CHECK(contains(made.out, claim["statement"].get<std::string>()));
      CHECK(
          contains(read_text(folder / "out/verdict.md"), "**" + claim["outcome"].get<std::string>() + "**"));
    }
    CHECK(contains(read_text(folder / "out/verdict.md"), "- The paper "));
    CHECK(json::parse(read_text(folder / "out/manifest.json"))["settings"]["precision"] ==
          (n == "figure-lee" || n == "figure-spectrum" ? "f64" : "f32"));
    const Outcome again = run_command(tool_line(line), {.folder = folder.path()});
    CHECK(again.code == 2);
    CHECK(contains(again.err, "'out'"));
  }
}

TEST_CASE("figures: numbers do not depend on threads, nor on gnuplot, and quiet is quiet") {
  const TempDir folder;
  for (const std::string threads : {"1", "2"}) {
    for (const auto& [line, what] :
         {std::pair(kOne, "one"), std::pair(kTwo, "two"), std::pair(kThree, "three"), std::pair(kLee, "lee"),
          std::pair(kSpectrum, "spectrum")}) {
      const std::string to = what + threads;
      const Outcome made =
          run_command(tool_line(line.substr(0, line.rfind(' ') + 1) + to + " --quiet --threads " + threads),
                      without_gnuplot(folder.path()));
      CAPTURE(made.err);
      CHECK(made.code == 0);
      CHECK(made.out.empty());
      CHECK(contains(made.err, "no picture"));
      CHECK(contains(made.err, "gnuplot-nox"));
      CHECK(!std::filesystem::exists(folder / (to + "/figure-1.svg")));
    }
  }
  for (const std::string what : {"one", "two", "three", "lee", "spectrum"})
    for (const std::string file : {"/data.csv", "/data.npz", "/verdict.json"})
      CHECK(read_text(folder / (what + "1" + file)) == read_text(folder / (what + "2" + file)));
}

TEST_CASE("figures: mistakes have one sentence and leave nothing") {
  const TempDir folder;
  const Surroundings where{.folder = folder.path(), .environment = {{"XDG_DATA_HOME", folder / "none"}}};
  const auto refusal = [&](const std::string& line) {
    const Outcome made = run_command(tool_line(line), where);
    CHECK(made.code == 2);
    CHECK(std::count(made.err.begin(), made.err.end(), '\n') == 1);
    CHECK(listing(folder.path()).empty());
    return made.err;
  };
  CHECK(contains(refusal("figure"), "1, 2, 3, lee and spectrum"));
  CHECK(contains(refusal("figure 7"), "'7'"));
  CHECK(contains(refusal("figure 3 --out out"), "tools/get-mnist fetches it"));
  CHECK(contains(refusal("figure 1 --width 8,8 --out out"), "8 twice"));
  CHECK(contains(refusal("figure 1 --angles 4 --width 4 --out out"), "odd number"));
  CHECK(contains(refusal("figure 3 --data sphere:4 --examples 8 --width 4 --rate -1 --out out"), "rate"));
  CHECK(contains(refusal("figure lee --width 8 --out out"), "two widths"));
  CHECK(contains(refusal("figure spectrum --data sphere:4 --ranks 5 --out out"), "two ranks"));
  CHECK(contains(refusal("figure spectrum --data sphere:4 --examples 9 --out out"), "ranks 10 to 9"));
  CHECK(contains(refusal("figure lee --width 4,8 --activation none --out out"), "'none'"));
  CHECK(contains(refusal("figure lee --width 4,8 --data circle --out out"), "circle"));
}

TEST_CASE("figures: --json prints the verdict with its place") {
  const TempDir folder;
  const Outcome made = run_command(tool_line(kOne + " --json"), {.folder = folder.path()});
  REQUIRE(made.code == 0);
  json printed = json::parse(made.out);
  CHECK(printed["out"] == "out");
  printed.erase("out");
  CHECK(printed == json::parse(read_text(folder / "out/verdict.json")));
}

TEST_CASE("figures: help names each figure and every figure has examples") {
  const std::string help = run_command(tool({"figure", "--help"})).out;
  for (const std::string name : {"1", "2", "3", "lee", "spectrum"}) {
    CHECK(contains(help, "\n  " + name + "   "));
    CHECK(contains(run_command(tool({"figure", name, "--help"})).out, "examples:\n  ntape figure " + name));
  }
}

}  // namespace cli_figure_test
