#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <ntape/report/axis.hpp>

namespace ntape::report {
namespace {

std::string plain(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// With the minus of typesetting.
std::string with_minus(double value) {
  const std::string text = plain(std::abs(value) < 1e-300 ? 0 : value);
  return text.front() == '-' ? "\u2212" + text.substr(1) : text;
}

std::string label_of(int digit, int exponent, bool powers) {
  if (!powers) return plain(digit * std::pow(10.0, exponent));
  const std::string power = "10^{" + std::to_string(exponent) + "}";
  return digit == 1 ? power : std::to_string(digit) + "·" + power;
}

}  // namespace

AxisRange padded(double smallest, double largest, bool logarithmic) {
  constexpr double kRoom = 0.04;  // of the span, at each end
  using Limits = std::numeric_limits<double>;
  if (logarithmic) {
    const double room = std::max(kRoom * (std::log10(largest) - std::log10(smallest)), 0.02);
    return {std::max(smallest * std::pow(10, -room), Limits::min()),
            std::min(largest * std::pow(10, room), Limits::max())};
  }
  const double span = largest - smallest;
  const double room = span > 0 ? kRoom * span : std::max(0.1 * std::abs(smallest), 0.1);
  return {std::max(smallest - room, Limits::lowest()), std::min(largest + room, Limits::max())};
}

std::vector<Tic> logarithmic_tics(AxisRange range) {
  constexpr int kMostLabels = 8;
  const int first = static_cast<int>(std::floor(std::log10(range.low)));
  const int last = static_cast<int>(std::floor(std::log10(range.high)));
  const bool powers = range.low < 0.01 || range.high > 5000;
  const int decades = last - first;
  std::vector<Tic> tics;
  const auto add = [&](int digit, int exponent, bool labelled) {
    const double at = digit * std::pow(10.0, exponent);
    if (at >= range.low && at <= range.high)
      tics.push_back({at, labelled ? label_of(digit, exponent, powers) : std::string()});
  };
  if (decades >= 2) {
    const int step = (decades + kMostLabels - 1) / kMostLabels;
    for (int e = first; e <= last; ++e) {
      add(1, e, e % step == 0);
      for (int digit = 2; digit <= 9 && decades <= kMostLabels; ++digit) add(digit, e, false);
    }
    return tics;
  }
  const auto labels = [&] {
    return std::count_if(tics.begin(), tics.end(), [](const Tic& t) { return !t.label.empty(); });
  };
  for (const bool every : {false, true}) {
    tics.clear();
    for (int e = first; e <= last; ++e)
      for (int digit = 1; digit <= 9; ++digit) add(digit, e, every || digit == 1 || digit == 2 || digit == 5);
    if (labels() >= 2) return tics;
  }
  return {{range.low, plain(range.low)}, {range.high, plain(range.high)}};
}

std::vector<Tic> linear_tics(AxisRange range, int most) {
  const double span = range.high - range.low;
  double step = std::pow(10.0, std::floor(std::log10(span)) + 1);
  // From the coarsest to the finest that still has few enough.
  std::vector<Tic> tics;
  for (int k = 0; k < 12; ++k) {
    constexpr double kFiner[] = {2, 2.5, 2};  // 10, 5, 2, 1, ...
    const double finer = step / kFiner[k % 3];
    const double first = std::ceil(range.low / finer - 1e-9), last = std::floor(range.high / finer + 1e-9);
    if (last - first + 1 > most && tics.size() >= 2) break;
    step = finer;
    tics.clear();
    for (double at = first; at <= last; ++at) tics.push_back({at * step, with_minus(at * step)});
    if (last - first + 1 > most) break;
  }
  return tics;
}

std::vector<Tic> chosen_tics(AxisRange range, bool logarithmic, std::vector<double> positions) {
  constexpr double kLeastDistance = 0.06;  // of the axis
  const auto scale = [&](double v) { return logarithmic ? std::log10(v) : v; };
  const double span = scale(range.high) - scale(range.low);
  std::sort(positions.begin(), positions.end());
  std::vector<Tic> tics;
  double last = -1;
  for (const double at : positions) {
    if (at < range.low || at > range.high) continue;
    const double place = (scale(at) - scale(range.low)) / span;
    const bool labelled = last < 0 || place - last >= kLeastDistance;
    tics.push_back({at, labelled ? plain(at) : std::string()});
    if (labelled) last = place;
  }
  return tics;
}

}  // namespace ntape::report
