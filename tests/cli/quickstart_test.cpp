#include <doctest/doctest.h>

#include <sstream>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_quickstart_test {

using namespace ntape::test;

namespace {

// The words that tools/quickstart would run, from the options on.
std::vector<std::string> composed(const std::vector<std::string>& arguments) {
  const char* const root = std::getenv("NTAPE_SOURCE_ROOT");
  REQUIRE(root != nullptr);
  std::vector<std::string> words = {"bash", std::string(root) + "/tools/quickstart"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const Outcome result = run_command(words, {.environment = {{"NTAPE_DRY_RUN", "1"}}});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  std::vector<std::string> lines;
  std::istringstream text(result.out);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  REQUIRE(lines.size() >= 2);
  CHECK(lines[0].ends_with("/ntape"));
  CHECK(lines[1] == "drift");
  return {lines.begin() + 2, lines.end()};
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

}  // namespace

TEST_CASE("quickstart alone is the main job on Fashion-MNIST") {
  CHECK(joined(composed({}))
            .starts_with("--data fashion-mnist --classes 0,1 --examples 256 --width 64,128,256,512,1024 "
                         "--seeds 3 --steps 200 "
                         "--precision f32 --out runs/quickstart-"));
}

TEST_CASE("arguments of quickstart win over its own, also where they exclude them") {
  const auto line = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--out", "r"});
    return joined(composed(arguments));
  };
  const std::string data = "--data fashion-mnist --classes 0,1 --examples 256 ",
                    widths = "--width 64,128,256,512,1024 ";
  CHECK(line({"--seeds", "5"}) == data + widths + "--steps 200 --precision f32 --seeds 5 --out r");
  CHECK(line({"--seeds=5"}) == data + widths + "--steps 200 --precision f32 --seeds=5 --out r");
  CHECK(line({"--time", "9"}) == data + widths + "--seeds 3 --precision f32 --time 9 --out r");
  CHECK(line({"--hidden", "8,4"}) == data + "--seeds 3 --steps 200 --precision f32 --hidden 8,4 --out r");
  CHECK(line({"--depth", "3"}) == data + widths + "--seeds 3 --steps 200 --precision f32 --depth 3 --out r");
  CHECK(line({"--depth", "1"}) == data + "--seeds 3 --steps 200 --precision f32 --depth 1 --out r");
  CHECK(line({"--data", "circle"}) == widths + "--seeds 3 --steps 200 --precision f32 --data circle --out r");
  CHECK(line({"--inputs", "x", "--targets", "y"}) ==
        widths + "--seeds 3 --steps 200 --precision f32 --inputs x --targets y --out r");
  CHECK(line({"--config", "c.toml"}) == "--config c.toml --out r");
}

TEST_CASE("ntape takes what quickstart composes") {
  const TempDir folder;
  auto words = composed({"--data", "circle", "--examples", "6", "--width", "4,8", "--seeds=2", "--time", "3",
                         "--precision=f64", "--quiet", "--out", "a b"});
  words.insert(words.begin(), "drift");
  const Outcome first = run_command(tool(words), without_gnuplot(folder.path()));
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  CHECK(listing(folder.path()) == "a b");
  words = composed({"--config", "a b/config.toml", "--quiet", "--out=again"});
  words.insert(words.begin(), "drift");
  const Outcome second = run_command(tool(words), without_gnuplot(folder.path()));
  CAPTURE(second.err);
  REQUIRE(second.code == 0);
  CHECK(listing(folder.path()) == "a b again");
}

}  // namespace cli_quickstart_test
