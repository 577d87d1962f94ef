#include <doctest/doctest.h>

#include <ntape/ops/activation.hpp>
#include <regex>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_help_test {

using namespace ntape::test;

namespace {

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  return longest;
}

}  // namespace

TEST_CASE("help goes to standard output, shows examples and ends with code 0") {
  for (const std::string command : {"drift", "ensemble", "kernel", "limit", "plan", "predict"}) {
    CAPTURE(command);
    const Outcome help = run_command(tool({command, "--help"}));
    CHECK(help.code == 0);
    CHECK(help.err.empty());
    CHECK(contains(help.out, "examples:\n  ntape " + command));
    CHECK(help.out.ends_with('\n'));
    CHECK(!contains(help.out, "\n\n\n"));
    CHECK(longest_line(help.out) <= 100);
    for (const char* option :
         {"--activation", "--weight-scale", "--bias-scale", "--threads", "--quiet", "--json"})
      CHECK(contains(help.out, option));
    CHECK(run_command(tool({command, "-h"})).out == help.out);
    CHECK(run_command(tool({"help", command})).out == help.out);
    for (const std::string& name : ntape::known_activations())
      CHECK(contains(help.out.substr(help.out.find("one of ")), name));
  }
}

TEST_CASE("help says what happens without --classes, for each kind of source") {
  const std::string help = run_command(tool({"drift", "--help"})).out;
  CHECK(contains(help, "default: all classes of images"));
  CHECK(contains(help, "other files' targets as they are"));
}

TEST_CASE("the tool's own help names every command") {
  const Outcome help = run_command(tool({"--help"}));
  CHECK(help.code == 0);
  for (const char* text :
       {"drift", "ensemble", "kernel", "limit", "plan", "predict", "examples:", "--version"})
    CHECK(contains(help.out, text));
  CHECK(run_command(tool({"help"})).out == help.out);
  CHECK(run_command(tool({"-h"})).out == help.out);
}

TEST_CASE("the version is one line") {
  const Outcome version = run_command(tool({"--version"}));
  CHECK(version.code == 0);
  CHECK(std::regex_match(version.out, std::regex("ntape \\d+\\.\\d+\\.\\d+\n")));
}

TEST_CASE("what cannot be printed is not passed over") {
  const Outcome full = run_command(tool({"--help"}), {.out_file = "/dev/full"});
  CHECK(full.code == 2);
  CHECK(contains(full.err, "standard output"));
}

}  // namespace cli_help_test
