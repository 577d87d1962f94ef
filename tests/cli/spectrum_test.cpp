#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_spectrum_test {

using namespace ntape;
using namespace ntape::test;

// The tolerances of tests/kernel/spectrum_test.cpp.
TEST_CASE("spectrum writes the eigenpairs of the kernel command's network") {
  const TempDir folder;
  const auto x = normal<double>(90, 3, 1), z = normal<double>(4, 3, 2);
  io::write_npy(folder / "x.npy", x);
  io::write_npy(folder / "z.npy", z);
  const Outcome result =
      run_command(tool_line("spectrum --inputs x.npy --depth 3 --width 16 --outputs 2 --activation tanh "
                            "--seed 5 --top 4 --kernel-pca --against z.npy --out s.npz --json"),
                  {.folder = folder.path()});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());

  const Mlp<double> model({.widths = {3, 16, 16, 2}, .activation = "tanh"});
  const auto theta = model.initialize(Seed{5});
  auto dense = empirical_ntk(model, theta, x).values;
  for (double& entry : dense) entry /= 90;
  const auto all = linalg::symmetric_eigenvalues(dense);
  const io::NpzReader file(folder / "s.npz");
  const auto values = file.read("eigenvalues");
  REQUIRE(values.shape == std::vector<Index>{4});
  for (Index k = 0; k < 4; ++k)
    CHECK(std::abs(values.values[k] - all[all.size() - 1 - k]) < 1e-12 * all.back());
  CHECK(file.read("components").shape == std::vector<Index>{4, 90, 2});
  CHECK(file.read("components_against").shape == std::vector<Index>{4, 4, 2});
  const auto facts = nlohmann::json::parse(result.out);
  CHECK(facts.at("converged") == true);
  CHECK(facts.at("eigenvalues").get<std::vector<double>>() == values.values);
}

TEST_CASE("spectrum gives all eigenpairs of few examples, and reads all files before it works") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  io::write_npy(folder / "one.npy", normal<double>(1, 3, 1));
  io::write_npy(folder / "wide.npy", normal<double>(2, 5, 1));
  const Outcome one = run_command(tool_line("spectrum --inputs one.npy --width 4 --top 1 --json"), here);
  CHECK(one.code == 0);
  CHECK(nlohmann::json::parse(one.out).at("eigenvalues").size() == 1);
  const Outcome refused = run_command(
      tool_line("spectrum --inputs one.npy --width 4 --top 1 --kernel-pca --against wide.npy --out s.npz"),
      here);
  CHECK(refused.code == 2);
  CHECK(contains(refused.err,
                 "'wide.npy' is 2 x 5, and 3 columns are needed, as the inputs of 'one.npy' have"));
}

// A linear map of ten outputs has each eigenvalue ten times.
TEST_CASE("spectrum gives an eigenvalue as often as it occurs, and says what did not converge") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  io::write_npy(folder / "x.npy", normal<double>(60, 40, 1));
  const std::string line = "spectrum --inputs x.npy --depth 1 --outputs 10 --top 6 ";
  const Outcome result = run_command(tool_line(line + "--json"), here);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  const auto facts = nlohmann::json::parse(result.out);
  const auto values = facts.at("eigenvalues").get<std::vector<double>>();
  REQUIRE(values.size() == 6);
  // As in tests/kernel/spectrum_test.cpp.
  CHECK(values.back() > (1 - 1e-12) * values.front());
  CHECK(facts.at("pairs_converged") == std::vector<bool>(6, true));
  CHECK(facts.at("complete") == true);

  const std::string beyond = line + "--precision f32 --tolerance 1e-300 ";
  const Outcome rounding = run_command(tool_line(beyond), here);
  CHECK(rounding.code == 0);
  CHECK(contains(rounding.err, "ntape: warning: 6 of 6 eigenpairs did not converge"));
  CHECK(contains(rounding.err, "rounding of this precision"));
  CHECK(std::count(rounding.err.begin(), rounding.err.end(), '\n') == 1);
  CHECK(contains(rounding.out, "not converged"));
  const Outcome told = run_command(tool_line(beyond + "--json"), here);
  CHECK(nlohmann::json::parse(told.out).at("converged") == false);
  CHECK(nlohmann::json::parse(told.out).at("pairs_converged") == std::vector<bool>(6, false));
}

TEST_CASE("what spectrum cannot do is one sentence") {
  const TempDir folder;
  const auto refused = [&](const std::string& line, const std::string& part) {
    CAPTURE(line);
    const Outcome result = run_command(tool_line("spectrum " + line), {.folder = folder.path()});
    CHECK(result.code == 2);
    CHECK(contains(result.err, part));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(listing(folder.path()).empty());
  };
  refused("--data circle --examples 8 --width 4 --top 9 --out s.npz", "1 to 8");
  refused("--data circle --examples 8 --width 4 --top 2 --tolerance -1", "--tolerance is -1");
  refused("--data circle --width 4 --kernel-pca", "--out");
  refused("--data circle --width 4 --against z.npy --out s.npz", "--kernel-pca");
  refused("--data nowhere --width 4", "unknown");
}

}  // namespace cli_spectrum_test
