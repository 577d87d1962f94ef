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

TEST_CASE("what was not measured neither holds nor fails; what is infinite fails") {
  const double nan = std::nan("");
  CHECK(claim({nan, 0}, -kInfinity, kInfinity).outcome() == Outcome::not_measured);
  CHECK(claim(kUnmeasured, 0, 1).outcome() == Outcome::not_measured);
  CHECK(claim({kInfinity, 0}, 0, kInfinity).outcome() == Outcome::fails);
  CHECK(claim({kInfinity, 0}, 0, 1).outcome() == Outcome::fails);
  CHECK(claim({0.5, nan}, 0, 1).outcome() == Outcome::not_measured);
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

TEST_CASE("the fewer a mean is of, the wider its interval: Student's t") {
  // The 97.5% points of tables, as far as they are printed.
  CHECK(interval95({5, 2, 1}) == doctest::Approx(2 * 12.7062).epsilon(1e-5));
  CHECK(interval95({5, 2, 9}) == doctest::Approx(2 * 2.26216).epsilon(1e-5));
  CHECK(interval95({5, 2}) == doctest::Approx(2 * 1.95996).epsilon(1e-5));
  CHECK(interval95({5, 0, 1}) == 0);
  CHECK(interval95({5, kInfinity, 0}) == kInfinity);
  const std::vector<double> two = {1.0, 1.2}, one = {1};
  CHECK(mean_of(two).freedom == 1);
  CHECK(mean_of(one).freedom == 0);
  // 1.1 +- 0.1: twice that is below 1.4, the interval is not.
  CHECK(claim(mean_of(two), 0, 1.4).outcome() == Outcome::undecided);
  CHECK(claim({1.1, 0.1}, 0, 1.4).outcome() == Outcome::holds);
}

TEST_CASE("a ratio has the degrees of freedom of what its error comes from") {
  const Measured sharp{2, 0, 5}, one{6, 0.3, 1}, many{6, 0.3, 99};
  CHECK(ratio_of(one, sharp).freedom == doctest::Approx(1));
  CHECK(ratio_of(sharp, many).freedom == doctest::Approx(99));
  // Equal errors of equal freedom have twice that; unequal ones are between the smaller and the sum.
  CHECK(ratio_of(many, many).freedom == doctest::Approx(198));
  CHECK(ratio_of(one, many).freedom == doctest::Approx(4 / (1 + 1 / 99.0)));
  CHECK(ratio_of(sharp, sharp).freedom == kInfinity);
}

TEST_CASE("a verdict says of each claim what was measured and whether it holds") {
  const Verdict verdict{.title = "Figure 9",
                        .claims = {claim({1.25, 0.01}, 1.1, 1.3), claim({2, 0}, -kInfinity, 1),
                                   claim({std::nan(""), kInfinity}, 0, 1)},
                        .notes = {"N was chosen."}};
  const std::string text = verdict_markdown(verdict);
  for (const char* part : {"# Figure 9\n", "1.25 ± 0.01 | 1.1 to 1.3 (said so) | **holds**",
                           "2 | at most 1 (said so) | **fails**", "blueness: none | 0 to 1",
                           "- N was chosen.\n", "the sky \\| is blue"})
    CHECK(contains(text, part));
  const auto j = nlohmann::json::parse(verdict_json(verdict));
  CHECK(j["claims"].size() == 3);
  CHECK(j["claims"][0]["outcome"] == "holds");
  CHECK(j["claims"][0]["measured"] == 1.25);
  CHECK(j["claims"][0]["standard_error"] == 0.01);
  CHECK(j["claims"][0]["interval95"].get<double>() == doctest::Approx(0.0196).epsilon(1e-4));
  CHECK(j["claims"][1]["outcome"] == "fails");
  CHECK(j["claims"][1]["low"].is_null());
  CHECK(j["claims"][1]["high"] == 1);
  CHECK(j["claims"][2]["outcome"] == "not measured");
  CHECK(j["claims"][2]["measured"].is_null());
  CHECK(j["notes"][0] == "N was chosen.");
}
