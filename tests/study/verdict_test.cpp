#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/study/verdict.hpp>
#include <vector>

#include "support/temp_dir.hpp"

namespace study_verdict_test {

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
  // Two trials that came out alike: that they were taken for a number without error decided everything.
  const std::vector<double> alike = {0.5, 0.5};
  CHECK(claim(mean_of(alike), 0, 1).outcome() == Outcome::undecided);
  CHECK(claim(mean_of(alike), 2, 3).outcome() == Outcome::undecided);
  CHECK(verdict_markdown({"", {claim(mean_of(alike), 0, 1)}, {}}).find("0.5 ± unknown") != std::string::npos);
}

TEST_CASE("means have the standard error of their sample") {
  const std::vector<double> values = {1, 2, 3, 6}, one = {7};
  const Measured mean = mean_of(values);
  CHECK(mean.value == 3);
  // Squares 4 + 1 + 0 + 9 over 3, over 4; rounded a few times.
  CHECK(mean.error == doctest::Approx(std::sqrt(14.0 / 3 / 4)).epsilon(1e-15));
  CHECK(mean_of(one).value == 7);
  CHECK(mean_of(one).error == kInfinity);
  CHECK_THROWS_AS((void)mean_of({}), InternalError);
}

TEST_CASE("the fewer a mean is of, the wider its interval: Student's t") {
  // The 97.5% points of tables, as far as they are printed.
  CHECK(interval95({5, 2, 1}) == doctest::Approx(2 * 12.7062).epsilon(1e-5));
  CHECK(interval95({5, 2, 9}) == doctest::Approx(2 * 2.26216).epsilon(1e-5));
  CHECK(interval95({5, 2}) == doctest::Approx(2 * 1.95996).epsilon(1e-5));
  CHECK(interval95({5}) == 0);
  CHECK(interval95({5, 0, 1}) == kInfinity);  // both came out alike
  CHECK(interval95({5, kInfinity, 0}) == kInfinity);
  const std::vector<double> two = {1.0, 1.2}, one = {1};
  CHECK(mean_of(two).freedom == 1);
  CHECK(mean_of(one).freedom == 0);
  // 1.1 +- 0.1: twice that is below 1.4, the interval is not.
  CHECK(claim(mean_of(two), 0, 1.4).outcome() == Outcome::undecided);
  CHECK(claim({1.1, 0.1}, 0, 1.4).outcome() == Outcome::holds);
}

TEST_CASE("the jackknife of a mean is its standard error, and ratios take trials together") {
  const std::vector<double> values = {1, 2, 3, 6};
  const auto mean_without = [&](std::size_t without) {
    double sum = 0, count = 0;
    for (std::size_t k = 0; k < values.size(); ++k)
      if (k != without) {
        sum += values[k];
        ++count;
      }
    return sum / count;
  };
  const Measured mean = jackknife(4, mean_without);
  CHECK(mean.value == 3);
  CHECK(mean.error == doctest::Approx(mean_of(values).error).epsilon(1e-14));
  CHECK(mean.freedom == 3);
  CHECK(jackknife(1, [](std::size_t) { return 7.0; }).error == kInfinity);
  CHECK(std::isnan(jackknife(0, [](std::size_t) { return 7.0; }).value));

  // Twice as much in every trial: the ratio is exact, however far the trials are apart.
  const std::vector<double> twice = {2, 4, 6, 12}, other = {2, 7, 3, 1};
  CHECK(ratio_of_means(twice, values).value == 2);
  CHECK(ratio_of_means(twice, values).error == doctest::Approx(0));
  CHECK(ratio_of_means(other, values).error > 0.1);
  const std::vector<double> hole = {2, std::nan(""), 6, 12};
  CHECK(ratio_of_means(hole, values).value == 2);
  CHECK(ratio_of_means(hole, values).freedom == 2);
  CHECK_THROWS_AS((void)ratio_of_means(std::vector<double>{1}, values), InternalError);
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

}  // namespace study_verdict_test
