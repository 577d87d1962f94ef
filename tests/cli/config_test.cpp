#include <doctest/doctest.h>

#include <map>
#include <ntape/io/npy.hpp>
#include <ntape/io/npz.hpp>
#include <sstream>

#include "support/command.hpp"
#include "support/csv.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_config_test {

using namespace ntape;
using namespace ntape::test;

namespace {

void must(const std::string& line, const std::filesystem::path& folder) {
  CAPTURE(line);
  const Outcome result = run_command(tool_line(line), without_gnuplot(folder));
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
}

std::string file(const std::filesystem::path& run, const char* name) {
  return read_text(run / name);
}

// The values of a config as they are written, by option.
std::map<std::string, std::string> entries(const std::string& config) {
  std::map<std::string, std::string> result;
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t sign = line.find(" = ");
    if (sign != std::string::npos && !line.starts_with('#'))
      result[line.substr(0, sign)] = line.substr(sign + 3);
  }
  return result;
}

void check_same_figures(const std::filesystem::path& a, const std::filesystem::path& b) {
  for (const char* name : {"metrics.csv", "layers.csv", "config.toml"}) {
    CAPTURE(name);
    const bool same = file(a, name) == file(b, name);
    CHECK(same);
  }
}

const std::string kSmall = " --examples 6 --width 4,8 --steps 3 --seeds 2 --quiet";

}  // namespace

TEST_CASE("a saved config runs again, bit for bit, wherever it is run") {
  const TempDir folder, elsewhere;
  std::filesystem::create_directory(folder / "data");
  const auto at = [&](const char* name) { return folder / name; };
  io::write_npy(at("data/x.npy"), normal<double>(9, 3, 1));
  io::write_npy(at("data/y.npy"), normal<double>(9, 2, 2));
  write_text(at("data/labels.csv"), "1,2,-1\n3,1,7\n2,2,7\n1,0,3\n4,4,-1\n");
  io::NpzWriter npz(at("data/d.npz"));
  npz.add("x", normal<double>(5, 2, 3));
  npz.add("y", normal<double>(5, 1, 4));
  npz.close();
  write_text(at("data/images"), std::string("\0\0\x08\x03\0\0\0\x03\0\0\0\x01\0\0\0\x02"
                                            "abcdef",
                                            22));
  write_text(at("data/labels"), std::string("\0\0\x08\x01\0\0\0\x03\x02\x05\x02", 11));

  const std::vector<std::string> runs = {
      "drift --width 4,8 --seeds 2 --steps 5",  // data by default
      "drift --data circle" + kSmall,
      "drift --data sphere:3 --data-seed 7 --bias-scale 0.3" + kSmall,
      "drift --data gaussian-product --examples 6 --hidden 5,3 --steps 3 --quiet",
      "drift --data circle --examples 6 --depth 2 --width 4 --steps 3 --quiet",
      "drift --data circle --examples 6 --depth 1 --width 4 --steps 3 --quiet",
      "drift --data circle --examples 6 --depth 1 --steps 3 --quiet",
      "drift --data circle --rate 0.123456789012345678" + kSmall,
      "drift --data circle --rate 1e-5 --weight-scale 1.1000000000000001 --bias-scale 0" + kSmall,
      "drift --data circle --examples 6 --width 4 --time 20 --quiet",
      "drift --data circle --rate 40 --force-rate" + kSmall,
      "drift --data circle --rate 1.5x --momentum 0.3" + kSmall,
      "drift --data circle --rate 0.1x" + kSmall,
      "drift --data sphere:3 --test-examples 4 --certificate" + kSmall,
      "drift --inputs data/x.npy --targets data/y.npy --test-examples 2 --width 4 --steps 3 --quiet",
      "drift --inputs data/x.npy --targets data/y.npy --test-inputs data/x.npy --width 4 --steps 3 --quiet",
      "drift --inputs data/x.npy --targets data/y.npy --test-inputs data/x.npy --test-targets data/y.npy" +
          kSmall,
      "drift --data circle --precision f32" + kSmall,
      "drift --data circle --activation erf --track every:2" + kSmall,
      "drift --data circle --activation tanh --track 0,1,3" + kSmall,
      "drift --data circle --activation polynomial(1,0,0.5)" + kSmall,
      "drift --data circle --examples 6 --width 4 --steps 3 --seeds 3 --seed 18446744073709551613 --quiet",
      "drift --data circle --examples 6 --width 016,4 --steps 3 --quiet",  // not octal
      "drift --inputs data/x.npy --targets data/y.npy" + kSmall,
      "drift --inputs data/x.npy --targets data/y.npy --width 4 --steps 3 --outputs 2 --quiet",
      "drift --data data/labels.csv --classes -1,7 --width 4 --steps 3 --quiet",
      "drift --data data/labels.csv --classes 7,3,-1 --width 4 --steps 3 --quiet",
      "drift --data data/d.npz --width 4 --steps 3 --quiet",
      "drift --data idx:data/images,data/labels --width 4 --steps 3 --quiet",
      "drift --data idx:data/images,data/labels --classes 5,2 --examples 2 --width 4 --steps 3 --quiet",
  };
  for (std::size_t k = 0; k < runs.size(); ++k) {
    CAPTURE(runs[k]);
    const std::string first = "a" + std::to_string(k), second = "b" + std::to_string(k);
    must(runs[k] + " --out " + first, folder.path());
    must("drift --config " + (folder / first / "config.toml").string() + " --quiet --out " + second,
         elsewhere.path());
    check_same_figures(folder / first, elsewhere / second);
  }
}

TEST_CASE("a saved config names every choice, so that no later default can change it") {
  const TempDir folder;
  must("drift --width 4 --seeds 1 --quiet --out run", folder.path());
  const auto config = entries(file(folder / "run", "config.toml"));
  std::string options;
  for (const auto& [option, value] : config) options += option + " ";
  CHECK(options ==
        "activation bias-scale data data-checksum data-seed depth examples momentum precision rate seed "
        "seeds steps "
        "track "
        "weight-scale "
        "width ");
  CHECK(config.at("data") == "\"gaussian-product\"");
  CHECK(config.at("examples") == "128");
  CHECK(config.at("steps") == "200");
  // The rate is the one that was used: a step takes so much time.
  const Csv metrics(file(folder / "run", "metrics.csv"));
  REQUIRE(metrics.number(1, "step") == 1);
  CHECK(std::strtod(config.at("rate").c_str(), nullptr) == metrics.number(1, "time"));
}

TEST_CASE("a config whose data have changed is refused, unless other data are asked for") {
  const TempDir folder;
  const Surroundings here = without_gnuplot(folder.path());
  write_text(folder / "d.csv", "1,2,3\n4,5,6\n7,8,10\n");
  must("drift --data d.csv --width 4 --steps 2 --seeds 1 --quiet --out a", folder.path());
  const std::string sum = entries(file(folder / "a", "config.toml")).at("data-checksum");
  write_text(folder / "d.csv", "1,2,3\n4,5,6\n7,8,11\n");
  const std::string again = "drift --config a/config.toml --quiet --out ";
  const Outcome changed = run_command(tool_line(again + "b"), here);
  CAPTURE(changed.err);
  CHECK(changed.code == 2);
  CHECK(changed.err.find('\n') == changed.err.size() - 1);
  for (const std::string& part :
       {std::string("d.csv"), sum.substr(1, sum.size() - 2), std::string("data-checksum")})
    CHECK(contains(changed.err, part));
  CHECK(listing(folder.path()) == "a d.csv");
  CHECK(run_command(tool_line(again + "c --examples 2"), here).code == 0);
  CHECK(run_command(tool_line(again + "d --data circle"), here).code == 0);
  CHECK(entries(file(folder / "d", "config.toml")).at("data-checksum") != sum);
  // Asked for on the command line, it holds whatever else is there.
  const Outcome asked =
      run_command(tool_line("drift --data circle --data-checksum fnv1a64:0123456789abcdef"), here);
  CHECK(asked.code == 2);
  CHECK(contains(asked.err, "fnv1a64:0123456789abcdef"));
}

TEST_CASE("file names with every awkward character come back") {
  const TempDir folder;
  const std::string awkward = "a, b#c = [d] \"e\" 'f' \\g\t\xC3\xA9.csv";
  write_text(folder / awkward, "1,2,3\n4,5,6\n7,8,10\n");
  const Surroundings here = without_gnuplot(folder.path());
  REQUIRE(
      run_command(tool({"drift", "--data", awkward, "--width", "4", "--steps", "2", "--quiet", "--out", "a"}),
                  here)
          .code == 0);
  must("drift --config a/config.toml --quiet --out b", folder.path());
  check_same_figures(folder / "a", folder / "b");
}

TEST_CASE("the command line wins over a config, also where options exclude each other") {
  const TempDir folder;
  must("drift --data circle --out a" + kSmall, folder.path());
  const auto changed = [&](const std::string& options) {
    static int count = 0;
    const std::string out = "b" + std::to_string(++count);
    must("drift --config a/config.toml --quiet --out " + out + " " + options, folder.path());
    return entries(file(folder / out, "config.toml"));
  };
  CHECK(changed("--steps 2").at("steps") == "2");
  CHECK(changed("--time 1 --rate 0.125").at("steps") == "8");
  CHECK(changed("--width 5").at("width") == "[5]");
  const auto hidden = changed("--hidden 5,3");
  CHECK(hidden.at("hidden") == "[5, 3]");
  CHECK(!hidden.contains("width"));
  io::write_npy(folder / "x.npy", normal<double>(7, 3, 1));
  io::write_npy(folder / "y.npy", normal<double>(7, 1, 2));
  CHECK(!changed("--inputs x.npy --targets y.npy").contains("data"));
}

TEST_CASE("configs by hand: comments, literal strings, arrays over lines") {
  const TempDir folder;
  write_text(folder / "c.toml",
             "# a comment\r\n\n  data = 'circle' # another\nexamples=6\nwidth = [ 4, # narrow\n  8,\n]\n"
             "\"steps\" = 3\nforce-rate = false\ntrack = \"\\u006Cog:3\"\nseeds = 2\nthreads = 1\n");
  must("drift --config c.toml --quiet --out a", folder.path());
  must("drift --data circle --track log:3 --out b" + kSmall, folder.path());
  check_same_figures(folder / "a", folder / "b");
}

TEST_CASE("configs that cannot be understood are refused with their line") {
  const TempDir folder;
  const auto refuses = [&](const std::string& text, const std::vector<std::string>& named) {
    CAPTURE(text);
    write_text(folder / "c.toml", text);
    const Outcome result = run_command(tool({"drift", "--config", "c.toml"}), {.folder = folder.path()});
    CAPTURE(result.err);
    CHECK(result.code == 2);
    CHECK(result.err.find('\n') == result.err.size() - 1);
    for (const std::string& part : named) CHECK(contains(result.err, part));
    CHECK(listing(folder.path()) == "c.toml");
  };
  refuses("seeds = 2\nwdith = 4\n", {"'c.toml', line 2", "no option 'wdith'"});
  refuses("seeds = 2\nseeds = 3\n", {"line 2", "'seeds' is given twice"});
  refuses("out = \"x\"\n", {"line 1", "'out'", "command line only"});
  refuses("config = \"x\"\n", {"line 1", "'config'", "command line only"});
  refuses("seeds 2\n", {"line 1", "'seeds' needs a '='"});
  refuses("seeds = \n", {"line 1", "a value is needed"});
  refuses("seeds = 2 3\n", {"line 1", "more after"});
  refuses("width = []\n", {"line 1", "empty array"});
  refuses("width = [4 8]\n", {"line 1", "','"});
  refuses("width = [4,\n8", {"line 2", "']'"});
  refuses("data = \"circle", {"ends inside a value"});
  refuses("data = \"circle\nseeds = 2\n", {"a string must end on its line"});
  refuses("data = \"\\q\"\n", {"escape \\q"});
  refuses("[model]\nwidth = 4\n", {"line 1", "tables"});
  refuses("= 4\n", {"line 1", "name is needed"});
  refuses("seeds = -1\n", {"--seeds", "'-1'"});
  refuses("steps = 2\ntime = 3\n", {"--steps", "--time"});
}

TEST_CASE("a config that is not there, or is a directory, is no empty config") {
  const TempDir folder;
  for (const char* name : {"none.toml", "."}) {
    const Outcome result = run_command(tool({"drift", "--config", name}), {.folder = folder.path()});
    CHECK(result.code == 2);
    CHECK(contains(result.err, name));
    CHECK(listing(folder.path()).empty());
  }
}

}  // namespace cli_config_test
