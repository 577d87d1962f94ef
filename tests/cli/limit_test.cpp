#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/limit/sphere.hpp>
#include <thread>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_limit_test {

using namespace ntape;
using namespace ntape::test;

namespace {

Matrix<double> kernel(const std::filesystem::path& file, const std::string& name) {
  return io::to_matrix<double>(io::NpzReader(file).read(name), name);
}

}  // namespace

TEST_CASE("limit writes ntk and nngp of the library, square or against other inputs") {
  const TempDir folder;
  const Matrix<double> x = normal<double>(5, 3, 1), z = normal<double>(4, 3, 2);
  io::write_npy(folder / "x.npy", x);
  io::write_npy(folder / "z.npy", z);
  const Surroundings here{.folder = folder.path()};
  for (const std::string activation : {"relu", "erf", "tanh"}) {
    const std::string options = "limit --inputs x.npy --depth 3 --activation " + activation +
                                " --weight-scale 1.3 --bias-scale 0.2 --out " + activation;
    REQUIRE(run_command(tool_line(options + ".npz"), here).code == 0);
    REQUIRE(run_command(tool_line(options + "-z.npz --against z.npy"), here).code == 0);
    const Architecture a{
        .widths = {3, 1, 1, 1}, .activation = activation, .weight_scale = 1.3, .bias_scale = 0.2};
    CHECK(io::NpzReader(folder / (activation + ".npz")).names() ==
          std::vector<std::string>{"ntk", "nngp", "ntk_bound", "nngp_bound"});
    CHECK(largest_difference(kernel(folder / (activation + ".npz"), "ntk_bound"),
                             limit_kernels(a, x).ntk_bound) == 0);
    CHECK(largest_difference(kernel(folder / (activation + ".npz"), "ntk"), limit_ntk(a, x).values) == 0);
    CHECK(largest_difference(kernel(folder / (activation + ".npz"), "nngp"), limit_nngp(a, x).values) == 0);
    const LimitKernels cross = limit_kernels(a, x, z);
    CHECK(shape_of(kernel(folder / (activation + "-z.npz"), "ntk")) == Shape{5, 4});
    CHECK(largest_difference(kernel(folder / (activation + "-z.npz"), "ntk"), cross.ntk.values) == 0);
    CHECK(largest_difference(kernel(folder / (activation + "-z.npz"), "nngp"), cross.nngp.values) == 0);
  }
}

// ReLU, sigma_w = 1, beta = 0, |x|^2 / n_0 = 1, L = 4: Theta_inf at 0, 60, 90, 120, 180 degrees.
TEST_CASE("limit reproduces the reference values") {
  const TempDir folder;
  const std::vector<double> angles = {0, 60, 90, 120, 180};
  const std::vector<double> expected = {0.5, .217230584901914, .132548513350323, .092781165320147,
                                        .085713579535368};
  Matrix<double> x = make_matrix<double>(5, 2);
  for (Index i = 0; i < 5; ++i) {
    x(i, 0) = std::sqrt(2.0) * std::cos(angles[i] * std::acos(-1.0) / 180);
    x(i, 1) = std::sqrt(2.0) * std::sin(angles[i] * std::acos(-1.0) / 180);
  }
  io::write_npy(folder / "x.npy", x);
  REQUIRE(run_command(tool_line("limit --inputs x.npy --bias-scale 0 --out t.npz"), {.folder = folder.path()})
              .code == 0);
  const Matrix<double> ntk = kernel(folder / "t.npz", "ntk");
  // At 180 degrees the slope of the kernel in the cosine is infinite, and the points' rounding shows: 1e-8.
  for (Index i = 0; i < 5; ++i) CHECK(std::abs(ntk(0, i) - expected[i]) < (i == 4 ? 1e-7 : 1e-13));
}

TEST_CASE("the limit that drift compares with is the one that limit writes") {
  const TempDir folder;
  const Surroundings here = without_gnuplot(folder.path());
  io::write_npy(folder / "x.npy", normal<double>(6, 3, 1));
  io::write_npy(folder / "y.npy", normal<double>(6, 1, 2));
  REQUIRE(
      run_command(
          tool_line("drift --inputs x.npy --targets y.npy --width 4 --seeds 1 --steps 1 --quiet --out run"),
          here)
          .code == 0);
  REQUIRE(run_command(tool_line("limit --inputs x.npy --out t.npz"), here).code == 0);
  CHECK(largest_difference(kernel(folder / "run/kernels.npz", "theta_inf"),
                           kernel(folder / "t.npz", "ntk")) == 0);
}

TEST_CASE("limit says in a line or in JSON what it wrote, or nothing") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  io::write_npy(folder / "x.npy", normal<double>(6, 3, 1));
  const std::string said = run_command(tool_line("limit --inputs x.npy --out a.npz"), here).out;
  CHECK(said.starts_with("a.npz: limit NTK and NNGP, 6 x 6, within "));
  CHECK(said.ends_with(" of the largest entry\n"));
  const auto facts =
      nlohmann::json::parse(run_command(tool_line("limit --inputs x.npy --json --out b.npz"), here).out);
  CHECK(facts["out"] == "b.npz");
  CHECK(facts["shape"] == nlohmann::json{6, 6});
  CHECK(facts["bound"] > 1e-16);
  CHECK(facts["bound"] < 1e-13);
  const Outcome quiet = run_command(tool_line("limit --inputs x.npy --quiet --out c.npz"), here);
  CHECK(quiet.code == 0);
  CHECK(quiet.out.empty());
}

TEST_CASE("limit writes layers' parts, and is as good as it is asked to be") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  const Matrix<double> x = normal<double>(6, 3, 1);
  io::write_npy(folder / "x.npy", x);
  const Architecture a{.widths = {3, 1, 1, 1}, .activation = "tanh"};
  const std::string line = "limit --inputs x.npy --depth 3 --activation tanh --json --out ";
  const auto bound = [&](const std::string& options) {
    return nlohmann::json::parse(run_command(tool_line(line + options), here).out)["bound"].get<double>();
  };
  const double coarse = bound("coarse.npz --tolerance 1e-5"), fine = bound("fine.npz --layers");
  CHECK(coarse > 1e-9);
  CHECK(coarse < 1e-4);
  CHECK(fine < 1e-11);
  const auto layers = io::NpzReader(folder / "fine.npz").read("ntk_layers");
  const LimitKernels limit = limit_kernels(a, x, {.layers = true});
  REQUIRE(layers.shape == std::vector<Index>{3, 6, 6});
  CHECK(largest_difference(kernel(folder / "fine.npz", "ntk"), limit.ntk.values) == 0);
  const Outcome refused = run_command(tool_line(line + "no.npz --tolerance 1"), here);
  CHECK(refused.code == 2);
  CHECK(refused.err.find("tolerance") != std::string::npos);
}

TEST_CASE("limit answers questions without inputs") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  const Outcome phase = run_command(tool_line("limit --phase --depth 40 --bias-scale 0.1"), here);
  REQUIRE(phase.code == 0);
  CHECK(phase.out.starts_with(
      "phase: ordered; variance q* = 0.02, chi_1 = 0.5, correlation c* = 1, length xi = 1.4427 layers\n"));
  CHECK(phase.out.find("depth 40 is 28 times xi") != std::string::npos);

  const auto phase_of = [&](const std::string& options) {
    return run_command(tool_line("limit --phase --depth 50 " + options), here).out;
  };
  CHECK(phase_of("--weight-scale 1.4142135623730951 --bias-scale 0")
            .starts_with("phase: edge of chaos; variance q* = 1, chi_1 = 1, correlation c* = 1, "));
  CHECK(phase_of("--weight-scale 1.4142135623730951") == "phase: variances grow without end\n");
  CHECK(phase_of("--activation tanh --bias-scale 0").starts_with("phase: edge of chaos; variance q* = 0, "));
  // in chaos the diagonal stands out, and the condition is good
  const std::string chaos = phase_of("--activation tanh --bias-scale 0 --weight-scale 2.5");
  CHECK(chaos.starts_with("phase: chaotic; "));
  CHECK(contains(chaos, "nearly diagonal"));
  CHECK(!contains(chaos, "ill-conditioned"));
  CHECK(contains(phase_of("--weight-scale 0"), "depth 50 is far beyond xi, so "));

  // relu, L = 2, no bias: no odd harmonics from 3 on
  const Outcome sphere = run_command(
      tool_line("limit --depth 2 --bias-scale 0 --sphere 2 --degrees 20 --check-positive --out s.npz"), here);
  REQUIRE(sphere.code == 0);
  CHECK(sphere.out.find("positive: shown up to degree 2 of 20\n") != std::string::npos);
  CHECK(contains(sphere.out, "the NTK has no harmonics of degrees 3, 5, 7, 9, ... (9 of them): it is not"));
  CHECK(!contains(sphere.out, "too small to tell"));
  CHECK(contains(sphere.out, "they go like degree^-2."));
  CHECK(contains(sphere.out, "(standard error of least squares, degrees 6 to 20)\n"));
  const auto mu = io::NpzReader(folder / "s.npz").read("mu").values;
  REQUIRE(mu.size() == 21);

  const auto facts = nlohmann::json::parse(
      run_command(tool_line("limit --depth 2 --sphere 3 --check-positive --json"), here).out);
  CHECK(facts["positive"]["shown_up_to"] == 200);
  CHECK(facts["positive"]["by_theorem"] == true);
  CHECK(facts["positive"]["vanishing"].empty());
  CHECK(facts["sphere"]["eigenvalues"].size() == 201);
  CHECK(std::abs(facts["sphere"]["decay"]["exponent"].get<double>() + 3) < .1);
  CHECK(facts["sphere"]["decay"]["error"] < .01);
  CHECK(facts["sphere"]["decay"]["first"] == 50);
  CHECK(facts["sphere"]["decay"]["last"] == 200);
  CHECK(facts["sphere"]["decay"]["steepening"] == false);
  const Outcome smooth = run_command(
      tool_line("limit --depth 2 --activation erf --bias-scale 0 --sphere 3 --check-positive"), here);
  CHECK(contains(smooth.out, "steepening over these degrees, "));
  CHECK(contains(smooth.out, "positive: no, degree 0 vanishes\n"));
  // at variances above or below 1 this one falls to 0 or grows without end
  CHECK(contains(phase_of("--activation hermite(2) --bias-scale 0"),
                 "note: variances near q* part from it, by a factor of 2 a layer"));
  CHECK(!contains(phase_of("--activation tanh --weight-scale 2"), "part from it"));
  // one degree decays to nothing
  const auto flat = nlohmann::json::parse(
      run_command(tool_line("limit --depth 2 --sphere 3 --degrees 1 --json"), here).out);
  CHECK(flat["sphere"]["decay"].is_null());
}

TEST_CASE("limit checks definiteness on inputs, and says what it lacks") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  Matrix<double> x = normal<double>(5, 3, 1);
  io::write_npy(folder / "x.npy", x);
  const auto facts = nlohmann::json::parse(
      run_command(tool_line("limit --inputs x.npy --check-positive --degrees 10 --json --out a.npz"), here)
          .out);
  CHECK(facts["inputs"]["smallest"] > 0);
  CHECK(facts["inputs"]["condition"] > 1);
  CHECK(facts["inputs"]["error"] < 1e-12);
  CHECK(facts["inputs"]["condition_at_least"] <= facts["inputs"]["condition"]);
  CHECK(facts["sphere"]["dimension"] == 3);
  // Three inputs on a line, next to one another: the smallest eigenvalue is below what the kernel is off by.
  Matrix<double> near = make_matrix<double>(3, 3);
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 3; ++j) near(i, j) = x(0, j) + 1e-3 * static_cast<double>(i) * x(1, j);
  io::write_npy(folder / "near.npy", near);
  const std::string line =
      "limit --inputs near.npy --activation tanh --tolerance 1e-4 --check-positive --degrees 2 --out ";
  const Outcome said = run_command(tool_line(line + "b.npz"), here);
  CHECK(contains(said.out, "on these inputs: smallest eigenvalue of the NTK "));
  CHECK(contains(said.out, " +- "));
  CHECK(contains(said.out, "condition too large to tell, at least "));
  const auto loose = nlohmann::json::parse(run_command(tool_line(line + "c.npz --json"), here).out)["inputs"];
  CHECK(loose["error"] > loose["smallest"]);
  CHECK(loose["condition"].is_null());
  CHECK(loose["condition_at_least"] > 100);
  for (const char* line : {"limit --check-positive", "limit --phase --out p.npz", "limit --inputs x.npy",
                           "limit --sphere 3 --against x.npy", "limit --sphere 1"}) {
    const Outcome refused = run_command(tool_line(line), here);
    CAPTURE(line);
    CHECK(refused.code == 2);
  }
}

TEST_CASE("limit gives the kernel as a function of the angle, with its series") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  const std::string line =
      "limit --depth 3 --activation tanh,erf --residual --square 0.5 --angles 5 --degrees 20 ";
  const Outcome said = run_command(tool_line(line + "--out t.npz"), here);
  REQUIRE(said.code == 0);
  Architecture a{
      .widths = {2, 1, 1, 1}, .activation = "tanh", .activations = {"tanh", "erf"}, .residual = true};
  const io::NpzReader file(folder / "t.npz");
  const double pi = std::acos(-1.0);
  const AngleCurve curve = angle_curve(a, .5, {0, pi / 4, pi / 2, 3 * pi / 4, pi});
  const PowerSeries series = power_series(a, 20, .5);
  REQUIRE(file.read("kappa").values.size() == 5);
  REQUIRE(file.read("b").values.size() == 21);
  for (Index k = 0; k < 5; ++k) {
    CHECK(file.read("kappa").values[k] == curve.value[k]);
    CHECK(file.read("kappa_bound").values[k] == curve.bound[k]);
  }
  for (Index k = 0; k <= 20; ++k) {
    CHECK(file.read("b").values[k] == series.value[k]);
    CHECK(file.read("b_tail").values[k] == series.tail[k]);
  }
  CHECK(said.out.find("smooth at angle 0\n") != std::string::npos);
  const auto facts =
      nlohmann::json::parse(run_command(tool_line("limit --depth 2 --angles 3 --json"), here).out);
  CHECK(facts["curve"]["cusp"] == angle_cusp({.widths = {2, 1, 1}}, 1));
  CHECK(facts["curve"]["b"].size() == 201);
}

TEST_CASE("limit draws the curve and its coefficients, in a format by the file's name") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  const auto bytes = [&](const char* name) {
    const auto read = io::read_bytes(folder / name);
    return std::string(reinterpret_cast<const char*>(read.data()), read.size());
  };
  REQUIRE(run_command(tool_line("limit --depth 2 --quiet --degrees 20 --figure a.svg"), here).code == 0);
  REQUIRE(run_command(tool_line("limit --depth 2 --quiet --degrees 20 --figure a.pdf"), here).code == 0);
  CHECK(bytes("a.svg").find("depth 2, relu") != std::string::npos);
  CHECK(bytes("a-series.svg").find("b_k, k odd") != std::string::npos);
  CHECK(bytes("a.pdf").starts_with("%PDF"));
  CHECK(bytes("a-series.pdf").starts_with("%PDF"));
  for (const char* line : {"limit --figure a.jpg", "limit --figure a.svg", "limit --figure none/b.svg",
                           "limit --angles 1", "limit --angles 5 --square 0",
                           "limit --activation relu,tanh --angles 5", "limit --residual --phase"}) {
    const Outcome refused = run_command(tool_line(line), here);
    CAPTURE(line);
    CHECK(refused.code == 2);
  }
  const Outcome bare =
      run_command(tool_line("limit --depth 2 --figure b.svg"), without_gnuplot(folder.path()));
  CHECK(bare.code == 2);
  CHECK(bare.err.find("gnuplot-nox") != std::string::npos);
  CHECK(!std::filesystem::exists(folder / "b.svg"));
}

TEST_CASE("limit writes a kernel of any size in little memory, with the same bits in any budget") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path(), .environment = {{"OMP_NUM_THREADS", "1"}}};
  const Matrix<double> x = normal<double>(700, 3, 1), z = normal<double>(5, 3, 2);
  io::write_npy(folder / "x.npy", x);
  io::write_npy(folder / "z.npy", z);
  const std::string line = "limit --inputs x.npy --depth 3 --activation tanh --tolerance 1e-6 --out ";
  const Architecture a{.widths = {3, 1, 1, 1}, .activation = "tanh"};
  // A budget that is too small names the smallest that would do, which does.
  const Outcome refused = run_command(tool_line(line + "a.npy --memory 1MiB"), here);
  CHECK(refused.code == 2);
  const std::string words = "the smallest budget that would do is ";
  const std::size_t at = refused.err.find(words);
  REQUIRE(at != std::string::npos);
  const std::string least =
      refused.err.substr(at + words.size(), refused.err.find("MiB", at) - at - words.size());
  CHECK(!std::filesystem::exists(folder / "a.npy.partial"));
  const Outcome said = measured_run(tool_line(line + "a.npy --memory " + least + "MiB"), here);
  REQUIRE(said.code == 0);
  CHECK(said.out.starts_with("a.npy: limit NTK, 700 x 700, within "));
  CHECK(said.peak_bytes < std::stod(least) * 0x1p20);
  REQUIRE(run_command(tool_line(line + "b.npy --memory 1GiB"), here).code == 0);
  const Matrix<double> expected = limit_ntk(a, x, {.tolerance = 1e-6}).values;
  for (const char* name : {"a.npy", "b.npy"})
    CHECK(largest_difference(io::read_npy_matrix<double>(folder / name), expected) == 0);
  REQUIRE(run_command(tool_line(line + "c.npy --against z.npy"), here).code == 0);
  CHECK(largest_difference(io::read_npy_matrix<double>(folder / "c.npy"),
                           limit_kernels(a, x, z, {.tolerance = 1e-6}).ntk.values) == 0);

  const Outcome archive = run_command(tool_line(line + "e.npz --memory 20MiB"), here);
  CHECK(archive.code == 2);
  CHECK(archive.err.find("--out T.npy") != std::string::npos);
  for (const char* options : {"f.npy --layers", "f.npy --angles 5", "f.npy --memory much"})
    CHECK(run_command(tool_line(line + options), here).code == 2);
}

// Entries and bounds of the first windows are the largest by far.
TEST_CASE("a stream that is continued announces the accuracy of all of it") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path(), .environment = {{"OMP_NUM_THREADS", "1"}}};
  Matrix<double> x = normal<double>(3000, 3, 1);
  for (Index k = 0; k < 40; ++k)
    for (Index j = 0; j < 3; ++j) x(k, j) *= 1000;
  io::write_npy(folder / "x.npy", x);
  const std::string line = "limit --inputs x.npy --depth 4 --activation erf,relu,erf --memory 60MiB --out ";
  const std::string whole = run_command(tool_line(line + "once.npy"), here).out;
  Child child(tool_line(line + "k.npy"), here);
  // The first value of row 1600 is not 0 once it is written, and the first windows are finished then.
  const auto under_way = [&] {
    std::ifstream file(folder / "k.npy.partial", std::ios::binary);
    file.seekg(128 + std::streamoff{1600} * 3000 * 8);
    double value = 0;
    return file.read(reinterpret_cast<char*>(&value), sizeof value) && value != 0;
  };
  for (int tries = 0; tries < 20000 && !under_way(); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  child.kill(SIGINT);
  REQUIRE(child.wait().code == 128 + SIGINT);
  const Outcome rest = run_command(tool_line(line + "k.npy"), here);
  CHECK(contains(rest.err, "continuing: "));
  CHECK(rest.out.substr(rest.out.find(':')) == whole.substr(whole.find(':')));
}

TEST_CASE("limit counts the layers of all examples in its memory, for an archive too") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path(), .environment = {{"OMP_NUM_THREADS", "1"}}};
  io::write_npy(folder / "x.npy", normal<double>(200, 5, 1));
  const std::string line =
      "limit --inputs x.npy --activation tanh --weight-scale 3 --depth 60 --check-positive --degrees 5 --out "
      "t.npz "
      "--memory ";
  const Outcome refused = run_command(tool_line(line + "24MiB"), here);
  CHECK(refused.code == 2);
  const std::string words = "the smallest budget that would do is ";
  const std::size_t at = refused.err.find(words);
  REQUIRE(at != std::string::npos);
  const std::string least =
      refused.err.substr(at + words.size(), refused.err.find("MiB", at) - at - words.size());
  const Outcome done = measured_run(tool_line(line + least + "MiB"), here);
  CHECK(done.code == 0);
  CHECK(done.peak_bytes < std::stod(least) * 0x1p20);
}

TEST_CASE("limit warns of kernels that are worth little, in any file and however quiet") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  io::write_npy(folder / "x.npy", normal<double>(5, 3, 1));
  for (const std::string file : {"a.npz", "a.npy"}) {
    const Outcome deep =
        run_command(tool_line("limit --inputs x.npy --residual --depth 200 --quiet --out " + file), here);
    CHECK(deep.code == 0);
    CHECK(contains(deep.err, "ntape: warning: errors of the limit NTK may be "));
    CHECK(std::count(deep.err.begin(), deep.err.end(), '\n') == 1);
    const Outcome fine = run_command(tool_line("limit --inputs x.npy --quiet --out fine-" + file), here);
    CHECK(fine.err.empty());
    const Outcome none = run_command(
        tool_line("limit --inputs x.npy --bias-scale 0 --weight-scale 0 --quiet --out none-" + file), here);
    CHECK(none.code == 0);
    CHECK(contains(none.err, "ntape: warning: every entry of the limit NTK is 0"));
  }
}

TEST_CASE("limit warns of a depth at which a plain network forgets its inputs, however quiet") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  io::write_npy(folder / "x.npy", normal<double>(5, 3, 1));
  int n = 0;
  const auto warnings = [&](const std::string& options) {
    const Outcome o =
        run_command(tool_line("limit --inputs x.npy --out " + std::to_string(n++) + ".npz " + options), here);
    CHECK(o.code == 0);
    return o.err;
  };
  for (const std::string talk : {"--quiet", "--json", ""}) {
    CHECK(
        warnings("--depth 40 " + talk).starts_with("ntape: warning: depth 40 is 28 times xi, so all pairs"));
    CHECK(warnings("--depth 7 " + talk).empty());
  }
  CHECK(contains(warnings("--depth 40 --activation erf --weight-scale 4"), "nearly diagonal"));
  // on the edge there is no such length; of other networks, none is known
  CHECK(warnings("--depth 60 --weight-scale 1.4142135623730951 --bias-scale 0").empty());
  CHECK(!contains(warnings("--depth 20 --residual"), "xi"));
  CHECK(!contains(warnings("--depth 20 --layer-norm"), "xi"));
  CHECK(contains(warnings("--depth 40 --parametrization standard --width 100"), "28 times xi"));
  // Where q* repels, inputs of other lengths know nothing of it; and below a layer xi is none.
  const Outcome apart = run_command(
      tool_line("limit --sphere 3 --square 0.5 --depth 12 --activation hermite(2) --bias-scale 0"), here);
  CHECK(apart.code == 0);
  CHECK(!contains(apart.err, "xi"));
  CHECK(!contains(warnings("--depth 2 --activation cos --weight-scale 3"), "xi"));
  for (const std::string question : {"--sphere 3", "--angles 5"})
    CHECK(contains(run_command(tool_line("limit --quiet --depth 40 " + question), here).err, "28 times xi"));
}

TEST_CASE("limit says what it cannot tell of inputs that are too small, of other inputs and of nothing") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  const Matrix<double> x = normal<double>(5, 3, 1);
  io::write_npy(folder / "x.npy", x);
  // Squares next to the least double there is: a kernel of a few digits.
  io::write_npy(folder / "small.npy", Matrix<double>(1e-160 * x));
  for (const char* file : {"a.npz", "a.npy"}) {
    const Outcome small = run_command(
        tool_line("limit --inputs small.npy --bias-scale 0 --depth 2 --out " + std::string(file)), here);
    CHECK(small.code == 0);
    CHECK(contains(small.err, "which leaves few digits or none"));
  }
  const Outcome against = run_command(
      tool_line("limit --inputs x.npy --against x.npy --check-positive --degrees 5 --out b.npz"), here);
  CHECK(against.code == 0);
  CHECK(contains(against.out, "the NTK of 'x.npy' against 'x.npy' is not symmetric"));
  const Outcome nothing =
      run_command(tool_line("limit --figure f.svg --weight-scale 0 --bias-scale 0"), here);
  CHECK(nothing.code == 2);
  CHECK(contains(nothing.err, "the NTK is 0 at every angle"));
}

// At 1e78 variances are 1e156: the integrals do not reach there, and said something wrong. In dimension 3000
// there are more harmonics than numbers.
TEST_CASE("functions that no network here has are known to the limit by name") {
  const TempDir folder;
  const Matrix<double> x = normal<double>(4, 3, 1);
  io::write_npy(folder / "x.npy", x);
  for (const std::string name : {"exp", "rbf(0.5)", "monomial(3)", "hermite(3)", "rectified_power(2)"}) {
    const Outcome result = run_command(tool_line("limit --inputs x.npy --depth 2 --activation " + name +
                                                 " --out " + "k-" + name.substr(0, 3) + ".npz"),
                                       {.folder = folder.path()});
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    const auto exact = limit_ntk({.widths = {3, 1, 1}, .activation = name, .bias_scale = 0.1}, x).values;
    CHECK(largest_difference(kernel(folder / ("k-" + name.substr(0, 3) + ".npz"), "ntk"), exact) == 0);
  }
  const Outcome jumps =
      run_command(tool_line("limit --activation sign --angles 5"), {.folder = folder.path()});
  CHECK(jumps.code == 2);
  CHECK(contains(jumps.err, "jumps"));
}

TEST_CASE("limit knows other parametrizations, at the width that they depend on") {
  const TempDir folder;
  const Matrix<double> x = normal<double>(5, 3, 1);
  io::write_npy(folder / "x.npy", x);
  const Surroundings here{.folder = folder.path()};
  for (const auto& [name, p] : {std::pair("standard", Parametrization::standard),
                                std::pair("mean_field", Parametrization::mean_field)}) {
    const std::string line = std::string("limit --inputs x.npy --depth 3 --parametrization ") + name;
    REQUIRE(run_command(tool_line(line + " --width 1000000 --out " + name + ".npz"), here).code == 0);
    const Architecture a{.widths = {3, 1000000, 1000000, 1}, .activation = "relu", .parametrization = p};
    CHECK(largest_difference(kernel(folder / (std::string(name) + ".npz"), "ntk"), limit_ntk(a, x).values) ==
          0);
    const Outcome without = run_command(tool_line(line + " --out w.npz"), here);
    CHECK(without.code == 2);
    CHECK(contains(without.err, "--width is required"));
  }
  const Outcome useless = run_command(tool_line("limit --inputs x.npy --width 5 --out u.npz"), here);
  CHECK(useless.code == 2);
  CHECK(contains(useless.err, "--width has no effect"));
}

TEST_CASE("limit refuses spheres whose kernels overflow, and files of other kinds") {
  const TempDir folder;
  const Surroundings here{.folder = folder.path()};
  for (const std::string question : {"--sphere 3 --degrees 3", "--angles 9"}) {
    const Outcome refused =
        run_command(tool_line("limit --activation exp --depth 8 --square 10 --out a.npz " + question), here);
    CAPTURE(question);
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "|x|^2 / n_0 = 10 overflows; smaller inputs"));
    CHECK(!std::filesystem::exists(folder / "a.npz"));
  }
  const Outcome text = run_command(tool_line("limit --sphere 3 --out a.txt"), here);
  CHECK(text.code == 2);
  CHECK(contains(text.err, "--out is 'a.txt', and a name that ends in .npz"));
}

TEST_CASE("limit refuses inputs that are too large and prints numbers only") {
  const TempDir folder;
  Matrix<double> x = normal<double>(3, 2, 1);
  x *= 1e78;
  io::write_npy(folder / "x.npy", x);
  const Surroundings here{.folder = folder.path()};
  const Outcome large = run_command(tool_line("limit --inputs x.npy --activation tanh --out t.npz"), here);
  CHECK(large.code == 2);
  CHECK(large.err.find("smaller inputs or scales are needed") != std::string::npos);
  CHECK(run_command(tool_line("limit --inputs x.npy --activation erf --out e.npz"), here).code == 0);
  const Outcome high = run_command(tool_line("limit --sphere 3000 --activation tanh --depth 3"), here);
  CHECK(high.code == 0);
  CHECK(high.out.find("nan") == std::string::npos);
  CHECK(high.out.find("inf") == std::string::npos);
}

}  // namespace cli_limit_test
