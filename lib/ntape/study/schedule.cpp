#include <charconv>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/study/schedule.hpp>
#include <set>

namespace ntape::study {
namespace {

Index positive_integer(const std::string& spec, std::string_view digits, bool zero_allowed) {
  Index value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || (value == 0 && !zero_allowed))
    throw UserError("the tracking schedule '" + spec +
                    "' is not understood; use log:N, every:K or a list of steps like 0,10,100");
  return value;
}

}  // namespace

std::vector<Index> tracked_steps(const std::string& spec, Index last) {
  std::set<Index> steps = {0, last};
  const std::string_view text = spec;
  if (text.starts_with("log:")) {
    const Index count = positive_integer(spec, text.substr(4), false);
    for (Index k = 0; k < count && last > 0; ++k) {
      const double fraction = count == 1 ? 1.0 : static_cast<double>(k) / static_cast<double>(count - 1);
      steps.insert(static_cast<Index>(std::llround(std::pow(static_cast<double>(last), fraction))));
    }
  } else if (text.starts_with("every:")) {
    const Index every = positive_integer(spec, text.substr(6), false);
    for (Index step = 0; step <= last; step += every) steps.insert(step);
  } else {
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
  return {steps.begin(), steps.end()};
}

}  // namespace ntape::study
