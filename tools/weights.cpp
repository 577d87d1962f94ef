#include "weights.hpp"

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/run/table.hpp>

namespace ntape::tools {
namespace {

// `given` is as the file has it, `columns` to a row. A number may be finite there and not as a Real.
template <class Real>
void require_finite(const std::vector<double>& given, Index columns, const std::string& what) {
  for (Index k = 0; k < given.size(); ++k) {
    if (std::isfinite(static_cast<Real>(given[k]))) continue;
    throw UserError("'" + what + "' needs finite numbers: row " + std::to_string(k / columns) + ", column " +
                    std::to_string(k % columns) + " (counted from 0) is " + run::significant(given[k], 6) +
                    (std::isfinite(given[k]) ? ", which is out of the range of f32" : ""));
  }
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

template <class Real>
Parameters<Real> read_weights(const std::string& path) {
  const io::NpzReader file(path);
  Parameters<Real> theta;
  Index layers = 0;
  for (; file.has("W" + std::to_string(layers)); ++layers) {
    const std::string w = "W" + std::to_string(layers), b = "b" + std::to_string(layers);
    const io::NpyArray<double> weights = file.read(w), biases = file.read(b);
    auto weight = io::to_matrix<Real>(weights, path + ":" + w);
    const auto column = io::to_column<Real>(biases, path + ":" + b);
    Matrix<Real> bias = make_matrix<Real>(1, column.size());
    std::copy(column.begin(), column.end(), bias.begin());
    if (weight.size() == 0) throw UserError("'" + path + ":" + w + "' is empty");
    require_finite<Real>(weights.values, weight.shape(1), path + ":" + w);
    require_finite<Real>(biases.values, bias.size(), path + ":" + b);
    if (bias.shape(1) != weight.shape(0))
      throw UserError("'" + path + ":" + b + "' has " + std::to_string(bias.shape(1)) + " entries, and " + w +
                      ", " + to_string(shape_of(weight)) + ", needs " + std::to_string(weight.shape(0)));
    const Index before = layers == 0 ? weight.shape(1) : theta.entries[2 * layers - 2].value.shape(0);
    if (weight.shape(1) != before)
      throw UserError("'" + path + ":" + w + "' is " + to_string(shape_of(weight)) + ", and after W" +
                      std::to_string(layers - 1) + " it needs " + std::to_string(before) + " columns");
    theta.entries.push_back({w, layers, std::move(weight)});
    theta.entries.push_back({b, layers, std::move(bias)});
  }
  if (layers == 0)
    throw UserError("'" + path + "' has no array W0, and weights W0, b0, W1, b1, ... are needed");
  require_nothing_else(file, path, layers);
  return theta;
}

template <class Real>
Architecture architecture_of_weights(const ModelOptions& model, const Parameters<Real>& theta) {
  Architecture architecture = explicit_architecture(model, theta.entries.front().value.shape(1), 1);
  architecture.widths.pop_back();
  for (Index e = 0; e < theta.entries.size(); e += 2)
    architecture.widths.push_back(theta.entries[e].value.shape(0));
  return architecture;
}

template <class Real>
void add_weights(io::NpzWriter& file, const Parameters<Real>& theta) {
  for (const auto& e : theta.entries) {
    const bool bias = e.name.starts_with("b");
    const std::vector<Index> shape =
        bias ? std::vector<Index>{e.value.size()} : std::vector<Index>{e.value.shape(0), e.value.shape(1)};
    file.add<Real>(e.name, shape, {e.value.data(), e.value.size()});
  }
}

template Parameters<float> read_weights(const std::string&);
template Parameters<double> read_weights(const std::string&);
template Architecture architecture_of_weights(const ModelOptions&, const Parameters<float>&);
template Architecture architecture_of_weights(const ModelOptions&, const Parameters<double>&);
template void add_weights(io::NpzWriter&, const Parameters<float>&);
template void add_weights(io::NpzWriter&, const Parameters<double>&);

}  // namespace ntape::tools
