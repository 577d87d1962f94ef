#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <ntape/dynamics/convex.hpp>
#include <ntape/dynamics/ensemble.hpp>
#include <ntape/dynamics/regression.hpp>
#include <ntape/dynamics/stopping.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/tensor/linalg.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_predict_test {

using namespace ntape;
using namespace ntape::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// 8 examples with 2 targets, 5 other inputs with theirs; classes of the same examples.
struct Files {
  TempDir folder;
  Matrix<double> x = normal<double>(8, 3, 1), y = normal<double>(8, 2, 2), z = normal<double>(5, 3, 3),
                 t = normal<double>(5, 2, 4);
  Files() {
    io::write_npy(folder / "x.npy", x);
    io::write_npy(folder / "y.npy", y);
    io::write_npy(folder / "z.npy", z);
    io::write_npy(folder / "t.npy", t);
  }
  [[nodiscard]] Outcome predict(const std::string& line) const {
    return run_command(tool_line("predict --inputs x.npy --targets y.npy " + line),
                       {.folder = folder.path()});
  }
};

std::vector<double> moment_of(const io::NpzReader& file, const std::string& name, Index moment) {
  const auto array = file.read(name);
  const Index size = array.shape[1] * array.shape[2];
  const auto from = array.values.begin() + static_cast<std::ptrdiff_t>(moment * size);
  return {from, from + static_cast<std::ptrdiff_t>(size)};
}

double half_mean_square(const Matrix<double>& f, const Matrix<double>& y) {
  return objective<double>("mean_square")->value(f, y);
}

}  // namespace

TEST_CASE("predict writes what the library gives: the ensemble, regression and posterior of the limit") {
  const Files files;
  const Outcome result = files.predict(
      "--against z.npy --against-targets t.npy --depth 3 --activation erf --ensemble --nngp --ridge 0.1 "
      "--times inf,0,2.5 --components 3 --early-stopping --covariance --out p.npz --json");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());

  const Architecture a{.widths = {3, 1, 1, 1}, .activation = "erf"};
  const auto train = limit_kernels(a, files.x), cross = limit_kernels(a, files.z, files.x),
             there = limit_kernels(a, files.z);
  const EnsemblePrediction ensemble(train.ntk.values, train.nngp.values, files.y);
  const auto other = ensemble.elsewhere(cross.ntk.values, cross.nngp.values, there.nngp.values);
  const io::NpzReader file(files.folder / "p.npz");
  CHECK(file.read("times").values == std::vector<double>{0, 2.5, kInfinity});
  CHECK(file.read("test").shape == std::vector<Index>{3, 5, 2});
  CHECK(file.read("train_covariance").shape == std::vector<Index>{3, 8, 8});
  CHECK(file.read("test_covariance").shape == std::vector<Index>{3, 5, 5});
  const auto facts = nlohmann::json::parse(result.out);
  const double times[] = {0, 2.5, kInfinity};
  for (Index k = 0; k < 3; ++k) {
    const Gaussian f = ensemble.at(Moment::flow(times[k])), g = other.at(Moment::flow(times[k]));
    // the same sums in the same order
    CHECK(largest_difference(moment_of(file, "train", k), f.mean) == 0);
    CHECK(largest_difference(moment_of(file, "train_sd", k), f.deviations()) == 0);
    CHECK(largest_difference(moment_of(file, "test", k), g.mean) == 0);
    CHECK(largest_difference(moment_of(file, "test_sd", k), g.deviations()) == 0);
    CHECK(largest_difference(moment_of(file, "train_covariance", k), f.covariance) == 0);
    CHECK(largest_difference(moment_of(file, "test_covariance", k), g.covariance) == 0);
    CHECK(facts["moments"][k]["test_loss"] == half_mean_square(g.mean, files.t));
    CHECK(file.read("train_loss").values[k] == half_mean_square(f.mean, files.y));
  }
  CHECK(facts["moments"][2]["time"] == "inf");
  const KernelRegression regression(train.ntk.values, files.y, .1), process(train.nngp.values, files.y, .1);
  CHECK(largest_difference(file.read("ridge_test").values, regression.mean(cross.ntk.values)) == 0);
  const Gaussian posterior = process.posterior(cross.nngp.values, there.nngp.values);
  CHECK(largest_difference(file.read("nngp_test").values, posterior.mean) == 0);
  CHECK(largest_difference(file.read("nngp_test_sd").values, posterior.deviations()) == 0);
  CHECK(largest_difference(file.read("nngp_test_covariance").values, posterior.covariance) == 0);
  CHECK(largest_difference(file.read("nngp_train_covariance").values,
                           process.posterior(train.nngp.values, train.nngp.values).covariance) == 0);
  CHECK(facts["ridge"]["solve"]["ridge"] == .1);
  CHECK(facts["solve"]["condition"] == ensemble.mean().report().condition);
  CHECK(facts["early_stopping"]["test_loss"] == early_stopping(other, files.t).loss);
  CHECK(facts["early_stopping"]["loss_is"] == "expected test loss of a network");
  CHECK(facts["solve"]["full_condition"] == ensemble.mean().report().full_condition);
  CHECK(file.read("component_rates").values[0] == ensemble.mean().eigenvalues().back() / 8);
  CHECK(file.read("component_residuals").shape == std::vector<Index>{3, 3});
}

TEST_CASE("predict takes a network at its start, and the same from the files of the kernel command") {
  const Files files;
  REQUIRE(run_command(tool_line("kernel --inputs x.npy --depth 3 --width 6 --outputs 2 --seed 4 --out k.npz"),
                      {.folder = files.folder.path()})
              .code == 0);
  const std::string steps = "--test 3 --steps 40,0,7 --momentum 0.5 --json --out ";
  const Outcome result = files.predict("--kernel start --depth 3 --width 6 --seed 4 " + steps + "p.npz");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  REQUIRE(files.predict("--kernel k.npz " + steps + "q.npz").code == 0);
  const io::NpzReader p(files.folder / "p.npz"), q(files.folder / "q.npz");
  CHECK(p.read("steps").values == std::vector<double>{0, 7, 40});

  const Mlp<double> model({.widths = {3, 6, 6, 2}});
  const auto theta = model.initialize(Seed{4});
  Matrix<double> x = make_matrix<double>(5, 3), y = make_matrix<double>(5, 2), z = make_matrix<double>(3, 3);
  std::copy_n(files.x.begin(), 15, x.begin());
  std::copy_n(files.y.begin(), 10, y.begin());
  std::copy_n(files.x.begin() + 15, 9, z.begin());
  const auto train = empirical_kernels(model, theta, x), there = empirical_kernels(model, theta, z, x);
  const LazyPrediction lazy(train.ntk.values, train.outputs, y);
  const auto elsewhere = lazy.elsewhere(there.ntk.values, there.outputs);
  const double rate = nlohmann::json::parse(result.out)["rate"];
  CHECK(rate == doctest::Approx(1.5 * critical_rate(lazy.eigenvalues().back(), 5) / 4).epsilon(1e-15));
  const Index at[] = {0, 7, 40};
  for (Index k = 0; k < 3; ++k) {
    const Moment moment = Moment::descent(at[k], rate, .5);
    CHECK(largest_difference(moment_of(p, "train", k), lazy.at(moment)) == 0);
    CHECK(largest_difference(moment_of(p, "test", k), elsewhere.at(moment)) == 0);
    // Outputs of all examples at once and of some have other rounding: 1e-16, condition below 1e3.
    CHECK(largest_difference(moment_of(p, "train", k), moment_of(q, "train", k)) < 1e-12);
    CHECK(largest_difference(moment_of(p, "test", k), moment_of(q, "test", k)) < 1e-12);
  }
}

TEST_CASE("predict solves other objectives, and takes centred one-hot targets for the classes they are") {
  Files files;
  const Index classes[] = {0, 2, 1, 1, 0, 2, 2, 0};
  auto plain = zeros<double>(8, 3), centred = plain;
  for (Index n = 0; n < 8; ++n)
    for (Index c = 0; c < 3; ++c) {
      plain(n, c) = c == classes[n] ? 1 : 0;
      centred(n, c) = plain(n, c) - 1.0 / 3;
    }
  io::write_npy(files.folder / "y.npy", centred);
  const Outcome result =
      files.predict("--objective softmax_cross_entropy --times 0,3 --against z.npy --out p.npz");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out, "steps of Dormand-Prince"));
  CHECK(contains(result.out, "effective rank"));
  // Nothing was solved, so that nothing is said of a solve.
  const auto facts = nlohmann::json::parse(
      files.predict("--objective softmax_cross_entropy --times 0,3 --json").out)["solve"];
  CHECK(facts["condition"].is_number());
  for (const char* of : {"backward_error", "ridge", "unreachable"}) CHECK(facts[of].is_null());
  CHECK(facts["null_modes"] == 0);
  const Outcome cut = files.predict("--objective softmax_cross_entropy --times 1e9 --solver-steps 50");
  CHECK(cut.code == 2);
  CHECK(contains(cut.err, "after 50 steps of its solver"));
  const auto kernel = limit_ntk({.widths = {3, 1, 1, 1, 1}, .activation = "relu"}, files.x).values;
  const auto f0 = zeros<double>(8, 3);
  const auto flow = flow_coefficients(kernel, f0, plain, {0, 3}, {.tolerance = 1e-8});
  CHECK(largest_difference(moment_of(io::NpzReader(files.folder / "p.npz"), "train", 1),
                           outputs_of(kernel, flow.at[1], f0)) == 0);
}

TEST_CASE(
    "predict starts from the outputs that drift recorded beside a kernel, and says when there are none") {
  const Files files;
  const auto column = normal<double>(8, 1, 2);
  io::write_npy(files.folder / "y.npy", column);
  REQUIRE(
      run_command(
          tool_line("drift --inputs x.npy --targets y.npy --depth 3 --width 6 --seeds 1 --steps 30 --track "
                    "0,30 --save-outputs --quiet --out run"),
          without_gnuplot(files.folder.path()))
          .code == 0);
  const io::NpzReader beside(files.folder / "run/outputs.npz");
  const auto rate = beside.read("times").values[1] / 30;
  const Outcome result =
      files.predict("--kernel run/kernels.npz --array theta_0_width_6 --steps 0,30 --rate " +
                    nlohmann::json(rate).dump() + " --out p.npz");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(!contains(result.err, "f_0 is taken"));
  CHECK(!contains(result.err, "other data"));
  CHECK(contains(result.out, "with its outputs"));
  const auto predicted = io::NpzReader(files.folder / "p.npz").read("train").values,
             frozen = beside.read("frozen_width_6_seed_0").values;
  REQUIRE(predicted.size() == 16);
  // Kernels of one output, recorded and full, are different sums: rounding of 1e-16 at a condition below 1e3.
  for (Index k = 0; k < 16; ++k) CHECK(std::abs(predicted[k] - frozen[k]) < 1e-11);
  REQUIRE(run_command(
              tool_line(
                  "drift --data sphere:3 --examples 8 --depth 3 --width 6 --seeds 1 --steps 30 --track 0,30 "
                  "--test-examples 4 --save-outputs --save-kernels --quiet --out with"),
              without_gnuplot(files.folder.path()))
              .code == 0);
  // The kernel of all twelve, and what it says of the four that were not trained on.
  const io::NpzReader there(files.folder / "with/outputs.npz");
  const Outcome held = run_command(tool_line("predict --data sphere:3 --examples 12 --test 4 --kernel "
                                             "with/kernels.npz --array theta_0_all_width_6 "
                                             "--steps 0,30 --out h.npz --rate " +
                                             nlohmann::json(there.read("times").values[1] / 30).dump()),
                                   {.folder = files.folder.path()});
  CAPTURE(held.err);
  REQUIRE(held.code == 0);
  const auto tested = io::NpzReader(files.folder / "h.npz").read("test").values,
             frozen_there = there.read("test_frozen_width_6_seed_0").values;
  REQUIRE(tested.size() == frozen_there.size());
  for (Index k = 0; k < tested.size(); ++k) CHECK(std::abs(tested[k] - frozen_there[k]) < 1e-11);
  // On other examples, or with others held out, the same command is told so.
  CHECK(!contains(held.err, "was recorded on other data"));
  for (const std::string data : {"--data sphere:3 --data-seed 5", "--data circle"})
    CHECK(contains(run_command(tool_line("predict " + data +
                                         " --examples 12 --test 4 --times 1 --kernel "
                                         "with/kernels.npz --array theta_0_all_width_6"),
                               {.folder = files.folder.path()})
                       .err,
                   "recorded on other data than"));
  // What is no record of it says nothing.
  const auto again = [&] {
    return run_command(tool_line("predict --data circle --examples 12 --test 4 --times 1 --kernel "
                                 "with/kernels.npz --array theta_0_all_width_6"),
                       {.folder = files.folder.path()});
  };
  for (const char* text : {"{\"data\":{\"checksum\":5}}", "null", "[1]", "{\"data\":3}", "no JSON"}) {
    std::ofstream(files.folder / "with/manifest.json") << text;
    CHECK(again().code == 0);
    CHECK(!contains(again().err, "other data"));
  }
  std::filesystem::remove(files.folder / "with/manifest.json");
  std::filesystem::create_directory(files.folder / "with/manifest.json");
  CHECK(again().code == 0);
  const auto at_end = io::NpzReader(files.folder / "with/kernels.npz").read("outputs_30_all_width_6").values;
  const auto test_end = there.read("test_network_width_6_seed_0").values;
  for (Index k = 0; k < 4; ++k) CHECK(at_end[8 + k] == doctest::Approx(test_end[4 + k]).epsilon(1e-13));
  const Outcome end =
      files.predict("--kernel run/kernels.npz --array theta_end_width_6 --times 0 --out e.npz");
  CHECK(!contains(end.err, "f_0 is taken"));
  const auto last = io::NpzReader(files.folder / "e.npz").read("train").values,
             network = beside.read("network_width_6_seed_0").values;
  for (Index k = 0; k < 8; ++k) CHECK(last[k] == network[8 + k]);
  // Infinite width starts at zero on average; any other kernel of a file did not.
  CHECK(!contains(files.predict("--kernel run/kernels.npz --array theta_inf --times 0").err, "f_0 is taken"));
  io::write_npy(files.folder / "k.npy", linalg::gram(linalg::view(files.x)));
  const Outcome bare = files.predict("--kernel k.npy --times 0");
  CHECK(bare.code == 0);
  CHECK(contains(bare.err, "ntape: warning: f_0 is taken as zero, because 'k.npy' has no outputs"));
  io::write_npy(files.folder / "f.npy", column);
  CHECK(!contains(files.predict("--kernel k.npy --start-outputs f.npy --times 0").err, "f_0 is taken"));
}

// Of several outputs what drift records is full, and predicts what its own frozen network does, on test
// inputs, too.
TEST_CASE("predict takes the full kernels that drift records of several outputs") {
  const Files files;
  io::write_npy(files.folder / "y.npy", files.y);
  for (const std::string precision : {"f64", "f32"}) {
    REQUIRE(
        run_command(tool_line("drift --inputs x.npy --targets y.npy --depth 3 --width 6 --seeds 1 --steps 30 "
                              "--track 0,30 --test-inputs z.npy --test-targets t.npy --save-outputs "
                              "--save-kernels --quiet --precision " +
                              precision + " --out " + precision),
                    without_gnuplot(files.folder.path()))
            .code == 0);
    const io::NpzReader kernels(files.folder / precision / "kernels.npz"),
        there(files.folder / precision / "outputs.npz");
    CHECK(kernels.read("theta_0_all_width_6").shape == std::vector<Index>{13, 13, 2, 2});
    CHECK(kernels.read("theta_0_width_6").shape == std::vector<Index>{8, 8});
    Matrix<double> all = make_matrix<double>(13, 3), targets = make_matrix<double>(13, 2);
    std::copy(files.x.begin(), files.x.end(), all.begin());
    std::copy(files.z.begin(), files.z.end(), all.begin() + 24);
    std::copy(files.y.begin(), files.y.end(), targets.begin());
    std::copy(files.t.begin(), files.t.end(), targets.begin() + 16);
    io::write_npy(files.folder / "all.npy", all);
    io::write_npy(files.folder / "targets.npy", targets);
    const Outcome held = run_command(
        tool_line("predict --inputs all.npy --targets targets.npy --test 5 --kernel " + precision +
                  "/kernels.npz --array theta_0_all_width_6 --steps 0,30 --out " + precision +
                  ".npz --rate " + nlohmann::json(there.read("times").values[1] / 30).dump()),
        {.folder = files.folder.path()});
    CAPTURE(held.err);
    REQUIRE(held.code == 0);
    CHECK(!contains(held.err, "outputs alike"));
    CHECK(!contains(held.err, "other data"));
    const io::NpzReader predicted(files.folder / (precision + ".npz"));
    for (const std::string part : {"train", "test"}) {
      const auto found = predicted.read(part).values,
                 frozen = there.read((part == "test" ? "test_" : "") + std::string("frozen_width_6_seed_0"))
                              .values;
      REQUIRE(found.size() == frozen.size());
      // other sums of doubles, at a condition below 1e3; kernels and outputs rounded to floats
      const double tolerance = precision == "f64" ? 1e-11 : 2e-6;
      for (Index k = 0; k < found.size(); ++k) CHECK(std::abs(found[k] - frozen[k]) < tolerance);
    }
  }
}

TEST_CASE("test inputs without targets are no other data") {
  const Files files;
  REQUIRE(
      run_command(tool_line("drift --inputs x.npy --targets y.npy --depth 3 --width 6 --seeds 1 --steps 2 "
                            "--test-inputs z.npy --save-kernels --quiet --out bare"),
                  without_gnuplot(files.folder.path()))
          .code == 0);
  Matrix<double> all = make_matrix<double>(13, 3), targets = zeros<double>(13, 2);
  std::copy(files.x.begin(), files.x.end(), all.begin());
  std::copy(files.z.begin(), files.z.end(), all.begin() + 24);
  std::copy(files.y.begin(), files.y.end(), targets.begin());
  io::write_npy(files.folder / "all.npy", all);
  io::write_npy(files.folder / "targets.npy", targets);
  const auto predict = [&](const std::string& kernel) {
    return run_command(
        tool_line("predict --inputs all.npy --targets targets.npy --test 5 --times 1 --kernel " + kernel +
                  " --array theta_0_all_width_6"),
        {.folder = files.folder.path()});
  };
  CHECK(predict("bare/kernels.npz").code == 0);
  CHECK(!contains(predict("bare/kernels.npz").err, "other data"));
  // A kernel of another file is not what the record is of.
  targets(0, 0) = 7;
  io::write_npy(files.folder / "targets.npy", targets);
  CHECK(contains(predict("bare/kernels.npz").err, "other data"));
  std::filesystem::copy_file(files.folder / "bare/kernels.npz", files.folder / "bare/mine.npz");
  CHECK(!contains(predict("bare/mine.npz").err, "other data"));
}

TEST_CASE("a rate may be a multiple of the critical one") {
  const Files files;
  const auto facts = [&](const std::string& line) {
    return nlohmann::json::parse(files.predict("--steps 3 --json " + line).out);
  };
  const auto half = facts("--rate 0.5x --momentum 0.3");
  CHECK(half["rate"].get<double>() == half["critical_rate"].get<double>() / 2);
  const auto plain = facts("--rate " + half["rate"].dump() + " --momentum 0.3");
  CHECK(plain["moments"] == half["moments"]);
  CHECK(
      contains(files.predict("--steps 3 --rate 0.1x --momentum 0.999999999").out, "momentum 0.999999999\n"));
  const auto quarter = facts("");
  CHECK(quarter["rate"].get<double>() == quarter["critical_rate"].get<double>() / 4);
}

TEST_CASE("numbers that leave the range of double are refused, not printed") {
  Files files;
  files.y(0, 0) = 1e200;
  io::write_npy(files.folder / "y.npy", files.y);
  Outcome result = files.predict("--times 0,1,inf --out p.npz");
  CHECK(result.code == 2);
  CHECK(contains(result.err, "overflowed"));
  CHECK(!std::filesystem::exists(files.folder / "p.npz"));
  // A kernel whose inverse is no double.
  files.y(0, 0) = 1;
  io::write_npy(files.folder / "y.npy", files.y);
  auto tiny = zeros<double>(8, 8);
  for (Index i = 0; i < 8; ++i) tiny(i, i) = 1e-312;
  io::write_npy(files.folder / "tiny.npy", tiny);
  result = files.predict("--kernel tiny.npy --times inf --ridge 1e-320");
  CHECK(result.code == 2);
  CHECK(contains(result.err, "overflowed"));
}

TEST_CASE("examples that repeat are predicted, with a warning of what the kernel does not determine") {
  Files files;
  std::copy_n(files.x.begin(), 3, files.x.begin() + 3);
  io::write_npy(files.folder / "x.npy", files.x);
  const Outcome result = files.predict("--against z.npy --ridge 0 --times inf");
  CHECK(result.code == 0);
  CHECK(contains(result.err,
                 "ntape: warning: training to the end: the kernel does not determine every mode: 1 of 8"));
  CHECK(contains(result.err, "ntape: warning: kernel regression: "));
  CHECK(!contains(result.out, "nan"));
  // One below rounding does nothing, which is said; one above is what little it is.
  const auto regression = [&](const std::string& ridge) {
    return nlohmann::json::parse(
        files.predict("--against z.npy --times inf --json --ridge " + ridge).out)["ridge"];
  };
  const auto none = regression("0");
  for (const std::string ridge : {"1e-18", "1e-15"}) {
    const auto tiny = regression(ridge);
    // The least eigenvalue that counts is above 1e-3.
    CHECK(tiny["train_loss"].get<double>() ==
          doctest::Approx(none["train_loss"].get<double>()).epsilon(1e-10));
    CHECK(tiny["solve"]["null_modes"] == none["solve"]["null_modes"]);
  }
  CHECK(contains(files.predict("--against z.npy --times inf --ridge 1e-18").err,
                 "a ridge of 1e-18 is too small to determine them"));
  // A ridge mends the regression.
  CHECK(!contains(files.predict("--against z.npy --ridge 0.1 --times inf").err, "kernel regression"));
}

TEST_CASE("what predict cannot do is one sentence") {
  const Files files;
  io::write_npy(files.folder / "k.npy", normal<double>(7, 7, 1));
  io::NpzWriter two(files.folder / "two.npz");
  two.add("a", normal<double>(8, 8, 1));
  two.add("b", normal<double>(8, 8, 2));
  two.close();
  // Not on the training set of the first six, but beside it.
  const Matrix<double> root = normal<double>(8, 8, 3);
  Matrix<double> gram = linalg::gram(linalg::view(root));
  gram(7, 1) += 1;
  io::write_npy(files.folder / "tilted.npy", gram);
  gram(7, 1) = gram(1, 7) = std::nan("");
  io::write_npy(files.folder / "hole.npy", gram);
  for (Index i = 0; i < 8; ++i)
    for (Index j = 0; j < 8; ++j) gram(i, j) = i == j ? -1 : 0;
  io::write_npy(files.folder / "minus.npy", gram);
  // An eigenvalue of -2e-4 of the largest: no rounding of floats.
  for (Index i = 0; i < 8; ++i) gram(i, i) = i == 0 ? -2e-4 : 1;
  io::write_npy(files.folder / "slightly.npy", gram);
  gram(0, 0) = -1e-5;
  io::write_npy(files.folder / "rounded.npy", gram);
  io::write_npy(files.folder / "zeros.npy", zeros<double>(8, 8));
  const std::string before = listing(files.folder.path());
  const Outcome unwritten = files.predict("--ensemble --covariance");
  CHECK(unwritten.code == 2);
  CHECK(contains(unwritten.err, "--covariance has no effect here: covariances are written to --out"));
  CHECK(files.predict("--kernel rounded.npy").code == 0);
  const auto refused = [&](const std::string& line, const std::string& part) {
    CAPTURE(line);
    const Outcome result = files.predict(line + " --out p.npz");
    CAPTURE(result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, part));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(listing(files.folder.path()) == before);
  };
  refused("--kernel start --ensemble", "--kernel limit");
  refused("--covariance", "--covariance has no effect here: it belongs to --ensemble and --nngp");
  refused("--kernel zeros.npy --steps 3", "its critical rate is infinite");
  refused("--kernel zeros.npy --steps 3 --rate 0.5x", "its critical rate is infinite");
  refused("--kernel two.npz", "a, b; name one with --array");
  refused("--kernel two.npz --array c", "a, b");
  refused("--kernel two.npz --array a", "not symmetric");
  refused("--kernel k.npy", "(7, 7)");
  refused("--kernel tilted.npy --test 2", "'tilted.npy' is not symmetric");
  refused("--kernel hole.npy --test 2", "'hole.npy' holds a value that is not finite in row 1, column 7");
  for (const char* objective : {"mean_square", "softmax_cross_entropy"}) {
    refused(std::string("--kernel minus.npy --objective ") + objective, "positive semidefinite");
    refused(std::string("--kernel slightly.npy --objective ") + objective, "positive semidefinite");
  }
  refused("--kernel k.npy --against z.npy", "--test");
  refused("--kernel nothing", "limit, start, FILE.npy or FILE.npz");
  refused("--array a", "--kernel is limit");
  refused("--test 8", "at least one is needed");
  refused("--early-stopping", "--test");
  refused("--times -1", "at least 0, or inf");
  refused("--times nan", "at least 0, or inf");
  refused("--rate 1", "--steps");
  refused("--steps 5 --rate 1e6", "critical rate");
  refused("--steps 5 --momentum 1", "--momentum");
  refused("--ridge -1", "--ridge");
  refused("--objective hinge", "unknown objective");
  refused("--objective logistic --times 1", "-1 or +1");
  refused("--objective logistic --times inf", "finite times");
  refused("--objective logistic --ensemble", "mean square");
  refused("--objective logistic --ridge 0.1", "--ridge needs the mean square, and --objective is logistic");
  refused("--objective softmax_cross_entropy --nngp", "--nngp needs the mean square");
  refused("--against-targets t.npy", "--against");
  refused("--against z.npy --against-targets y.npy", "5 x 2");
  refused("--test-inputs z.npy --test-targets y.npy", "5 x 2");
  refused("--against x.npy --test 2", "--test");
  refused("--steps 5 --rate 1x", "critical rate");
  refused("--steps 5 --rate 0x", "above 0");
  refused("--steps 5 --test 2 --early-stopping", "leave out one");
  refused("--width 64", "--kernel is limit");
  refused("--seed 3", "--kernel is limit");
  refused("--kernel k.npy --depth 3", "no effect");
  refused("--tolerance 1e-6", "needs no solver");
  refused("--objective softmax_cross_entropy --tolerance 1e-17", "1e-13");
}

TEST_CASE("a kernel in float32 is known to float32, and predictions and warnings go by that") {
  const Files files;
  constexpr float kLast = 1 + 0x1p-23F;
  Matrix<float> k = make_matrix<float>(3, 3);
  k.fill(.5F);
  k(0, 0) = k(0, 1) = k(1, 0) = k(2, 2) = 1;
  k(1, 1) = kLast;
  Matrix<double> y = make_matrix<double>(3, 1);
  y(0, 0) = 1;
  y(1, 0) = -1;
  y(2, 0) = .3;
  io::write_npy(files.folder / "x.npy", normal<double>(3, 2, 1));
  io::write_npy(files.folder / "y.npy", y);
  io::write_npy(files.folder / "f.npy", zeros<double>(3, 1));
  io::write_npy(files.folder / "k.npy", k);
  const std::string line = "--kernel k.npy --start-outputs f.npy --test 1 --times 0,1,inf";
  const Outcome result = files.predict(line + " --out p.npz");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.err, "the kernel does not determine every mode: its values are known to 4.77e-07"));
  // Taken for exact, (.5, .5) K^{-1} (1, -1) is .5; of minimum norm it is that of the mean of targets, 0, and
  // a rounding to float.
  CHECK(std::abs(moment_of(io::NpzReader(files.folder / "p.npz"), "test", 2)[0]) < 1e-6);
  const auto facts = nlohmann::json::parse(files.predict(line + " --ridge 1e-8 --json").out);
  CHECK(facts["solve"]["precision"] == 0x1p-21);  // four roundings
  CHECK(facts["ridge"]["solve"]["null_modes"] == 1);
  CHECK(std::abs(facts["ridge"]["train_loss"].get<double>() - .5) < 1e-6);
  // Of doubles that name the same numbers, another answer.
  Matrix<double> doubles = make_matrix<double>(3, 3);
  std::copy(k.begin(), k.end(), doubles.begin());
  io::write_npy(files.folder / "k.npy", doubles);
  CHECK(!contains(files.predict(line).err, "does not determine"));
}

TEST_CASE("a run of drift in f32 records floats, so that predict knows") {
  const Files files;
  REQUIRE(run_command(
              tool_line(
                  "drift --inputs x.npy --targets y.npy --depth 3 --width 6 --seeds 1 --steps 2 --precision "
                  "f32 --quiet --out run"),
              without_gnuplot(files.folder.path()))
              .code == 0);
  const io::NpzReader kernels(files.folder / "run/kernels.npz");
  for (const char* of : {"theta_0_width_6", "theta_end_width_6", "outputs_0_width_6"})
    CHECK(kernels.read(of).epsilon == 0x1p-23);
  CHECK(kernels.read("theta_inf").epsilon == 0x1p-52);
}

TEST_CASE("a kernel of zeros trains nothing, along the flow and in steps") {
  const Files files;
  io::write_npy(files.folder / "k.npy", zeros<double>(8, 8));
  io::write_npy(files.folder / "f.npy", normal<double>(8, 2, 5));
  const auto losses = [&](const std::string& line) {
    const Outcome result = files.predict("--kernel k.npy --start-outputs f.npy --json " + line);
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    CHECK(contains(result.err, "8 of 8 eigenvalues"));
    const auto facts = nlohmann::json::parse(result.out);
    if (facts.contains("rate")) CHECK(facts["critical_rate"] == "inf");
    return std::vector<double>{facts["moments"][0]["train_loss"], facts["moments"][1]["train_loss"]};
  };
  const auto flow = losses("--times 0,7");
  // y + (f_0 - y) in two roundings
  CHECK(flow[1] == doctest::Approx(flow[0]).epsilon(1e-14));
  CHECK(losses("--steps 0,3 --rate 1e9") == flow);
  CHECK(losses("--steps 0,3 --rate 1 --momentum 0.5") == flow);
}

TEST_CASE("no training objective rises under a kernel with a negative eigenvalue, and late times are said") {
  const Files files;
  Matrix<double> k = zeros<double>(8, 8), y = zeros<double>(8, 1);
  for (Index i = 0; i < 8; ++i) {
    k(i, i) = i == 7 ? -1e-5 : 1;
    y(i, 0) = i % 2 == 0 ? 1 : -1;
  }
  io::write_npy(files.folder / "k.npy", k);
  io::write_npy(files.folder / "y.npy", y);
  for (const std::string name : {"logistic", "mean_square"}) {
    const Outcome result =
        files.predict("--kernel k.npy --objective " + name + " --times 0,1,1e6,1e7 --json");
    const auto moments = nlohmann::json::parse(result.out)["moments"];
    for (Index m = 1; m < 4; ++m)
      CHECK(moments[m]["train_loss"].get<double>() <= moments[m - 1]["train_loss"].get<double>());
    CHECK(contains(result.err, "1 of 8 eigenvalues (1 negative) count as zero"));
    // N over 1e-5, and a hundredth
    CHECK(contains(result.err, "from time 8e+03 on modes with eigenvalues up to 1e-05"));
    CHECK(contains(result.err, "from 8e+05 on they are left out"));
  }
  CHECK(!contains(files.predict("--kernel k.npy --times 0,7e3,inf").err, "from time"));
}

TEST_CASE("a kernel that is one for all outputs is said to be, unless it is the limit's") {
  const Files files;
  const auto x = normal<double>(8, 2, 1);
  io::write_npy(files.folder / "x.npy", x);
  io::write_npy(files.folder / "y.npy", normal<double>(8, 3, 2));
  io::write_npy(files.folder / "f.npy", zeros<double>(8, 3));
  io::write_npy(files.folder / "k.npy", linalg::gram(linalg::view(x)));
  const std::string line = "--kernel k.npy --start-outputs f.npy --times 1";
  CHECK(contains(files.predict(line).err, "is applied to each of the 3 outputs alike"));
  CHECK(!contains(files.predict("--kernel limit --times 1").err, "outputs alike"));
  io::write_npy(files.folder / "y.npy", normal<double>(8, 1, 2));
  io::write_npy(files.folder / "f.npy", zeros<double>(8, 1));
  CHECK(!contains(files.predict(line).err, "outputs alike"));
}

TEST_CASE("a limit so deep that it forgets its inputs comes with a warning") {
  const Files files;
  CHECK(contains(files.predict("--depth 40 --times 1 --quiet").err, "depth 40 is 28 times xi"));
  CHECK(files.predict("--depth 4 --times 1 --quiet").err.empty());
}

TEST_CASE("covariances that cannot be held are refused at once") {
  // 20 000 of them, 2 TB; without them, 0.3 GB.
  std::string times = "0";
  for (Index k = 1; k < 20000; ++k) times += ",0";
  const TempDir folder;
  const Outcome result = run_command(
      tool_line("predict --data sphere:3 --examples 2000 --ensemble --covariance --out p.npz --times " +
                times),
      {.folder = folder.path()});
  CHECK(result.code == 2);
  CHECK(contains(result.err, "and their covariances"));
  CHECK(!std::filesystem::exists(folder / "p.npz"));
}

}  // namespace cli_predict_test
