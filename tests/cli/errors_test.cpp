#include <doctest/doctest.h>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_errors_test {

using namespace ntape::test;

namespace {

struct Mistake {
  std::string arguments;
  std::vector<std::string> named;  // what the sentence must name
};

// One line on standard error, code 2, nothing on standard output, and nothing in the folder it ran in.
void check_refused(const TempDir& folder, const std::string& before, const Mistake& mistake) {
  CAPTURE(mistake.arguments);
  const Outcome result = run_command(tool_line(mistake.arguments), {.folder = folder.path()});
  CAPTURE(result.err);
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("ntape: "));
  CHECK(result.err.find('\n') == result.err.size() - 1);
  CHECK(!contains(result.err, "internal"));
  for (const std::string& part : mistake.named) CHECK(contains(result.err, part));
  CHECK(listing(folder.path()) == before);
}

void check_refused(const std::vector<Mistake>& mistakes) {
  const TempDir folder;
  std::filesystem::create_directory(folder / "old");
  write_text(folder / "file", "");
  for (const Mistake& mistake : mistakes) check_refused(folder, "file old", mistake);
}

}  // namespace

TEST_CASE("commands and options that do not exist") {
  check_refused({{"", {"no command", "drift, ensemble, figure, kernel, limit"}},
                 {"drfit", {"unknown command 'drfit'", "drift, ensemble, figure, kernel, limit"}},
                 {"--verbose", {"unknown option '--verbose'"}},
                 {"help drfit", {"unknown command 'drfit'"}},
                 {"drift --widht 8", {"--widht"}},
                 {"drift 8", {"'8'"}},
                 {"drift 8 --widht 9", {"'8' '--widht' '9'"}},
                 {"drift --config none.toml", {"'none.toml'", "--config", "does not exist"}},
                 {"drift --config old", {"'old'", "is a directory"}},
                 {"drift --width", {"--width"}},
                 {"kernel --inputs X.npy", {"--out", "required"}},
                 {"limit --out T.npz", {"--inputs", "required"}}});
}

TEST_CASE("numbers that are none, or out of range") {
  check_refused({{"drift --examples 0", {"--examples", "'0'", "at least 1"}},
                 {"drift --examples -5", {"--examples", "'-5'", "at least 1"}},
                 {"drift --width 0", {"--width", "'0'", "at least 1"}},
                 {"drift --width 8,0", {"--width", "'0'", "at least 1"}},
                 {"drift --width 8,-8", {"--width", "'-8'"}},
                 {"drift --width 8,8", {"--width", "8 twice"}},
                 {"drift --width 1e3", {"--width", "'1e3'", "whole number"}},
                 {"drift --width 99999999999999999999", {"--width", "'99999999999999999999'"}},
                 {"drift --hidden 8,0,8", {"--hidden", "'0'"}},
                 {"drift --depth 0", {"--depth", "'0'", "at least 1"}},
                 {"drift --seeds 0", {"--seeds", "'0'", "at least 1"}},
                 {"drift --seeds -1", {"--seeds", "'-1'"}},
                 {"drift --seed -1", {"--seed", "'-1'"}},
                 {"drift --seed 18446744073709551615 --seeds 2", {"2 seeds", "18446744073709551615", "2^64"}},
                 {"drift --steps -1", {"--steps", "'-1'"}},
                 {"drift --threads -1", {"--threads", "'-1'"}},
                 {"drift --threads 1000000", {"--threads", "'1000000'", "at most 1024"}},
                 {"drift --rate 0", {"rate is 0", "positive"}},
                 {"drift --rate -1", {"rate is -1", "positive"}},
                 {"drift --rate nan", {"--rate", "'nan'"}},
                 {"drift --rate 1e999", {"--rate", "'1e999'"}},
                 {"drift --time 0", {"time is 0", "positive"}},
                 {"drift --time 1e300", {"a billion"}},
                 {"drift --steps 100000000000", {"1e+11 steps", "a billion"}},
                 {"drift --weight-scale inf", {"--weight-scale", "'inf'"}},
                 {"drift --weight-scale -1", {"weight scale", "-1", "not negative"}},
                 {"drift --bias-scale two", {"--bias-scale", "'two'"}},
                 {"drift --classes 1.5,2", {"--classes", "'1.5'"}},
                 {"drift --classes 99999999999", {"--classes", "'99999999999'"}}});
}

TEST_CASE("names that are not known list those that are") {
  check_refused({{"drift --activation rellu", {"'rellu'", "identity, relu, leaky_relu(0.1), abs"}},
                 {"drift --precision f16", {"f16", "f32", "f64"}},
                 {"drift --data mnst", {"'mnst'", "circle", "gaussian-product", "fashion-mnist", "FILE.npz"}},
                 {"drift --data sphere:1", {"dimension 1", "at least 2"}},
                 {"drift --data sphere:x", {"sphere:x", "integer"}},
                 {"drift --track often", {"'often'", "log:N, every:K"}},
                 {"drift --track every:0", {"'every:0'", "log:N, every:K"}},
                 {"drift --track 0,300 --steps 200", {"step 300", "step 200"}},
                 {"drift --track every:1 --steps 100000000", {"100000001 steps", "a million"}}});
}

TEST_CASE("options that do not go together") {
  check_refused({{"drift --steps 5 --time 5", {"--steps", "--time"}},
                 {"drift --hidden 8 --width 8", {"--hidden", "--width"}},
                 {"drift --hidden 8 --depth 2", {"--hidden", "--depth"}},
                 {"drift --data circle --inputs X.npy", {"--inputs", "--data"}},
                 {"drift --inputs X.npy", {"inputs and targets are needed together"}},
                 {"drift --outputs 3", {"--outputs is 3", "1 column"}},
                 {"drift --classes 0,1", {"gaussian-product", "no labels"}},
                 {"drift --depth 1 --width 4,8", {"--depth 1", "no hidden layer"}}});
}

TEST_CASE("an option is given once, whether it is a number, a list or a flag") {
  check_refused({{"drift --seeds 2 --seeds 3", {"--seeds is given 2 times"}},
                 {"drift --seeds=2 --seeds 3", {"--seeds is given 2 times"}},
                 {"drift --width 4 --width 8 --width 9", {"--width is given 3 times"}},
                 {"drift --data circle --data circle", {"--data is given 2 times"}},
                 {"drift --quiet --quiet", {"--quiet is given 2 times"}},
                 {"kernel --width 8 --width 16 --out K.npz", {"--width is given 2 times"}}});
}

TEST_CASE("an empty value is no default") {
  const TempDir folder;
  for (const std::string option : {"--out", "--data", "--inputs", "--targets", "--config", "--track",
                                   "--activation", "--width", "--rate"}) {
    CAPTURE(option);
    const Outcome result = run_command(tool({"drift", option, ""}), {.folder = folder.path()});
    CAPTURE(result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, option));
    CHECK((contains(result.err, "empty value") || contains(result.err, "''")));
    CHECK(listing(folder.path()).empty());
  }
  for (const std::string option : {"--against", "--weights", "--save-weights"}) {
    CAPTURE(option);
    const Outcome result = run_command(tool({"kernel", "--inputs", "x.npy", "--out", "K.npz", option, ""}));
    CHECK(result.code == 2);
    CHECK(contains(result.err, option + " is given an empty value"));
  }
}

TEST_CASE("a rate at which training would diverge names both rates and the way around") {
  check_refused({{"drift --rate 1000", {"rate 1000", "critical rate 8.497", "--force-rate"}},
                 {"drift --rate 1e-50 --precision f32", {"1e-50", "f32"}},
                 {"drift --rate 1.5y", {"'1.5y'", "followed by x"}},
                 {"drift --rate x", {"'x'", "followed by x"}},
                 {"drift --rate -1x", {"-1 times the critical one"}},
                 {"drift --momentum 1", {"momentum is 1", "less than 1"}}});
}

TEST_CASE("test data that cannot be had") {
  check_refused({{"drift --data circle --test-examples 3", {"circle", "none can be held out"}},
                 {"drift --test-targets T.npy", {"--test-targets", "--test-inputs"}},
                 {"drift --test-inputs Z.npy --test-examples 3", {"--test-examples", "--test-inputs"}},
                 {"drift --test-inputs nowhere.npy", {"nowhere.npy"}},
                 {"drift --test-checksum fnv1a64:0", {"--test-inputs or --test-examples"}},
                 {"drift --test-examples 3 --test-checksum fnv1a64:0", {"fnv1a64:0", "have changed"}}});
}

TEST_CASE("more than there is memory for") {
  check_refused({{"drift --width 10000000000", {"width 10000000000", "memory"}},
                 // The number of parameters is 2^64 + ...: it would wrap around to a small one.
                 {"drift --width 4294967296 --depth 3", {"width 4294967296", "memory"}},
                 {"drift --depth 10000000000000000000", {"depth 10000000000000000000", "memory"}},
                 {"drift --hidden 4294967296,4294967296", {"memory"}},
                 {"drift --data sphere:1000000000000 --examples 3 --width 8", {"data of this size", "GiB"}},
                 {"drift --examples 1000000000000", {"1000000000000 examples", "memory"}},
                 {"drift --seeds 1000000000000000000", {"memory"}}});
}

TEST_CASE("kernels that overflow or vanish") {
  check_refused({{"drift --weight-scale 1e200", {"overflows"}},
                 {"drift --weight-scale 1e60", {"overflows"}},
                 {"drift --weight-scale 1e15 --precision f32", {"f32"}},
                 {"drift --weight-scale 0 --bias-scale 0", {"zero", "nothing can be trained"}}});
}

TEST_CASE("output that cannot be") {
  check_refused({{"drift --out old", {"'old'", "exists", "--out"}},
                 {"drift --out old/", {"'old'", "exists"}},
                 {"drift --out file", {"'file'", "exists"}},
                 {"drift --out file/run", {"'file/run'"}},
                 {"drift --out file/deep/run", {"'file/deep/run'"}},
                 {"drift --out /proc/run", {"'/proc/run'"}}});
}

TEST_CASE("a network without hidden layers needs no width") {
  const TempDir folder;
  const Outcome result =
      run_command(tool_line("drift --data circle --examples 6 --depth 1 --steps 2 --seeds 2 --out run"),
                  without_gnuplot(folder.path()));
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK(!contains(read_text(folder / "run/config.toml"), "width ="));
  CHECK(contains(read_text(folder / "run/metrics.csv"), "\n0,1,2,"));
}

TEST_CASE("a run that fails after its directory was begun leaves no parent behind") {
  check_refused({{"drift --out new/deep/run --rate 1000", {"critical rate"}},
                 {"drift --rate 1000", {"critical rate"}}});
}

TEST_CASE("a message is one line whatever an argument holds") {
  const TempDir folder;
  const Outcome result = run_command(tool({"drift", "--data", "two\nlines"}), {.folder = folder.path()});
  CHECK(result.code == 2);
  CHECK(result.err.find('\n') == result.err.size() - 1);
}

}  // namespace cli_errors_test
