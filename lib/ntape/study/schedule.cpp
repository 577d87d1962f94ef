#include <algorithm>
#include <charconv>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/study/schedule.hpp>
#include <numeric>
#include <set>

namespace ntape::study {
namespace {

constexpr Index kMostTracked = 1'000'000;

Index positive_integer(const std::string& spec, std::string_view digits, bool zero_allowed) {
  Index value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || (value == 0 && !zero_allowed))
    throw UserError("the tracking schedule '" + spec +
                    "' is not understood; use log:N, every:K or a list of steps like 0,10,100");
  return value;
}

void require_few(const std::string& spec, Index count) {
  if (count > kMostTracked)
    throw UserError("the tracking schedule '" + spec + "' names " + std::to_string(count) +
                    " steps; at most a million can be tracked");
}

void add_logarithmic(const std::string& spec, Index count, Index last, std::set<Index>& steps) {
  require_few(spec, std::min(count, last + 1));
  if (count / 64 > last) {
    // The largest gap between count points is last ln(last) / (count - 1) < 1, because ln(last) < 45 for
    // every 64-bit number: they are all steps there are.
    std::vector<Index> all(last + 1);
    std::iota(all.begin(), all.end(), Index{0});
    steps.insert(all.begin(), all.end());
    return;
  }
  for (Index k = 0; k < count && last > 0; ++k) {
    const double fraction = count == 1 ? 1.0 : static_cast<double>(k) / static_cast<double>(count - 1);
    steps.insert(static_cast<Index>(std::llround(std::pow(static_cast<double>(last), fraction))));
  }
}

void add_list(const std::string& spec, Index last, std::set<Index>& steps) {
  const std::string_view text = spec;
  for (Index from = 0; from <= text.size();) {
    const Index comma = std::min(text.find(',', from), text.size());
    const Index step = positive_integer(spec, text.substr(from, comma - from), true);
    if (step > last)
      throw UserError("the tracking schedule '" + spec + "' names step " + std::to_string(step) +
                      ", but training ends at step " + std::to_string(last));
    steps.insert(step);
    from = comma + 1;
  }
}

}  // namespace

std::vector<Index> tracked_steps(const std::string& spec, Index last) {
  std::set<Index> steps = {0, last};
  const std::string_view text = spec;
  if (text.starts_with("log:")) {
    add_logarithmic(spec, positive_integer(spec, text.substr(4), false), last, steps);
  } else if (text.starts_with("every:")) {
    const Index every = positive_integer(spec, text.substr(6), false);
    require_few(spec, last / every + 1);
    for (Index k = 0; k <= last / every; ++k) steps.insert(k * every);
  } else {
    add_list(spec, last, steps);
  }
  return {steps.begin(), steps.end()};
}

}  // namespace ntape::study
