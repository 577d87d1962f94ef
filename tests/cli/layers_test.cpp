#include <doctest/doctest.h>

#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_layers_test {

using namespace ntape;
using namespace ntape::test;

namespace {

const std::string kLayers = " --depth 4 --activation relu,polynomial(1,0,0.5),tanh --residual --layer-norm ";

Architecture layers(Index width) {
  return {.widths = equal_widths(3, width, 1, 4),
          .activations = {"relu", "polynomial(1,0,0.5)", "tanh"},
          .residual = true,
          .layer_norm = true};
}

Matrix<double> array(const std::filesystem::path& file, const std::string& name) {
  return io::to_matrix<double>(io::NpzReader(file).read(name), name);
}

}  // namespace

TEST_CASE("activations by layer, residual connections and layer norm are options of every command") {
  const TempDir folder;
  const Surroundings here = without_gnuplot(folder.path());
  const auto must = [&](const std::string& line) {
    const Outcome result = run_command(tool_line(line), here);
    CAPTURE(line);
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    return result;
  };
  const Matrix<double> x = normal<double>(6, 3, 1);
  io::write_npy(folder / "x.npy", x);
  io::write_npy(folder / "y.npy", normal<double>(6, 1, 2));
  const Mlp<double> model(layers(8));
  const auto theta = model.initialize(Seed{3});

  must("kernel --inputs x.npy --width 8 --seed 3 --kernel trace --out k.npz --save-weights w.npz" + kLayers);
  const Matrix<double> ntk = empirical_ntk(model, theta, x, KernelForm::trace).values;
  CHECK(largest_difference(array(folder / "k.npz", "ntk"), ntk) == 0);
  must("kernel --inputs x.npy --weights w.npz --kernel trace --out v.npz " +
       kLayers.substr(kLayers.find("--activation")));
  CHECK(largest_difference(array(folder / "v.npz", "ntk"), ntk) == 0);
  must("limit --inputs x.npy --out t.npz" + kLayers);
  CHECK(largest_difference(array(folder / "t.npz", "ntk"), limit_ntk(layers(1), x).values) == 0);
  CHECK(must("plan --examples 100 --dimension 3 --width 8" + kLayers).out !=
        must("plan --examples 100 --dimension 3 --width 8 --depth 4").out);
  CHECK(must("spectrum --inputs x.npy --width 8 --top 1" + kLayers).out !=
        must("spectrum --inputs x.npy --width 8 --top 1 --depth 4").out);

  // The limit that drift compares with, and a config that says it all.
  const std::string drift = "drift --inputs x.npy --targets y.npy --width 4,8 --seeds 1 --steps 2 --out ";
  CHECK(must(drift + "a" + kLayers)
            .out.find("relu, polynomial(1,0,0.5), tanh with residual connections and "
                      "layer norm") != std::string::npos);
  CHECK(largest_difference(array(folder / "a/kernels.npz", "theta_inf"), array(folder / "t.npz", "ntk")) ==
        0);
  must("drift --config a/config.toml --out b --quiet");
  for (const char* name : {"metrics.csv", "layers.csv", "config.toml"})
    CHECK(read_text(folder / "a" / name) == read_text(folder / "b" / name));
  CHECK(read_text(folder / "a/config.toml").find("residual = true\nlayer-norm = true\n") !=
        std::string::npos);
}

TEST_CASE("a list of activations must fit the layers, and a streamed kernel is continued with its own") {
  const TempDir folder;
  const Surroundings here = without_gnuplot(folder.path());
  io::write_npy(folder / "x.npy", normal<double>(6, 3, 1));
  for (const char* line : {"limit --inputs x.npy --activation relu,tanh --out t.npz",
                           "kernel --inputs x.npy --activation relu,tanh --width 4 --out t.npz",
                           "kernel --inputs x.npy --depth 3 --activation relu,none --width 4 --out t.npz",
                           "kernel --inputs x.npy --depth 3 --activation relu, --width 4 --out t.npz",
                           "drift --activation relu,tanh --width 4 --steps 1 --seeds 1"}) {
    const Outcome refused = run_command(tool_line(line), here);
    CAPTURE(line);
    CHECK(refused.code == 2);
    CHECK(!std::filesystem::exists(folder / "t.npz"));
  }
}

}  // namespace cli_layers_test
