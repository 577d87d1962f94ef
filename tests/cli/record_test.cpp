#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npz.hpp>
#include <regex>
#include <set>

#include "support/command.hpp"
#include "support/csv.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_record_test {

using namespace ntape;
using namespace ntape::test;
using nlohmann::json;

namespace {

Outcome must(const std::string& line, const Surroundings& where) {
  CAPTURE(line);
  Outcome result = run_command(tool_line(line), where);
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  return result;
}

Csv csv(const std::filesystem::path& path) {
  return Csv(read_text(path));
}

Matrix<double> matrix(const io::NpzReader& file, const std::string& name) {
  return io::to_matrix<double>(file.read(name), name);
}

double norm_of_difference(const Matrix<double>& a, const Matrix<double>& b) {
  double sum = 0;
  for (Index k = 0; k < a.size(); ++k) sum += std::pow(a.data()[k] - b.data()[k], 2);
  return std::sqrt(sum);
}

double norm(const Matrix<double>& a) {
  double sum = 0;
  for (const double v : a) sum += v * v;
  return std::sqrt(sum);
}

const std::string kSweep =
    "drift --data circle --examples 7 --width 8,4 --seeds 3 --seed 5 --steps 6 --track 0,2,6";

}  // namespace

TEST_CASE("a run directory holds everything it promises, and it agrees with itself") {
  const TempDir folder;
  must(kSweep + " --quiet --out deep/run", {.folder = folder.path()});
  const auto at = [&](const char* name) { return folder / "deep/run" / name; };
  CHECK(listing(folder / "deep") == "run");
  CHECK(listing(folder / "deep/run") ==
        "config.toml figures kernels.npz layers.csv manifest.json metrics.csv summary.json");
  CHECK(listing(at("figures")) == "drift.svg scaling.svg spectrum.svg");
  for (const char* figure : {"figures/drift.svg", "figures/scaling.svg", "figures/spectrum.svg"})
    CHECK(contains(read_text(at(figure)), "</svg>"));

  const Csv metrics = csv(at("metrics.csv"));
  CHECK(metrics.columns == std::vector<std::string>{"width", "seed", "step", "time", "loss", "kernel_change",
                                                    "limit_distance", "kernel_distance", "trace_ratio",
                                                    "lambda_max", "lambda_min", "alignment",
                                                    "parameter_change", "output_gap", "limit_gap"});
  REQUIRE(metrics.rows.size() == 2 * 3 * 3);
  std::size_t at_row = 0;
  const json summary = json::parse(read_text(at("summary.json")));
  for (const std::string width : {"4", "8"})
    for (const std::string seed : {"5", "6", "7"})
      for (const std::string step : {"0", "2", "6"}) {
        const auto& row = metrics.rows[at_row];
        CHECK(row.at("width") == width);
        CHECK(row.at("seed") == seed);
        CHECK(row.at("step") == step);
        CHECK(metrics.number(at_row, "time") == summary["rate"].get<double>() * std::stod(step));
        for (const auto& [column, cell] : row) CHECK(std::isfinite(std::stod(cell)));
        if (step == "0") {
          CHECK(row.at("kernel_change") == "0");
          CHECK(row.at("trace_ratio") == "1");
          CHECK(row.at("parameter_change") == "0");
          CHECK(row.at("limit_gap") == "0");
        } else {
          CHECK(metrics.number(at_row, "kernel_change") > 0);
          CHECK(metrics.number(at_row, "parameter_change") > 0);
        }
        ++at_row;
      }

  const io::NpzReader kernels(at("kernels.npz"));
  const Matrix<double> limit = matrix(kernels, "theta_inf");
  CHECK(kernels.names().size() == 9);
  for (const Index first : {Index{0}, Index{9}}) {  // the first rows of the two widths' first seeds
    const std::string width = metrics.rows[first].at("width");
    const Matrix<double> start = matrix(kernels, "theta_0_width_" + width),
                         end = matrix(kernels, "theta_end_width_" + width);
    CHECK(shape_of(start) == Shape{7, 7});
    CHECK(kernels.read("outputs_0_width_" + width).shape == std::vector<Index>{7, 1});
    CHECK(kernels.read("outputs_end_width_" + width).shape == std::vector<Index>{7, 1});
    // The same sums in another order, over 49 products.
    CHECK(metrics.number(first, "limit_distance") ==
          doctest::Approx(norm_of_difference(start, limit) / norm(limit)).epsilon(1e-13));
    CHECK(metrics.number(first + 2, "kernel_change") ==
          doctest::Approx(norm_of_difference(end, start) / norm(start)).epsilon(1e-13));
  }
}

TEST_CASE("outputs are written side by side when they are asked for, and agree with the metrics") {
  const TempDir folder;
  const std::string line =
      "drift --data sphere:2 --examples 7 --width 8,4 --seeds 3 --seed 5 --steps 6 --track 0,2,6 "
      "--test-examples 3 --save-outputs --quiet --out ";
  must(line + "run", without_gnuplot(folder.path()));
  const io::NpzReader file(folder / "run/outputs.npz");
  CHECK(file.names().size() == 4 + 2 * 3 * 6);
  CHECK(file.read("steps").values == std::vector<double>{0, 2, 6});
  CHECK(file.read("y").shape == std::vector<Index>{7, 1});
  CHECK(file.read("test_y").shape == std::vector<Index>{3, 1});
  const Csv metrics = csv(folder / "run/metrics.csv");
  for (std::size_t k = 0; k < metrics.rows.size(); ++k) {
    const std::string name = "_width_" + metrics.rows[k].at("width") + "_seed_" + metrics.rows[k].at("seed");
    const std::size_t t = k % 3;
    CHECK(file.read("times").values[t] == metrics.number(k, "time"));
    for (const auto& [side, examples] : {std::pair{std::string(), std::size_t{7}}, {"test_", 3}})
      for (const auto& [other, column] : {std::pair{"frozen", "output_gap"}, {"limit", "limit_gap"}}) {
        const auto f = file.read(side + "network" + name), g = file.read(side + other + name);
        CHECK(f.shape == std::vector<Index>{3, examples, 1});
        CHECK(g.shape == f.shape);
        double sum = 0;
        for (std::size_t n = 0; n < examples; ++n)
          sum += std::pow(f.values[t * examples + n] - g.values[t * examples + n], 2);
        // The same sum.
        CHECK(std::sqrt(sum / static_cast<double>(examples)) ==
              doctest::Approx(metrics.number(k, side + column)).epsilon(1e-14));
      }
  }
  // The flag is a choice of the run, and comes again with its config.
  must("drift --config run/config.toml --quiet --out again", without_gnuplot(folder.path()));
  CHECK(read_text(folder / "again/outputs.npz") == read_text(folder / "run/outputs.npz"));
  must(kSweep + " --quiet --out plain", without_gnuplot(folder.path()));
  CHECK(!std::filesystem::exists(folder / "plain/outputs.npz"));
}

TEST_CASE("what a stopped network does not have is NaN in its outputs, and too many are refused at once") {
  const TempDir folder;
  must(
      "drift --data circle --examples 8 --steps 40 --force-rate --rate 1e20 --width 8 --seeds 1 --track 0,40 "
      "--save-outputs --quiet --out run",
      without_gnuplot(folder.path()));
  const auto f = io::NpzReader(folder / "run/outputs.npz").read("network_width_8_seed_0");
  CHECK(f.shape == std::vector<Index>{2, 8, 1});
  for (std::size_t k = 0; k < 16; ++k) CHECK(std::isfinite(f.values[k]) == (k < 8));
  const Outcome much =
      run_command(tool_line("drift --examples 100 --width 1 --seeds 20000 --steps 100000 --track "
                            "every:1 --save-outputs --out much"),
                  {.folder = folder.path()});
  CHECK(much.code == 2);
  CHECK(contains(much.err, "outputs of 20000 networks at 100001 steps"));
  CHECK(listing(folder.path()) == "run");
}

TEST_CASE("seeds up to the last one are written as they are") {
  const TempDir folder;
  must(
      "drift --data circle --examples 4 --width 4 --seeds 2 --seed 18446744073709551614 --steps 1 --quiet "
      "--out run",
      without_gnuplot(folder.path()));
  for (const char* name : {"run/metrics.csv", "run/layers.csv"}) {
    const Csv table = csv(folder / name);
    CHECK(table.rows.front().at("seed") == "18446744073709551614");
    CHECK(table.rows.back().at("seed") == "18446744073709551615");
  }
  const json m = json::parse(read_text(folder / "run/manifest.json"));
  CHECK(m["seeds"] == json{18446744073709551614U, 18446744073709551615U});
}

TEST_CASE("layer shares of the trace sum to one") {
  const TempDir folder;
  for (const std::string precision : {"f64", "f32"}) {
    must(kSweep + " --quiet --precision " + precision + " --out " + precision,
         without_gnuplot(folder.path()));
    const Csv layers = csv(folder / precision / "layers.csv");
    CHECK(layers.columns == std::vector<std::string>{"width", "seed", "step", "time", "layer", "trace_share",
                                                     "change", "weight_change"});
    REQUIRE(layers.rows.size() == 2 * 3 * 3 * 4);
    for (std::size_t k = 0; k < layers.rows.size(); k += 4) {
      double sum = 0;
      for (std::size_t l = 0; l < 4; ++l) {
        CHECK(layers.number(k + l, "layer") == static_cast<double>(l));
        sum += layers.number(k + l, "trace_share");
      }
      // The kernel is the sum of the shares, rounded in its precision three times for each of its entries.
      CHECK(std::abs(sum - 1) < 8 * (precision == "f32" ? 0x1p-24 : 0x1p-53));
    }
  }
}

TEST_CASE("the manifest says where the figures come from") {
  const TempDir folder;
  must(kSweep + " --quiet --precision f32 --threads 1 --out run", without_gnuplot(folder.path()));
  const json m = json::parse(read_text(folder / "run/manifest.json"));
  const std::string version = run_command(tool({"--version"})).out;
  CHECK("ntape " + m["version"].get<std::string>() + "\n" == version);
  CHECK(contains(m["compiler"].get<std::string>(), "++ "));
  CHECK(!m["build_type"].get<std::string>().empty());
  CHECK(m["native"].is_boolean());
  CHECK(contains(m["blas"].get<std::string>(), "OpenBLAS"));
  CHECK(!m["blas_kernel"].get<std::string>().empty());
  CHECK(m["threads"] == 1);
  CHECK(m["precision"] == "f32");
  CHECK(m["seeds"] == json{5, 6, 7});
  CHECK(m["widths"] == json{4, 8});
  CHECK(m["hidden"] == json{{4, 4, 4}, {8, 8, 8}});
  CHECK(m["wall_seconds"].get<double>() > 0);
  CHECK(std::regex_match(m["finished_utc"].get<std::string>(),
                         std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ")));
  CHECK(m["data"]["examples"] == 7);
  CHECK(std::regex_match(m["data"]["checksum"].get<std::string>(), std::regex("fnv1a64:[0-9a-f]{16}")));
}

TEST_CASE("one explicit shape is called by its smallest width and recorded whole") {
  const TempDir folder;
  must("drift --data circle --examples 5 --hidden 9,4,6 --seeds 1 --steps 1 --quiet --out run",
       without_gnuplot(folder.path()));
  CHECK(json::parse(read_text(folder / "run/manifest.json"))["hidden"] == json::parse("[[9, 4, 6]]"));
  const json s = json::parse(read_text(folder / "run/summary.json"));
  CHECK(s["widths"][0]["width"] == 4);
  CHECK(s["widths"][0]["hidden"] == json{9, 4, 6});
}

TEST_CASE("the summary has the fits, and --json prints it with its place and nothing else") {
  const TempDir folder;
  const Outcome printed = must(kSweep + " --json --out deep/run", {.folder = folder.path()});
  CHECK(printed.err.empty());
  json s = json::parse(printed.out);
  CHECK(s["out"] == "deep/run");
  s.erase("out");
  CHECK(s == json::parse(read_text(folder / "deep/run/summary.json")));
  for (const char* fit : {"kernel_change", "limit_distance"}) {
    CHECK(s["fits"][fit]["exponent"].get<double>() < 0);
    CHECK(s["fits"][fit]["ci95"].get<double>() > 0);
    CHECK(s["fits"][fit]["seeds"] == 3);
    CHECK(s["fits"][fit]["left_out"] == 0);
  }
  REQUIRE(s["widths"].size() == 2);
  CHECK(s["widths"][0]["width"] == 4);
  CHECK(s["stopped"].empty());
}

TEST_CASE("quiet says nothing; otherwise there is an intro, a table and the place of the report") {
  const TempDir folder;
  const Outcome quiet = must(kSweep + " --quiet --out a", {.folder = folder.path()});
  CHECK(quiet.out.empty());
  CHECK(quiet.err.empty());
  const Outcome loud = must(kSweep + " --out b", {.folder = folder.path()});
  for (const char* text :
       {"7 examples", "2 widths, 3 seeds", "critical rate", "start vs limit", "drift at end ~ width^",
        "start vs limit ~ width^", "95% interval", "report in b\n"})
    CHECK(contains(loud.out, text));
  CHECK(contains(loud.err, "training 100%"));
}

TEST_CASE("an activation without a closed form is measured against its limit, too") {
  const TempDir folder;
  const Outcome result = must(kSweep + " --activation tanh --out run", {.folder = folder.path()});
  CHECK(contains(result.out, "start vs limit ~ width^"));
  const Matrix<double> limit = matrix(io::NpzReader(folder / "run/kernels.npz"), "theta_inf");
  CHECK(limit(0, 0) > 0);
  for (const auto& row : csv(folder / "run/metrics.csv").rows) CHECK(!row.at("limit_distance").empty());
  const json s = json::parse(read_text(folder / "run/summary.json"));
  CHECK(s["fits"]["limit_distance"]["exponent"].is_number());
  CHECK(s["widths"][0]["limit_distance"].is_number());
  CHECK(s["limit_bound"] > 1e-16);
  CHECK(s["limit_bound"] < 1e-11);
}

TEST_CASE("what one width, one seed or no step cannot show is left out") {
  const TempDir folder;
  must("drift --data circle --examples 5 --width 4 --seeds 1 --steps 3 --out one", {.folder = folder.path()});
  CHECK(listing(folder / "one/figures") == "drift.svg spectrum.svg");
  const json one = json::parse(read_text(folder / "one/summary.json"));
  CHECK(one["fits"]["kernel_change"].is_null());
  const Outcome still = must("drift --data circle --examples 5 --width 4,8 --seeds 1 --steps 0 --out still",
                             {.folder = folder.path()});
  CHECK(listing(folder / "still/figures") == "scaling.svg spectrum.svg");
  CHECK(csv(folder / "still/metrics.csv").rows.size() == 2);
  CHECK(contains(still.out, "one seed: no confidence interval"));
}

TEST_CASE("a single tracked step is a point in the figure of the drift, for each width") {
  const TempDir folder;
  must("drift --data circle --examples 5 --width 4,8,16 --seeds 2 --steps 4 --track 0,4 --quiet --out run",
       {.folder = folder.path()});
  const std::string svg = read_text(folder / "run/figures/drift.svg");
  std::size_t marks = 0;
  for (std::size_t at = 0; (at = svg.find("xlink:href='#gpPt6'", at)) != std::string::npos; ++at) ++marks;
  CHECK(marks == 2 * 3);  // each with its white halo
}

TEST_CASE("data at the edge are figures or empty cells, never a fault") {
  const TempDir folder;
  Matrix<double> zeros6 = zeros<double>(6, 2), ones = zeros<double>(6, 2);
  ones.fill(1);
  io::write_npy(folder / "x.npy", normal<double>(6, 2, 1));
  io::write_npy(folder / "zero.npy", zeros6);
  io::write_npy(folder / "one.npy", ones);
  io::write_npy(folder / "y.npy", normal<double>(6, 1, 2));
  io::write_npy(folder / "y0.npy", zeros<double>(6, 1));
  io::write_npy(folder / "tiny.npy", Matrix<double>(1e-300 * normal<double>(6, 1, 2)));
  const auto rows = [&](const std::string& name, const std::string& line) {
    must("drift --width 8,4 --seeds 2 --steps 3 --quiet --out " + name + " " + line,
         {.folder = folder.path()});
    const Csv metrics = csv(folder / name / "metrics.csv");
    for (const auto& row : metrics.rows)
      for (const auto& [column, cell] : row)
        CHECK((std::isfinite(std::stod(cell.empty() ? "0" : cell)) &&
               (!cell.empty() || column == "alignment" || column == "kernel_distance")));
    return metrics;
  };
  for (const auto& row : rows("a", "--inputs x.npy --targets y0.npy").rows)
    CHECK(row.at("alignment").empty());
  for (const auto& row : rows("b", "--inputs zero.npy --targets y.npy").rows)
    CHECK(!row.at("alignment").empty());
  (void)rows("c", "--inputs one.npy --targets y.npy");
  (void)rows("d", "--inputs x.npy --targets tiny.npy");
  (void)rows("e", "--data circle --examples 1");
  for (const auto& row : rows("f", "--weight-scale 0").rows) CHECK(row.at("kernel_change") == "0");
  (void)rows("g", "--bias-scale 0");
  (void)rows("h", "--activation identity --depth 2");
}

}  // namespace cli_record_test
