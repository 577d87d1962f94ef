#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/files.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npz.hpp>

namespace ntape::data {
namespace {

Matrix<double> take_rows(const Matrix<double>& m, std::span<const Index> rows) {
  Matrix<double> taken = make_matrix<double>(rows.size(), m.shape(1));
  for (Index i = 0; i < rows.size(); ++i) std::copy_n(row(m, rows[i]), m.shape(1), row(taken, i));
  return taken;
}

Matrix<double> first_rows(const Matrix<double>& m, Index count) {
  Matrix<double> taken = make_matrix<double>(count, m.shape(1));
  std::copy_n(m.data(), taken.size(), taken.data());
  return taken;
}

std::vector<int> integer_labels(const Matrix<double>& y, const std::string& name) {
  if (y.shape(1) != 1) {
    throw UserError("'" + name + "' has targets of shape " + to_string(shape_of(y)) +
                    ", and selecting classes needs one column of integer labels");
  }
  std::vector<int> labels(y.size());
  for (Index i = 0; i < y.size(); ++i) {
    const double value = y.data()[i];
    if (std::trunc(value) != value || std::abs(value) > std::numeric_limits<int>::max()) {
      throw UserError("'" + name + "' has the label " + std::to_string(value) + " in row " +
                      std::to_string(i) + " (counted from 0), and selecting classes needs integer labels");
    }
    labels[i] = static_cast<int>(value);
  }
  return labels;
}

Dataset<double> select(Dataset<double> data, const ClassOptions& options) {
  validate(data);
  if (!options.classes.empty()) {
    auto encoded = encode_labels<double>(integer_labels(data.y, data.name), options, data.name);
    data.x = take_rows(data.x, encoded.rows);
    data.y = std::move(encoded.targets);
  } else if (options.examples > data.x.shape(0)) {
    throw UserError("'" + data.name + "': " + std::to_string(options.examples) +
                    " examples are asked for, and there are " + std::to_string(data.x.shape(0)));
  } else if (options.examples > 0) {
    data.x = first_rows(data.x, options.examples);
    data.y = first_rows(data.y, options.examples);
  }
  data.description = std::to_string(data.x.shape(0)) + " examples of " + data.name;
  return data;
}

Matrix<double> target_matrix(const io::NpyArray<double>& array, const std::string& what) {
  return array.shape.size() == 1 ? io::to_column<double>(array, what) : io::to_matrix<double>(array, what);
}

class CsvParser {
 public:
  explicit CsvParser(const std::filesystem::path& path) : name_(path.string()) {}

  Dataset<double> parse(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    Index blank_line = 0;
    for (line_ = 1; !text.empty(); ++line_) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = trim(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.empty()) {
        if (blank_line == 0) blank_line = line_;
        continue;
      }
      if (blank_line != 0) {
        throw UserError("'" + name_ + "' line " + std::to_string(blank_line) +
                        " is blank, and only lines at the end may be");
      }
      parse_line(line);
    }
    return finish();
  }

 private:
  static std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
  }

  /// Leaves `value` alone when the cell is no number that a double can hold.
  static std::errc number(std::string_view cell, double& value) {
    if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
    const char* const last = cell.data() + cell.size();
    const auto [end, error] = std::from_chars(cell.data(), last, value);
    return error == std::errc{} && end != last ? std::errc::invalid_argument : error;
  }

  void parse_line(std::string_view line) {
    std::vector<std::string_view> cells;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(',', begin), line.size());
      cells.push_back(trim(line.substr(begin, end - begin)));
      begin = end + 1;
    }
    if (columns_ == 0) {
      columns_ = cells.size();
      if (columns_ < 2) fail(1, "is the only one, and at least one input and the target are needed");
      double ignored = 0.0;
      const auto no_number = [&](std::string_view c) {
        return number(c, ignored) == std::errc::invalid_argument;
      };
      if (line_ == 1 && std::all_of(cells.begin(), cells.end(), no_number)) return;
    }
    if (cells.size() != columns_) {
      throw UserError("'" + name_ + "' line " + std::to_string(line_) + " has " +
                      std::to_string(cells.size()) + " columns, and the first line has " +
                      std::to_string(columns_));
    }
    for (Index c = 0; c < columns_; ++c) {
      double value = 0.0;
      const std::errc error = number(cells[c], value);
      const std::string cell = "is '" + std::string(cells[c]) + "', ";
      if (error == std::errc::result_out_of_range)
        fail(c + 1, cell + "which is out of the range of a double");
      if (error != std::errc{} || !std::isfinite(value)) fail(c + 1, cell + "and a finite number is needed");
      values_.push_back(value);
    }
  }

  [[noreturn]] void fail(Index column, const std::string& problem) const {
    throw UserError("'" + name_ + "' line " + std::to_string(line_) + ", column " + std::to_string(column) +
                    " (counted from 1) " + problem);
  }

  Dataset<double> finish() const {
    if (values_.empty()) throw UserError("'" + name_ + "' has no example, and at least one is needed");
    const Index rows = values_.size() / columns_, inputs = columns_ - 1;
    Dataset<double> data{make_matrix<double>(rows, inputs), make_matrix<double>(rows, 1), name_, ""};
    for (Index i = 0; i < rows; ++i) {
      const double* const from = values_.data() + i * columns_;
      std::copy_n(from, inputs, row(data.x, i));
      data.y(i, 0) = from[inputs];
    }
    return data;
  }

  std::string name_;
  Index line_ = 0;
  Index columns_ = 0;
  std::vector<double> values_;
};

}  // namespace

Dataset<double> from_npz(const std::filesystem::path& path, const ClassOptions& options) {
  const io::NpzReader reader(path);
  const std::string name = path.string();
  return select({io::to_matrix<double>(reader.read("x"), name + ":x"),
                 target_matrix(reader.read("y"), name + ":y"), name, ""},
                options);
}

Dataset<double> from_npy(const std::filesystem::path& inputs, const std::filesystem::path& targets,
                         const ClassOptions& options) {
  return select(
      {io::to_matrix<double>(io::read_npy(inputs), inputs.string()),
       target_matrix(io::read_npy(targets), targets.string()), inputs.string() + "," + targets.string(), ""},
      options);
}

Dataset<double> from_csv(const std::filesystem::path& path, const ClassOptions& options) {
  const auto bytes = io::read_bytes(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return select(CsvParser(path).parse(text), options);
}

}  // namespace ntape::data
