#include <doctest/doctest.h>

#include <ntape/io/npy.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_threads_test {

using namespace ntape;
using namespace ntape::test;

namespace {

Surroundings two_processors(const TempDir& folder) {
  Surroundings where = without_gnuplot(folder.path());
  where.environment["OMP_NUM_THREADS"] = "2";
  return where;
}

void check_same_bits(const std::string& arguments) {
  CAPTURE(arguments);
  const TempDir folder;
  for (const std::string threads : {"1", "0", "2", "3"}) {
    const Outcome result =
        run_command(tool_line("drift --quiet --threads " + threads + " --out t" + threads + " " + arguments),
                    two_processors(folder));
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    CHECK(contains(read_text(folder / ("t" + threads) / "manifest.json"),
                   "\"threads\": " + (threads == "0" ? "2" : threads)));
    for (const char* name : {"metrics.csv", "layers.csv", "kernels.npz", "summary.json"}) {
      CAPTURE(name);
      const bool same = read_text(folder / ("t" + threads) / name) == read_text(folder / "t1" / name);
      CHECK(same);
    }
  }
}

}  // namespace

// More networks than threads, spread over them; 150 examples and width 300 make several tiles of a product.
TEST_CASE("drift has the same bits for any number of threads") {
  for (const std::string precision : {"f64", "f32"}) {
    check_same_bits("--examples 150 --width 16,300 --seeds 2 --steps 4 --track every:1 --precision " +
                    precision);
    check_same_bits(
        "--data sphere:5 --examples 40 --width 8,9,10 --seeds 2 --steps 30 --activation tanh --precision " +
        precision);
  }
}

// Fewer networks than threads: the products within the network are shared out.
TEST_CASE("a single network has the same bits for any number of threads") {
  for (const std::string precision : {"f64", "f32"})
    check_same_bits("--examples 300 --hidden 300,270 --seeds 1 --steps 3 --precision " + precision);
}

TEST_CASE("kernel and limit have the same bits for any number of threads") {
  const TempDir folder;
  io::write_npy(folder / "x.npy", normal<double>(300, 5, 1));
  for (const std::string command : {"kernel --outputs 2 --width 300 --layer-shares",
                                    "kernel --width 64 --precision f32", "limit --depth 3"}) {
    CAPTURE(command);
    for (const std::string threads : {"1", "2"})
      REQUIRE(run_command(tool_line(command + " --inputs x.npy --quiet --threads " + threads + " --out " +
                                    threads + ".npz"),
                          two_processors(folder))
                  .code == 0);
    const bool same = read_text(folder / "1.npz") == read_text(folder / "2.npz");
    CHECK(same);
    for (const char* name : {"1.npz", "2.npz"}) std::filesystem::remove(folder / name);
  }
}

}  // namespace cli_threads_test
