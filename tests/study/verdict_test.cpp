#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/study/verdict.hpp>
#include <vector>

#include "support/temp_dir.hpp"

using namespace ntape;
using namespace ntape::study;
using namespace ntape::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Claim claim(Measured measured, double low, double high) {
  return {"the sky | is blue", "blueness", measured, low, high, "said so"};
}

}  // namespace

TEST_CASE("a claim holds, fails or is undecided by where its error bar is") {
  CHECK(claim({1.2, 0.04}, 1.1, 1.3).outcome() == Outcome::holds);
  CHECK(claim({1.2, 0.06}, 1.1, 1.3).outcome() == Outcome::undecided);  // reaches over both edges
  CHECK(claim({1.05, 0.02}, 1.1, 1.3).outcome() == Outcome::fails);
  CHECK(claim({1.05, 0.03}, 1.1, 1.3).outcome() == Outcome::undecided);
  CHECK(claim({1.35, 0.02}, 1.1, 1.3).outcome() == Outcome::fails);
  CHECK(claim({1.1, 0}, 1.1, 1.3).outcome() == Outcome::holds);  // edges belong to the range
  CHECK(claim({5, 0.1}, 1, kInfinity).outcome() == Outcome::holds);
  CHECK(claim({5, 0.1}, -kInfinity, 1).outcome() == Outcome::fails);
}

TEST_CASE("what was not measured does not hold") {
  const double nan = std::nan("");
  CHECK(claim({nan, 0}, -kInfinity, kInfinity).outcome() == Outcome::fails);
  CHECK(claim({nan, kInfinity}, 0, 1).outcome() == Outcome::fails);
  CHECK(claim({kInfinity, 0}, 0, kInfinity).outcome() == Outcome::fails);
  CHECK(claim({0.5, nan}, 0, 1).outcome() == Outcome::fails);
  CHECK(claim({0.5, kInfinity}, 0, 1).outcome() == Outcome::undecided);  // one seed
}

TEST_CASE("means have the standard error of their sample, ratios that of both") {
  const std::vector<double> values = {1, 2, 3, 6}, one = {7};
  const Measured mean = mean_of(values);
  CHECK(mean.value == 3);
  // Squares 4 + 1 + 0 + 9 over 3, over 4; rounded a few times.
  CHECK(mean.error == doctest::Approx(std::sqrt(14.0 / 3 / 4)).epsilon(1e-15));
  CHECK(mean_of(one).value == 7);
  CHECK(mean_of(one).error == kInfinity);
  CHECK_THROWS_AS((void)mean_of({}), InternalError);
  const Measured ratio = ratio_of({6, 0.3}, {2, 0.2});
  CHECK(ratio.value == 3);
  CHECK(ratio.error == doctest::Approx(std::hypot(0.15, 0.3)).epsilon(1e-15));
}

TEST_CASE("a verdict says of each claim what was measured and whether it holds") {
  const Verdict verdict{.title = "Figure 9",
                        .claims = {claim({1.25, 0.01}, 1.1, 1.3), claim({2, 0}, -kInfinity, 1),
                                   claim({std::nan(""), kInfinity}, 0, 1)},
                        .notes = {"N was chosen."}};
  const std::string text = verdict_markdown(verdict);
  for (const char* part :
       {"# Figure 9\n", "1.25 ± 0.01 | 1.1 to 1.3 (said so) | **holds**",
        "2 | at most 1 (said so) | **fails**", "nan ± unknown", "- N was chosen.\n", "the sky \\| is blue"})
    CHECK(contains(text, part));
  const auto j = nlohmann::json::parse(verdict_json(verdict));
  CHECK(j["claims"].size() == 3);
  CHECK(j["claims"][0]["outcome"] == "holds");
  CHECK(j["claims"][0]["measured"] == 1.25);
  CHECK(j["claims"][0]["standard_error"] == 0.01);
  CHECK(j["claims"][1]["outcome"] == "fails");
  CHECK(j["claims"][1]["low"].is_null());
  CHECK(j["claims"][1]["high"] == 1);
  CHECK(j["claims"][2]["outcome"] == "fails");
  CHECK(j["claims"][2]["measured"].is_null());
  CHECK(j["notes"][0] == "N was chosen.");
}
