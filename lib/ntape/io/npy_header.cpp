#include <charconv>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy_header.hpp>

namespace ntape::io {
namespace {

/// The Python dictionary literal of a header: three keys, each once, in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  NpyHeader parse() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true;
        if (peek() == '[') fail_npy(what_, "it has a structured dtype; real numbers or integers are needed");
        header.descr = quoted();
      } else if (key == "fortran_order" && !order) {
        order = true;
        header.fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = true;
        header.shape = tuple();
      } else {
        fail_npy(what_, "its header has the unknown or repeated key '" + key + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (peek() != '\0') fail_npy(what_, "its header goes on after the closing brace");
    if (!descr || !order || !shape)
      fail_npy(what_, "its header lacks one of 'descr', 'fortran_order', 'shape'");
    return header;
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      fail_npy(what_, std::string("its header is malformed: '") + c + "' is expected" + place());
  }
  std::string place() const { return " at byte " + std::to_string(at_) + " of the header"; }

  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"')
      fail_npy(what_, "its header is malformed: a string is expected" + place());
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail_npy(what_, "its header has an unterminated string" + place());
    const std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    peek();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    fail_npy(what_, "its header is malformed: True or False is expected" + place());
  }

  std::vector<Index> tuple() {
    std::vector<Index> shape;
    bool comma = false;
    expect('(');
    while (!accept(')')) {
      if (!shape.empty() && !comma) fail_npy(what_, "its shape is malformed" + place());
      peek();
      Index extent = 0;
      const char* const begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), extent);
      if (error != std::errc{}) fail_npy(what_, "its shape has an invalid or too large extent" + place());
      at_ += static_cast<std::size_t>(end - begin);
      shape.push_back(extent);
      comma = accept(',');
    }
    if (shape.size() == 1 && !comma) fail_npy(what_, "its shape is not a tuple" + place());
    return shape;
  }

  std::string_view text_;
  std::string_view what_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, std::string_view what) {
  return HeaderParser(text, what).parse();
}

void fail_npy(std::string_view what, const std::string& defect) {
  throw UserError("'" + std::string(what) + "' is not a readable .npy array: " + defect);
}

}  // namespace ntape::io
