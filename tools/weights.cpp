#include "weights.hpp"

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/run/table.hpp>

namespace ntape::tools {
namespace {

// Fills a matrix, or only looks at what would go there. A number may be finite in the file and not as a Real.
template <class Real>
class Finite final : public io::NpyVisitor {
 public:
  explicit Finite(Matrix<Real>* kept) : kept_(kept) {}

  void begin(const std::vector<Index>& shape, bool by_columns) override {
    rows_ = shape.size() == 1 ? 1 : shape[0];
    cols_ = shape.back();
    by_columns_ = by_columns;
    if (kept_ != nullptr) *kept_ = make_matrix<Real>(rows_, cols_);
  }
  void take(Index first, std::span<const double> values) override {
    for (Index k = 0; k < values.size(); ++k) {
      const Index n = first + k, at = by_columns_ ? n % rows_ * cols_ + n / rows_ : n;
      const Real value = static_cast<Real>(values[k]);
      if (!std::isfinite(value) && at < bad_at_) {
        bad_at_ = at;
        bad_ = values[k];
      }
      if (kept_ != nullptr) kept_->data()[at] = value;
    }
  }
  void require(const std::string& what) const {
    if (bad_at_ == kNone) return;
    throw UserError("'" + what + "' needs finite numbers: row " + std::to_string(bad_at_ / cols_) +
                    ", column " + std::to_string(bad_at_ % cols_) + " (counted from 0) is " +
                    run::significant(bad_, 6) +
                    (std::isfinite(bad_) ? ", which is out of the range of f32" : ""));
  }

 private:
  static constexpr Index kNone = std::numeric_limits<Index>::max();
  Matrix<Real>* kept_;
  Index rows_ = 0, cols_ = 0, bad_at_ = kNone;
  double bad_ = 0;
  bool by_columns_ = false;
};

template <class Real>
void read_finite(const io::NpzReader& file, const std::string& path, const std::string& name,
                 Matrix<Real>* kept) {
  Finite<Real> numbers(kept);
  file.visit(name, numbers);
  numbers.require(path + ":" + name);
}

// W0, b0 to W<l>, b<l> make a network; anything else in the file is a mistake somewhere.
void require_nothing_else(const io::NpzReader& file, const std::string& path, Index layers) {
  for (const std::string& name : file.names()) {
    bool used = false;
    for (Index l = 0; l < layers && !used; ++l)
      used = name == "W" + std::to_string(l) || name == "b" + std::to_string(l);
    if (!used)
      throw UserError(
          "'" + path + "' holds an array '" + name + "' beside W0, b0" +
          (layers > 1 ? " to W" + std::to_string(layers - 1) + ", b" + std::to_string(layers - 1) : "") +
          ", and only weights that follow each other may be there: the next are W" + std::to_string(layers) +
          ", b" + std::to_string(layers));
  }
}

}  // namespace

std::vector<Index> weight_widths(const std::string& path) {
  const io::NpzReader file(path);
  std::vector<Index> widths;
  Index layers = 0;
  for (; file.has("W" + std::to_string(layers)); ++layers) {
    const std::string w = "W" + std::to_string(layers), b = "b" + std::to_string(layers);
    const std::vector<Index> weights = file.shape(w), biases = file.shape(b);
    io::require_rank(weights, 2, path + ":" + w);
    io::require_rank(biases, 1, path + ":" + b);
    const Shape weight{weights[0], weights[1]};
    if (weight.rows == 0 || weight.cols == 0) throw UserError("'" + path + ":" + w + "' is empty");
    if (biases[0] != weight.rows)
      throw UserError("'" + path + ":" + b + "' has " + std::to_string(biases[0]) + " entries, and " + w +
                      ", " + to_string(weight) + ", needs " + std::to_string(weight.rows));
    if (layers == 0) widths.push_back(weight.cols);
    if (weight.cols != widths.back())
      throw UserError("'" + path + ":" + w + "' is " + to_string(weight) + ", and after W" +
                      std::to_string(layers - 1) + " it needs " + std::to_string(widths.back()) + " columns");
    widths.push_back(weight.rows);
  }
  if (layers == 0)
    throw UserError("'" + path + "' has no array W0, and weights W0, b0, W1, b1, ... are needed");
  require_nothing_else(file, path, layers);
  return widths;
}

template <class Real>
Parameters<Real> read_weights(const std::string& path) {
  const Index layers = weight_widths(path).size() - 1;
  const io::NpzReader file(path);
  Parameters<Real> theta;
  for (Index l = 0; l < layers; ++l)
    for (const char* kind : {"W", "b"}) {
      const std::string name = kind + std::to_string(l);
      theta.entries.push_back({name, l, {}});
      read_finite(file, path, name, &theta.entries.back().value);
    }
  return theta;
}

template <class Real>
void check_weights(const std::string& path) {
  const Index layers = weight_widths(path).size() - 1;
  const io::NpzReader file(path);
  for (Index l = 0; l < layers; ++l)
    for (const char* kind : {"W", "b"}) read_finite<Real>(file, path, kind + std::to_string(l), nullptr);
}

Architecture architecture_of_weights(const ModelOptions& model, const std::vector<Index>& widths) {
  Architecture architecture = explicit_architecture(model, widths.front(), widths.back());
  architecture.widths = widths;
  return architecture;
}

template <class Real>
void add_weights(io::NpzWriter& file, const Parameters<Real>& theta) {
  for (const auto& e : theta.entries) {
    const bool bias = e.name.starts_with("b");
    const std::vector<Index> shape =
        bias ? std::vector<Index>{e.value.size()} : std::vector<Index>{e.value.shape(0), e.value.shape(1)};
    file.refer<Real>(e.name, shape, {e.value.data(), e.value.size()});
  }
}

template Parameters<float> read_weights(const std::string&);
template Parameters<double> read_weights(const std::string&);
template void check_weights<float>(const std::string&);
template void check_weights<double>(const std::string&);
template void add_weights(io::NpzWriter&, const Parameters<float>&);
template void add_weights(io::NpzWriter&, const Parameters<double>&);

}  // namespace ntape::tools
