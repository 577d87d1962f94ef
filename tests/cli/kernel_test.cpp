#include <doctest/doctest.h>
#include <zip.h>

#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/limit/recursion.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_kernel_test {

using namespace ntape;
using namespace ntape::test;

namespace {

using Array = io::NpyArray<double>;

constexpr Index kN1 = 5, kN2 = 3, kInputs = 4, kOutputs = 2;

struct Workshop {
  TempDir folder;
  Matrix<double> x = normal<double>(kN1, kInputs, 1), z = normal<double>(kN2, kInputs, 2);

  Workshop() {
    io::write_npy(folder / "x.npy", x);
    io::write_npy(folder / "z.npy", z);
  }
  Outcome must(const std::string& line) const {
    CAPTURE(line);
    Outcome result = run_command(tool_line("kernel " + line), {.folder = folder.path()});
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    CHECK(result.err.empty());
    return result;
  }
  [[nodiscard]] Array read(const std::string& file, const std::string& name) const {
    return io::NpzReader(folder / file).read(name);
  }
};

double at(const Array& a, std::initializer_list<Index> index) {
  Index place = 0, axis = 0;
  for (const Index i : index) place = place * a.shape[axis++] + i;
  return a.values[place];
}

void check_close(const std::vector<double>& a, const std::vector<double>& b, double relative) {
  const double size = largest(b);
  CHECK(largest_difference(a, b) <= relative * size);
}

// An archive as another program may have made it: deflated, and of either precision.
template <class Real>
void write_deflated(const std::filesystem::path& path, const Parameters<double>& theta) {
  int code = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  REQUIRE(archive != nullptr);
  std::vector<std::vector<std::byte>> images;
  for (const auto& e : theta.entries) {
    std::vector<Real> values(e.value.begin(), e.value.end());
    const std::vector<Index> shape = e.name.starts_with('b')
                                         ? std::vector<Index>{e.value.size()}
                                         : std::vector<Index>{e.value.shape(0), e.value.shape(1)};
    images.push_back(io::npy_bytes(std::span<const Index>(shape), std::span<const Real>(values)));
  }
  for (Index k = 0; k < images.size(); ++k) {
    zip_source_t* const source = zip_source_buffer(archive, images[k].data(), images[k].size(), 0);
    const zip_int64_t index = zip_file_add(archive, (theta.entries[k].name + ".npy").c_str(), source, 0);
    REQUIRE(index >= 0);
    REQUIRE(zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_DEFLATE, 9) == 0);
  }
  REQUIRE(zip_close(archive) == 0);
}

}  // namespace

TEST_CASE("the arrays have their shapes and are the library's values") {
  const Workshop w;
  const Mlp<double> model(
      {.widths = {kInputs, 7, 6, kOutputs}, .activation = "erf", .weight_scale = 1.2, .bias_scale = 0.3});
  const auto theta = model.initialize(Seed{9});
  const std::string network =
      "--inputs x.npy --against z.npy --hidden 7,6 --outputs 2 --seed 9 --activation erf --weight-scale 1.2 "
      "--bias-scale 0.3 --layer-shares ";
  for (const std::string form : {"full", "diagonal", "trace"}) {
    CAPTURE(form);
    w.must(network + "--kernel " + form + " --out " + form + ".npz");
    const io::NpzReader file(w.folder / (form + ".npz"));
    CHECK(file.names() == std::vector<std::string>{"ntk", "nngp", "outputs", "ntk_layers"});
    const Array ntk = file.read("ntk"), layers = file.read("ntk_layers");
    std::vector<Index> shape = {kN1, kN2};
    if (form != "trace") shape.push_back(kOutputs);
    if (form == "full") shape.push_back(kOutputs);
    CHECK(ntk.shape == shape);
    shape.insert(shape.begin(), 3);
    CHECK(layers.shape == shape);
    std::vector<double> sum(ntk.values.size(), 0.0);
    for (Index k = 0; k < layers.values.size(); ++k) sum[k % sum.size()] += layers.values[k];
    CHECK(sum == ntk.values);  // summed in the same order
    CHECK(file.read("nngp").shape == std::vector<Index>{kN1, kN2});
    CHECK(file.read("outputs").shape == std::vector<Index>{kN1, kOutputs});
  }
  const auto kernels = empirical_kernels(model, theta, w.x, w.z, KernelForm::full);
  const Array full = w.read("full.npz", "ntk"), diagonal = w.read("diagonal.npz", "ntk"),
              trace = w.read("trace.npz", "ntk");
  for (Index n = 0; n < kN1; ++n)
    for (Index m = 0; m < kN2; ++m) {
      for (Index c = 0; c < kOutputs; ++c) {
        for (Index d = 0; d < kOutputs; ++d)
          CHECK(at(full, {n, m, c, d}) == kernels.ntk.values(n * kOutputs + c, m * kOutputs + d));
        CHECK(at(diagonal, {n, m, c}) == doctest::Approx(at(full, {n, m, c, c})).epsilon(1e-13));
      }
      const double mean = (at(full, {n, m, 0, 0}) + at(full, {n, m, 1, 1})) / 2;
      CHECK(at(trace, {n, m}) == doctest::Approx(mean).epsilon(1e-13));
      CHECK(at(w.read("full.npz", "nngp"), {n, m}) == kernels.nngp.values(n, m));
    }
  CHECK(largest_difference(io::to_matrix<double>(w.read("full.npz", "outputs"), ""), kernels.outputs) == 0);
}

TEST_CASE("a cross kernel is the corner of the square kernel of both sets together") {
  const Workshop w;
  Matrix<double> both = make_matrix<double>(kN1 + kN2, kInputs);
  std::copy(w.x.begin(), w.x.end(), both.begin());
  std::copy(w.z.begin(), w.z.end(), both.begin() + static_cast<std::ptrdiff_t>(w.x.size()));
  io::write_npy(w.folder / "both.npy", both);
  const std::string network = " --width 16 --depth 3 --outputs 2 --seed 3 --out ";
  w.must("--inputs x.npy --against z.npy" + network + "cross.npz");
  w.must("--inputs both.npy" + network + "square.npz");
  const Array cross = w.read("cross.npz", "ntk"), square = w.read("square.npz", "ntk");
  const Array cross_nngp = w.read("cross.npz", "nngp"), square_nngp = w.read("square.npz", "nngp");
  // Sums of at most 16 products in other orders, through three layers.
  const double rounding = 1e-13 * largest(square.values);
  for (Index n = 0; n < kN1; ++n)
    for (Index m = 0; m < kN2; ++m) {
      for (Index c = 0; c < kOutputs; ++c)
        for (Index d = 0; d < kOutputs; ++d)
          CHECK(std::abs(at(cross, {n, m, c, d}) - at(square, {n, kN1 + m, c, d})) < rounding);
      CHECK(std::abs(at(cross_nngp, {n, m}) - at(square_nngp, {n, kN1 + m})) < rounding);
    }
}

// Theta of W drawn with sigma_w / sqrt(n) and not multiplied, and its limit's leading order: at width 400
// they differ by a few deviations of 1/sqrt(400).
TEST_CASE("kernel takes other parametrizations, and saved weights are of theirs") {
  const Workshop w;
  const Architecture a{.widths = {kInputs, 400, 400, 1}, .parametrization = Parametrization::standard};
  const Mlp<double> model(a);
  w.must(
      "--inputs x.npy --kernel trace --depth 3 --width 400 --seed 9 --parametrization standard "
      "--save-weights w.npz --out "
      "k.npz");
  w.must("--inputs x.npy --kernel trace --weights w.npz --parametrization standard --out again.npz");
  const auto theta = model.initialize(Seed{9});
  const auto exact = empirical_ntk(model, theta, w.x, KernelForm::trace).values;
  const auto ntk = io::to_matrix<double>(w.read("k.npz", "ntk"), "");
  CHECK(largest_difference(ntk, exact) == 0);
  CHECK(largest_difference(io::to_matrix<double>(w.read("again.npz", "ntk"), ""), exact) == 0);
  const auto limit = limit_ntk(a, w.x).values;
  CHECK(std::abs(ntk(0, 0) / limit(0, 0) - 1) < 0.3);
}

TEST_CASE("saved weights give the same bits again") {
  const Workshop w;
  for (const std::string precision : {"f64", "f32"}) {
    const std::string options = "--inputs x.npy --layer-shares --activation tanh --precision " + precision;
    w.must(options + " --hidden 6,5 --outputs 3 --seed 4 --out " + precision + "a.npz --save-weights " +
           precision + "w.npz");
    w.must(options + " --weights " + precision + "w.npz --out " + precision + "b.npz --save-weights " +
           precision + "v.npz");
    const bool same_kernels =
        read_text(w.folder / (precision + "a.npz")) == read_text(w.folder / (precision + "b.npz"));
    CHECK(same_kernels);
    const bool same_weights =
        read_text(w.folder / (precision + "w.npz")) == read_text(w.folder / (precision + "v.npz"));
    CHECK(same_weights);
    const io::NpzReader weights(w.folder / (precision + "w.npz"));
    CHECK(weights.names() == std::vector<std::string>{"W0", "b0", "W1", "b1", "W2", "b2"});
    CHECK(weights.read("W1").shape == std::vector<Index>{5, 6});
    CHECK(weights.read("b1").shape == std::vector<Index>{5});
    // The archives are stored, so their headers can be seen.
    const std::string bytes = read_text(w.folder / (precision + "a.npz"));
    CHECK(contains(bytes, precision == "f32" ? "'<f4'" : "'<f8'"));
    CHECK(!contains(bytes, precision == "f32" ? "'<f8'" : "'<f4'"));
  }
  // The float network is the double one rounded: kernels differ by a few roundings of 2^-24.
  check_close(w.read("f32a.npz", "ntk").values, w.read("f64a.npz", "ntk").values, 1e-5);
}

TEST_CASE("weights of another program are read: deflated, float32 or float64") {
  const Workshop w;
  const Mlp<double> model({.widths = {kInputs, 6, kOutputs}});
  auto theta = model.initialize(Seed{1});
  for (auto& e : theta.entries)
    for (double& v : e.value) v = static_cast<double>(static_cast<float>(v));  // so that both hold the same
  write_deflated<float>(w.folder / "w32.npz", theta);
  write_deflated<double>(w.folder / "w64.npz", theta);
  const auto expected = empirical_kernels(model, theta, w.x, KernelForm::full);
  for (const std::string name : {"w32", "w64"}) {
    w.must("--inputs x.npy --weights " + name + ".npz --out " + name + "-k.npz");
    CHECK(largest_difference(io::to_matrix<double>(w.read(name + "-k.npz", "outputs"), ""),
                             expected.outputs) == 0);
    CHECK(w.read(name + "-k.npz", "ntk").shape == std::vector<Index>{kN1, kN1, kOutputs, kOutputs});
    CHECK(at(w.read(name + "-k.npz", "ntk"), {1, 2, 0, 1}) ==
          expected.ntk.values(1 * kOutputs + 0, 2 * kOutputs + 1));
  }
}

TEST_CASE("kernel says in a line or in JSON what it wrote, or nothing") {
  const Workshop w;
  const std::string network = "--inputs x.npy --width 6 --depth 2 --outputs 2 ";
  const Outcome line = w.must(network + "--out a.npz");
  CHECK(line.out == "a.npz: NTK (5, 5, 2, 2) of a network with 44 parameters\n");
  const auto facts = nlohmann::json::parse(w.must(network + "--json --out b.npz").out);
  CHECK(facts["out"] == "b.npz");
  CHECK(facts["widths"] == nlohmann::json{4, 6, 2});
  CHECK(facts["parameters"] == 44);
  CHECK(facts["ntk_shape"] == nlohmann::json{5, 5, 2, 2});
  CHECK(w.must(network + "--quiet --out c.npz").out.empty());
}

TEST_CASE("the kernel that drift starts from is the one that kernel writes") {
  const Workshop w;
  io::write_npy(w.folder / "y.npy", normal<double>(kN1, 1, 3));
  REQUIRE(
      run_command(
          tool_line("drift --inputs x.npy --targets y.npy --width 6 --depth 3 --seed 5 --seeds 1 --steps 1 "
                    "--quiet --out run"),
          without_gnuplot(w.folder.path()))
          .code == 0);
  w.must("--inputs x.npy --width 6 --depth 3 --seed 5 --kernel trace --out k.npz");
  CHECK(w.read("k.npz", "ntk").values ==
        io::NpzReader(w.folder / "run/kernels.npz").read("theta_0_width_6").values);
}

TEST_CASE("a float network that overflows is refused, with nothing written") {
  const Workshop w;
  io::write_npy(w.folder / "huge.npy", Matrix<double>(1e30 * w.x));
  const Outcome result =
      run_command(tool_line("kernel --inputs huge.npy --width 4 --precision f32 --out k.npz"),
                  {.folder = w.folder.path()});
  CHECK(result.code == 2);
  CHECK(contains(result.err, "the NTK overflowed"));
  CHECK(contains(result.err, "--precision f64"));
  io::write_npy(w.folder / "huger.npy", Matrix<double>(1e200 * w.x));
  const Outcome already =
      run_command(tool_line("kernel --inputs huger.npy --width 4 --precision f64 --out k.npz"),
                  {.folder = w.folder.path()});
  CHECK(already.code == 2);
  CHECK(contains(already.err, "the NTK overflowed"));
  CHECK(!contains(already.err, "f64"));
  CHECK(!std::filesystem::exists(w.folder / "k.npz"));
}

}  // namespace cli_kernel_test
