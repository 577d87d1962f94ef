#include <doctest/doctest.h>

#include <cmath>
#include <ntape/report/axis.hpp>

namespace report_axis_test {

using namespace ntape::report;

namespace {

std::string labels(const std::vector<Tic>& tics) {
  std::string text;
  for (const Tic& tic : tics)
    if (!tic.label.empty()) text += (text.empty() ? "" : " ") + tic.label;
  return text;
}

}  // namespace

TEST_CASE("a range contains its values with room to spare, one value too") {
  for (const bool logarithmic : {false, true})
    for (const auto& [low, high] : {std::pair{1.0, 100.0}, {5.0, 5.0}, {1e-300, 1e300}}) {
      const AxisRange range = padded(low, high, logarithmic);
      CHECK(range.low < low);
      CHECK(range.high > high);
      CHECK(std::isfinite(range.high));
      if (logarithmic) CHECK(range.low > 0);
    }
  CHECK(padded(0, 0, false).low < padded(0, 0, false).high);
  CHECK(padded(-3, -3, false).low < -3);
}

TEST_CASE("decades are labelled, their digits are minor tics") {
  CHECK(labels(logarithmic_tics({0.9, 120})) == "1 10 100");
  CHECK(labels(logarithmic_tics({0.02, 30})) == "0.1 1 10");
  CHECK(labels(logarithmic_tics({0.0008, 0.2})) == "10^{-3} 10^{-2} 10^{-1}");
  CHECK(labels(logarithmic_tics({1e-20, 1e20})) ==
        "10^{-20} 10^{-15} 10^{-10} 10^{-5} 10^{0} 10^{5} 10^{10} "
        "10^{15} 10^{20}");
  const auto tics = logarithmic_tics({0.9, 120});
  CHECK(tics.size() == 1 + 9 + 9 + 1);  // 0.9; 1 to 9; 10 to 90; 100
}

TEST_CASE("less than a decade still has two labels at least") {
  CHECK(labels(logarithmic_tics({1.5, 30})) == "2 5 10 20");
  CHECK(labels(logarithmic_tics({2.5, 4.5})) == "3 4");
  CHECK(labels(logarithmic_tics({3.1, 3.2})) == "3.1 3.2");
  CHECK(labels(logarithmic_tics({0.0021, 0.0055})) == "3·10^{-3} 4·10^{-3} 5·10^{-3}");
}

TEST_CASE("tics lie in their range, in order, whatever it is") {
  for (double low = 1e-8; low < 1e8; low *= 3.7)
    for (double factor = 1.01; factor < 1e12; factor *= 2.3) {
      const AxisRange range{low, low * factor};
      const auto tics = logarithmic_tics(range);
      std::size_t labelled = 0;
      for (std::size_t k = 0; k < tics.size(); ++k) {
        CHECK(tics[k].at >= range.low);
        CHECK(tics[k].at <= range.high);
        if (k > 0) CHECK(tics[k].at > tics[k - 1].at);
        labelled += !tics[k].label.empty();
      }
      CHECK(labelled >= 2);
      CHECK(labelled <= 10);
    }
}

TEST_CASE("chosen tics are labelled as long as there is room") {
  CHECK(labels(chosen_tics({30, 600}, true, {512, 64, 128, 256, 32})) == "32 64 128 256 512");
  CHECK(labels(chosen_tics({9, 1100}, true, {10, 11, 12, 100, 1000, 5000})) == "10 100 1000");
  CHECK(chosen_tics({9, 1100}, true, {10, 11, 12, 100, 1000, 5000}).size() == 5);
  CHECK(labels(chosen_tics({0, 10}, false, {1, 1.2, 5})) == "1 5");
}

}  // namespace report_axis_test
