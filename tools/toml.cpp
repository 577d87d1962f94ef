#include "toml.hpp"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <ntape/base/errors.hpp>
#include <optional>

namespace ntape::tools {
namespace {

class Parser {
 public:
  Parser(std::string text, std::string file) : text_(std::move(text)), file_(std::move(file)) {}

  struct Entry {
    std::string key;
    std::vector<std::string> values;
    std::size_t line;
  };

  std::optional<Entry> next() {
    skip_blank(true);
    if (peek() == '\0' && at_ >= text_.size()) return std::nullopt;
    if (peek() == '[') fail("tables are not understood, only lines 'option = value'");
    Entry entry{key(), {}, line_};
    skip_blank(false);
    if (!accept('=')) fail("'" + entry.key + "' needs a '=' and a value");
    skip_blank(false);
    if (peek() == '[')
      array(entry);
    else
      entry.values.push_back(scalar());
    skip_blank(false);
    if (peek() != '\n' && at_ < text_.size()) fail("there is more after the value of '" + entry.key + "'");
    return entry;
  }

  [[noreturn]] void fail(const std::string& problem) const { fail(problem, line_); }
  [[noreturn]] void fail(const std::string& problem, std::size_t line) const {
    throw UserError("the config '" + file_ + "', line " + std::to_string(line) + ": " + problem);
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  char take() {
    if (at_ >= text_.size()) fail("it ends inside a value");
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }

  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    take();
    return true;
  }

  void skip_blank(bool lines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#')
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n'))
        take();
      else
        return;
    }
  }

  std::string key() {
    if (peek() == '"' || peek() == '\'') return scalar();
    std::string name = bare("=");
    if (name.empty()) fail("an option's name is needed before '='");
    return name;
  }

  std::string bare(const std::string& ends) {
    std::string word;
    while (at_ < text_.size() && (" \t\r\n#\"'" + ends).find(text_[at_]) == std::string::npos)
      word += text_[at_++];
    return word;
  }

  std::string scalar() {
    if (accept('\'')) return quoted('\'');
    if (accept('"')) return quoted('"');
    std::string word = bare(",]");
    if (word.empty()) fail("a value is needed");
    return word;
  }

  std::string quoted(char quote) {
    std::string value;
    for (char c = take(); c != quote; c = take()) {
      if (c == '\n') fail("a string must end on its line");
      value += c == '\\' && quote == '"' ? escape() : std::string(1, c);
    }
    return value;
  }

  std::string escape() {
    static const std::string names = "btnfr\"\\", meanings = "\b\t\n\f\r\"\\";
    const char c = take();
    const std::size_t known = names.find(c);
    if (known != std::string::npos) return {meanings[known]};
    if (c != 'u' && c != 'U') fail(std::string("the escape \\") + c + " is unknown");
    unsigned long code = 0;
    for (int k = 0; k < (c == 'u' ? 4 : 8); ++k) {
      const std::string digits = "0123456789abcdef";
      const std::size_t digit =
          digits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(take()))));
      if (digit == std::string::npos) fail("\\u needs four hexadecimal digits, \\U eight");
      code = code * 16 + digit;
    }
    return utf8(code);
  }

  std::string utf8(unsigned long code) const {
    const auto byte = [](unsigned long value) { return static_cast<char>(value); };
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("an escape is no character");
    if (code < 0x80) return {byte(code)};
    if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F))};
    if (code < 0x10000)
      return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
    return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)), byte(0x80 | (code >> 6 & 0x3F)),
            byte(0x80 | (code & 0x3F))};
  }

  void array(Entry& entry) {
    take();
    for (skip_blank(true); !accept(']'); skip_blank(true)) {
      entry.values.push_back(scalar());
      skip_blank(true);
      if (accept(',')) continue;
      if (peek() != ']') fail("an array needs ',' between its values and ']' at its end");
    }
    if (entry.values.empty()) fail("'" + entry.key + "' is an empty array");
  }

  std::string text_, file_;
  std::size_t at_ = 0, line_ = 1;
};

bool gives_way(const CLI::Option& option) {
  for (const CLI::Option* rival : option.get_excludes())
    if (rival->count() > 0) return true;
  return false;
}

}  // namespace

std::vector<CLI::ConfigItem> TomlReader::from_config(std::istream& input) const {
  std::string text{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
  const auto* config = app_.get_config_ptr();
  const std::string file = config != nullptr && config->count() > 0 ? config->results().back() : "";
  if (input.bad()) throw UserError("the config '" + file + "' cannot be read; is it a directory?");
  std::vector<CLI::ConfigItem> items;
  Parser parser(std::move(text), file);
  std::vector<const CLI::Option*> seen;
  while (const auto entry = parser.next()) {
    const CLI::Option* option = app_.get_option_no_throw("--" + entry->key);
    if (option == nullptr) parser.fail("there is no option '" + entry->key + "'", entry->line);
    if (!option->get_configurable())
      parser.fail("'" + entry->key + "' can be given on the command line only", entry->line);
    if (std::find(seen.begin(), seen.end(), option) != seen.end())
      parser.fail("'" + entry->key + "' is given twice", entry->line);
    seen.push_back(option);
    if (gives_way(*option)) continue;
    CLI::ConfigItem item;
    item.name = entry->key;
    item.inputs = entry->values;
    items.push_back(std::move(item));
  }
  return items;
}

std::string TomlReader::to_config(const CLI::App*, bool, bool, std::string) const {
  throw InternalError("CLI11 was asked for a config");
}

std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (code < 0x20 || code == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", code);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_number(double value) {
  char text[32];
  for (int digits = 15; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    // CLI11 reads a long double and rounds again, which can miss a double by its last bit.
    if (static_cast<double>(std::strtold(text, nullptr)) == value) return text;
  }
  throw InternalError("a double has no decimal that reads back");
}

}  // namespace ntape::tools
