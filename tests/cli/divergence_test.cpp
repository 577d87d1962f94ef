#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npz.hpp>
#include <sstream>

#include "support/command.hpp"
#include "support/csv.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_divergence_test {

using namespace ntape;
using namespace ntape::test;
using nlohmann::json;

namespace {

// The critical rate of the limit is 18 on these data.
const std::string kTooFast = "drift --data circle --examples 8 --steps 40 --force-rate ";
// Of twelve, some diverge, and no layer dies, which fits leave out as well.
const std::string kLeaky = kTooFast + "--activation leaky_relu(0.3) --rate 25 --width 4,8,16 --seeds 4 ";

json summary(const std::filesystem::path& folder) {
  return json::parse(read_text(folder / "run/summary.json"));
}

}  // namespace

TEST_CASE("a network that diverges is stopped with a message, and the others are kept") {
  const TempDir folder;
  // So narrow, some networks are far slower than the limit, and some die of too large a step and stand still.
  const Outcome result = run_command(tool_line(kTooFast + "--rate 60 --width 4,8 --seeds 4 --out run"),
                                     {.folder = folder.path()});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  const json s = summary(folder.path());
  const std::size_t stopped = s["stopped"].size();
  REQUIRE(stopped > 0);
  REQUIRE(stopped < 8);
  const Csv metrics(read_text(folder / "run/metrics.csv"));
  std::size_t whole = 0;
  for (const auto& row : metrics.rows) whole += row.at("step") == "40";
  CHECK(whole == 8 - stopped);
  CHECK(s["widths"][0]["seeds"].get<std::size_t>() + s["widths"][1]["seeds"].get<std::size_t>() == whole);
  for (const auto& network : s["stopped"]) {
    const std::string name = "width " + std::to_string(network["width"].get<int>()) + ", seed " +
                             std::to_string(network["seed"].get<int>());
    CHECK(contains(network["message"].get<std::string>(), name + ": training diverged at step "));
    CHECK(contains(result.err, "ntape: warning: stopped: " + network["message"].get<std::string>() + "\n"));
    std::size_t rows = 0;
    for (const auto& row : metrics.rows)
      rows += std::stoi(row.at("width")) == network["width"] && std::stoi(row.at("seed")) == network["seed"];
    CHECK(rows >= 1);
    // A kernel is called the one at the end only if training got there.
    const std::string end = "theta_end_width_" + std::to_string(network["width"].get<int>());
    if (network["seed"] == 0) CHECK(!io::NpzReader(folder / "run/kernels.npz").has(end));
  }
}

TEST_CASE("a diverged network takes neither its start nor its seed's other widths with it") {
  const TempDir folder;
  const Outcome result = run_command(tool_line(kLeaky + "--json --out run"), without_gnuplot(folder.path()));
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  const json s = summary(folder.path());
  const std::size_t stopped = s["stopped"].size();
  REQUIRE(stopped > 0);
  // Every network has a start.
  CHECK(s["fits"]["limit_distance"]["seeds"] == 4);
  CHECK(s["fits"]["limit_distance"]["left_out"] == 0);
  std::vector<std::size_t> widths_left(4, 3);  // of each seed
  for (const auto& network : s["stopped"]) --widths_left[network["seed"].get<std::size_t>()];
  std::size_t seeds = 0, used = 0;
  for (const std::size_t widths : widths_left)
    if (widths >= 2) {
      ++seeds;
      used += widths;
    }
  REQUIRE(used > 3 * static_cast<std::size_t>(std::count(widths_left.begin(), widths_left.end(), 3)));
  CHECK(s["fits"]["kernel_change"]["seeds"] == seeds);
  CHECK(s["fits"]["kernel_change"]["left_out"] == 12 - used);
  const Csv metrics(read_text(folder / "run/metrics.csv"));
  for (const auto& width : s["widths"]) {
    CHECK(width["started"] == 4);
    double distance = 0, loss = 0;
    for (std::size_t k = 0; k < metrics.rows.size(); ++k)
      if (metrics.number(k, "step") == 0 && metrics.number(k, "width") == width["width"].get<double>()) {
        distance += metrics.number(k, "limit_distance") / 4;
        loss += metrics.number(k, "loss") / 4;
      }
    // The same four numbers, rounded in another order.
    CHECK(width["limit_distance"].get<double>() == doctest::Approx(distance).epsilon(1e-14));
    CHECK(width["first_loss"].get<double>() == doctest::Approx(loss).epsilon(1e-14));
  }
}

TEST_CASE("networks that were left out are counted") {
  const TempDir folder;
  const Outcome result = run_command(tool_line(kLeaky + "--out run"), {.folder = folder.path()});
  REQUIRE(result.code == 0);
  const json s = summary(folder.path());
  CHECK(contains(result.out, std::to_string(s["stopped"].size()) + " of 12 networks stopped early"));
  CHECK(contains(result.out,
                 "; without " + s["fits"]["kernel_change"]["left_out"].dump() + " of 12 networks)"));
  CHECK(contains(read_text(folder / "run/figures/scaling.svg"), "mean of at most 4 seeds"));
}

TEST_CASE("all networks diverging is a run, too, in both precisions and however soon") {
  const TempDir folder;
  for (const std::string precision : {"f64", "f32"})
    for (const std::string rate : {"1e4", "1e20", "1e37"})
      for (const std::string talk : {"", " --json", " --quiet"}) {
        const std::string line =
            kTooFast + "--rate " + rate + " --width 8,16 --seeds 2 --out run --precision " + precision + talk;
        CAPTURE(line);
        const Outcome result = run_command(tool_line(line), {.folder = folder.path()});
        CAPTURE(result.err);
        REQUIRE(result.code == 0);
        const json s = summary(folder.path());
        CHECK(s["stopped"].size() == 4);
        CHECK(s["fits"]["kernel_change"].is_null());
        CHECK(s["fits"]["limit_distance"]["seeds"] == 2);
        CHECK(s["widths"][1]["seeds"] == 0);
        CHECK(s["widths"][1]["last_loss"].is_null());
        const Csv metrics(read_text(folder / "run/metrics.csv"));
        CHECK(metrics.rows.size() >= 4);
        for (const auto& row : metrics.rows)
          for (const auto& [column, cell] : row) CHECK((cell.empty() || std::isfinite(std::stod(cell))));
        CHECK(listing(folder / "run/figures") == "scaling.svg spectrum.svg");
        if (talk == " --json") CHECK(json::parse(result.out)["stopped"] == s["stopped"]);
        if (talk == " --quiet") CHECK(result.out.empty());
        // Nothing but a line for each network, and progress where that is shown.
        std::size_t warnings = 0;
        std::istringstream lines(result.err);
        for (std::string line; std::getline(lines, line);) {
          warnings += line.starts_with("ntape: warning: stopped: width ");
          CHECK((line.starts_with("ntape: warning: ") || (talk.empty() && line.starts_with("training "))));
        }
        CHECK(warnings == 4);
        std::filesystem::remove_all(folder / "run");
      }
}

TEST_CASE("outputs or kernels that overflow while they are tracked stop a network, not the program") {
  const TempDir folder;
  // Finite in double and for the limit, but not the kernel of a float network: its entries go like x^2.
  io::write_npy(folder / "x.npy", Matrix<double>(3e19 * normal<double>(5, 2, 1)));
  io::write_npy(folder / "y.npy", normal<double>(5, 1, 2));
  const std::string line = "drift --inputs x.npy --targets y.npy --width 4 --seeds 2 --steps 2 --out run";
  const Outcome single =
      run_command(tool_line(line + " --precision f32 --rate 1e-37 --force-rate"), {.folder = folder.path()});
  CAPTURE(single.err);
  CHECK(single.code == 2);
  CHECK(contains(single.err, "no network can be tracked: width 4, seed 0: "));
  CHECK(contains(single.err, "overflowed at step 0"));
  CHECK(single.err.find("ntape: ") == 0);
  CHECK(!std::filesystem::exists(folder / "run"));
  CHECK(run_command(tool_line(line + " --quiet"), {.folder = folder.path()}).code == 0);
}

TEST_CASE("a rate of the critical one and above has its table, whatever came of it, and the dead are named") {
  const TempDir folder;
  const std::string line = "drift --data sphere:3 --examples 2 --depth 2 --width 64 --seeds 2 --steps 20 ";
  const auto out = [&](const std::string& options) {
    const Outcome result =
        run_command(tool_line(line + options + " --out run"), without_gnuplot(folder.path()));
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    std::filesystem::remove_all(folder / "run");
    return result.out;
  };
  CHECK(contains(out("--rate 1x"), "  regime  "));
  CHECK(!contains(out("--rate 0.5x"), "  regime  "));
  CHECK(contains(out("--rate 0.1x --momentum 0.999999999"), "momentum 0.999999999;"));
  const Outcome narrow = run_command(tool_line("drift --width 4 --seeds 6 --depth 6 --steps 400 --rate 0.99x "
                                               "--examples 16 --out run"),
                                     without_gnuplot(folder.path()));
  CAPTURE(narrow.out);
  CHECK(contains(narrow.out, "\ndead: width 4, seed "));
  const auto record = summary(folder.path());
  CHECK(record["regimes"].size() == 6);
  for (const auto& network : record["regimes"]) {
    CHECK(network["dead"].is_boolean());
    CHECK(network["lambda_max_peak"].get<double>() >= network["lambda_max_start"].get<double>());
  }
}

TEST_CASE("the certificate of floats says once when it measures their rounding") {
  const TempDir folder;
  const auto err = [&](const std::string& options) {
    const Outcome result =
        run_command(tool_line("drift --data circle --examples 6 --width 8,16 --seeds 2 --steps 8 "
                              "--rate 1e-4x --quiet --certificate --out run " +
                              options),
                    without_gnuplot(folder.path()));
    REQUIRE(result.code == 0);
    std::filesystem::remove_all(folder / "run");
    return result.err;
  };
  const std::string single = err("--precision f32"),
                    warning = "ntape: warning: the certificate measures rounding";
  CHECK(contains(single, warning));
  CHECK(single.find(warning) == single.rfind(warning));
  CHECK(!contains(err("--precision f64"), warning));
}

TEST_CASE("a network whose kernel is zero is stopped, and the others are kept") {
  // One relu unit without bias is dead for half of all seeds, and then nothing depends on any parameter.
  const TempDir folder;
  const Outcome result =
      run_command(tool_line("drift --data circle --examples 1 --depth 2 --width 1 --bias-scale 0 "
                            "--seeds 8 --steps 2 --out run"),
                  {.folder = folder.path()});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  const json s = summary(folder.path());
  REQUIRE(!s["stopped"].empty());
  REQUIRE(s["stopped"].size() < 8);
  CHECK(contains(s["stopped"][0]["message"].get<std::string>(), "its kernel is zero at step 0"));
}

}  // namespace cli_divergence_test
