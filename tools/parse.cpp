#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <ntape/base/errors.hpp>

#include "options.hpp"

namespace ntape::tools {
namespace {

// CLI11 alone joins repeated lists and complains of repeated scalars in words of its own.
void require_once(const CLI::App& app, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto times = std::count(names.begin(), names.end(), name);
    if (times > 1 && app.get_option_no_throw(name) != nullptr)
      throw UserError(name + " is given " + std::to_string(times) + " times, and once is possible (see " +
                      app.get_name() + " --help)");
  }
}

// No option has a use for an empty text, and taking one for the default would hide a shell variable that is
// not set.
void require_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& value : option->results())
      if (value.empty())
        throw UserError(option->get_name() + " is given an empty value, and " + option->get_type_name() +
                        " is needed (see " + app.get_name() + " --help)");
}

std::string config_problem(const CLI::App& app) {
  const CLI::Option* option = app.get_config_ptr();
  if (option == nullptr || option->results().empty()) return "the config cannot be read";
  const std::string& file = option->results().back();
  std::error_code error;
  const bool folder = std::filesystem::is_directory(file, error);
  return "the config '" + file + "', given with --config, " +
         (folder                                 ? "is a directory, and a file is needed"
          : std::filesystem::exists(file, error) ? "cannot be read"
                                                 : "does not exist");
}

std::string unexpected(const CLI::App& app) {
  std::string words;
  for (const std::string& word : app.remaining()) words += (words.empty() ? "'" : " '") + word + "'";
  return "there is no use for " + words + ": no option is called so, and values follow their option";
}

}  // namespace

std::vector<std::string> options_given(const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const std::string& word : arguments) {
    if (word == "--") break;
    if (word.starts_with("--")) names.push_back(word.substr(0, word.find('=')));
  }
  return names;
}

std::optional<int> parse(CLI::App& app, const std::vector<std::string>& arguments) {
  const std::string see = " (see " + app.get_name() + " --help)";
  require_once(app, options_given(arguments));
  // CLI11 takes the words last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::Success& e) {
    return app.exit(e, std::cout, std::cerr);
  } catch (const CLI::FileError&) {
    throw UserError(config_problem(app));
  } catch (const CLI::ExtrasError&) {
    throw UserError(unexpected(app) + see);
  } catch (const CLI::ParseError& e) {
    throw UserError(std::string(e.what()) + see);
  }
  require_values(app);
  return std::nullopt;
}

}  // namespace ntape::tools
