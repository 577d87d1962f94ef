#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_ensemble_test {

using namespace ntape;
using namespace ntape::test;

TEST_CASE("ensemble trains the networks that drift trains, and writes what it says") {
  const TempDir folder;
  const Surroundings here = without_gnuplot(folder.path());
  const std::string network = " --data sphere:3 --examples 6 --depth 3 --test-examples 2 --rate 0.5 ";
  const Outcome result =
      run_command(tool_line("ensemble" + network +
                            "--width 7 --networks 3 --seed 4 --steps 20,0 --save-outputs --json --out e.npz"),
                  here);
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  const auto facts = nlohmann::json::parse(result.out);
  CHECK(facts["networks"] == 3);
  CHECK(facts["rate"] == .5);
  REQUIRE(facts["moments"].size() == 2);
  CHECK(facts["moments"][1]["steps"] == 20);
  CHECK(facts["moments"][1]["time"] == 10);
  const io::NpzReader file(folder / "e.npz");
  CHECK(file.read("steps").values == std::vector<double>{0, 20});
  CHECK(file.read("seeds").values == std::vector<double>{4, 5, 6});
  CHECK(file.read("losses").shape == std::vector<Index>{2, 3});
  CHECK(file.read("train_mean").shape == std::vector<Index>{2, 6, 1});
  CHECK(file.read("test_quantiles").shape == std::vector<Index>{3, 2, 2, 1});
  CHECK(file.read("train_outputs").shape == std::vector<Index>{2, 3, 6, 1});
  for (const char* name : {"mean_error", "variance", "variance_error", "quantile_errors", "limit_mean",
                           "limit_variance", "z_mean", "z_variance"})
    for (const std::string part : {"train_", "test_"}) CHECK(file.has(part + name));

  REQUIRE(
      run_command(
          tool_line("drift" + network +
                    "--width 7 --seeds 3 --seed 4 --steps 20 --track 0,20 --save-outputs --quiet --out run"),
          here)
          .code == 0);
  const io::NpzReader beside(folder / "run/outputs.npz");
  const auto train = file.read("train_outputs").values, test = file.read("test_outputs").values;
  for (Index s = 0; s < 3; ++s) {
    const std::string name = "network_width_7_seed_" + std::to_string(4 + s);
    const auto same = beside.read(name).values, there = beside.read("test_" + name).values;
    for (Index t = 0; t < 2; ++t) {
      for (Index k = 0; k < 6; ++k) CHECK(train[(t * 3 + s) * 6 + k] == same[t * 6 + k]);
      for (Index k = 0; k < 2; ++k) CHECK(test[(t * 3 + s) * 2 + k] == there[t * 2 + k]);
    }
  }
  // Outputs are kept of the training inputs and of others in one batch, and by drift in two: the same bits,
  // whatever the threads.
  for (const std::string threads : {"1", "2"})
    CHECK(run_command(tool_line("ensemble" + network +
                                "--width 7 --networks 3 --seed 4 --steps 20,0 --json --threads " + threads),
                      here)
              .out ==
          run_command(tool_line("ensemble" + network + "--width 7 --networks 3 --seed 4 --steps 20,0 --json"),
                      here)
              .out);
}

TEST_CASE("ensemble prints a table, and a network that diverges is left out by name") {
  const Outcome said = run_command(
      tool_line("ensemble --data circle --examples 4 --width 8 --networks 5 --times 0,5 --quiet"));
  CHECK(said.code == 0);
  CHECK(said.out.empty());
  const Outcome table =
      run_command(tool_line("ensemble --data circle --examples 4 --width 8 --networks 5 --times 0,5"));
  CHECK(contains(table.out, "5 networks 2-8-8-8-1, relu, seeds 0 to 4\n"));
  CHECK(contains(table.out, "variance / limit's"));
  CHECK(contains(table.out, "by chance in at most 5% of ensembles, with 4 of them)\n"));
  // Narrow networks of many layers whose own critical rate is below the limit's.
  const Outcome some =
      run_command(tool_line("ensemble --data circle --examples 4 --width 2 --networks 40 --steps 300 --rate "
                            "0.99x --weight-scale 3 --activation identity"));
  CAPTURE(some.err);
  CHECK(some.code == 0);
  CHECK(contains(some.err, "ntape: warning: a network is left out, seed "));
}

TEST_CASE("what ensemble cannot do is one sentence, and nothing is written") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  const std::pair<const char*, const char*> cases[] = {
      {"--networks 1", "--networks"},
      {"--rate 2x", "below the critical rate"},
      {"--quantiles 0.5,1.5", "levels from 0 to 1"},
      {"--times -1", "times from 0 on"},
      {"--steps 1 --times 1", "--times"},
      {"--momentum 1", "the momentum is 1"},
      {"--save-outputs", "--out, and it is not given"},
      {"--out e.txt", "ends in .npz"},
      {"--activation nothing", "nothing"},
      {"--test-inputs none.npy", "none.npy"},
  };
  for (const auto& [line, said] : cases) {
    const Outcome refused = run_command(tool_line(std::string("ensemble ") + line), here);
    CAPTURE(line);
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, said));
    CHECK(refused.out.empty());
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

}  // namespace cli_ensemble_test
