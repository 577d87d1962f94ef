#include <charconv>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/ops/activation_spelling.hpp>

namespace ntape {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

ActivationSpelling read_activation(const std::string& text) {
  const std::string_view all = text;
  const auto open = all.find('(');
  if (open == all.npos) return {all, {}};
  if (all.back() != ')')
    throw UserError("activation '" + text + "': the parameters need a closing parenthesis at the end");
  ActivationSpelling result{all.substr(0, open), {}};
  std::string_view rest = all.substr(open + 1, all.size() - open - 2);
  for (bool more = true; more;) {
    const auto comma = rest.find(',');
    more = comma != rest.npos;
    const std::string_view one = trim(rest.substr(0, comma));
    if (more) rest.remove_prefix(comma + 1);
    double number = 0;
    const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), number);
    if (error != std::errc() || end != one.data() + one.size() || !std::isfinite(number))
      throw UserError("activation '" + text + "': '" + std::string(one) + "' is not a finite number");
    result.numbers.push_back(number);
  }
  return result;
}

}  // namespace ntape
