#include <algorithm>
#include <cmath>
#include <map>
#include <ntape/base/errors.hpp>
#include <ntape/data/classes.hpp>
#include <set>

namespace ntape::data {
namespace {

std::vector<int> distinct(std::span<const int> labels) {
  const std::set<int> seen(labels.begin(), labels.end());
  return {seen.begin(), seen.end()};
}

[[noreturn]] void fail(std::string_view what, const std::string& problem) {
  throw UserError("'" + std::string(what) + "': " + problem);
}

std::string list(const std::vector<int>& values) {
  std::string text;
  for (const int value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return text;
}

}  // namespace

bool is_centred_one_hot(const Matrix<double>& targets) {
  const double shift = 1 / static_cast<double>(targets.shape(1));
  constexpr double kRounding = 1e-12;  // of 1/C, in units of 1
  for (Index n = 0; n < targets.shape(0); ++n) {
    int ones = 0;
    for (Index c = 0; c < targets.shape(1); ++c) {
      const double v = targets(n, c) + shift;
      if (std::abs(v) > kRounding && std::abs(v - 1) > kRounding) return false;
      ones += v > .5 ? 1 : 0;
    }
    if (ones != 1) return false;
  }
  return targets.shape(1) > 1;
}

template <class Real>
EncodedLabels<Real> encode_labels(std::span<const int> labels, const ClassOptions& options,
                                  std::string_view what) {
  const std::vector<int> present = distinct(labels);
  EncodedLabels<Real> encoded;
  encoded.classes = options.classes.empty() ? present : options.classes;
  std::map<int, Index> column;
  for (const int c : encoded.classes) {
    if (!column.emplace(c, column.size()).second) {
      fail(what, "class " + std::to_string(c) + " is named twice, and the classes must be distinct");
    }
  }
  if (column.size() < 2) {
    fail(what, "the only class is " + (column.empty() ? "none" : list(encoded.classes)) +
                   ", and at least two classes are needed");
  }
  for (const int c : encoded.classes) {
    if (!std::binary_search(present.begin(), present.end(), c)) {
      fail(what, "class " + std::to_string(c) + " has no example; the classes are " + list(present));
    }
  }
  for (Index i = 0; i < labels.size(); ++i) {
    if (options.examples != 0 && encoded.rows.size() == options.examples) break;
    if (column.contains(labels[i])) encoded.rows.push_back(i);
  }
  if (encoded.rows.size() < options.examples) {
    fail(what, std::to_string(options.examples) + " examples of classes " + list(encoded.classes) +
                   " are asked for, and there are " + std::to_string(encoded.rows.size()));
  }
  const bool sign = options.classes.size() == 2;
  const Index count = encoded.rows.size(), width = sign ? 1 : column.size();
  const Real share = Real(1) / static_cast<Real>(column.size());
  encoded.targets = make_matrix<Real>(count, width);
  encoded.targets.fill(-share);
  for (Index i = 0; i < count; ++i) {
    const Index c = column.at(labels[encoded.rows[i]]);
    if (sign) {
      encoded.targets(i, 0) = c == 0 ? Real(-1) : Real(1);
    } else {
      encoded.targets(i, c) = Real(1) - share;
    }
  }
  return encoded;
}

template <class Real>
Dataset<Real> from_labels(const LabelledImages& images, const ClassOptions& options, std::string_view what) {
  const Index pixels = images.rows * images.cols;
  if (images.labels.size() != images.count || images.pixels.size() != images.count * pixels) {
    throw ShapeError("'" + std::string(what) + "': " + std::to_string(images.count) + " images of " +
                     to_string(Shape{images.rows, images.cols}) + " come with " +
                     std::to_string(images.pixels.size()) + " pixels and " +
                     std::to_string(images.labels.size()) + " labels, which do not fit together");
  }
  const std::vector<int> labels(images.labels.begin(), images.labels.end());
  EncodedLabels<Real> encoded = encode_labels<Real>(labels, options, what);
  Dataset<Real> dataset;
  dataset.x = make_matrix<Real>(encoded.rows.size(), pixels);
  for (Index i = 0; i < encoded.rows.size(); ++i) {
    const std::uint8_t* const image = images.pixels.data() + encoded.rows[i] * pixels;
    std::transform(image, image + pixels, row(dataset.x, i),
                   [](std::uint8_t p) { return static_cast<Real>(p) / Real(255); });
  }
  dataset.y = std::move(encoded.targets);
  dataset.name = what;
  dataset.description = std::to_string(encoded.rows.size()) + " images of " +
                        to_string(Shape{images.rows, images.cols}) + ", classes " + list(encoded.classes);
  validate(dataset);
  return dataset;
}

template EncodedLabels<float> encode_labels(std::span<const int>, const ClassOptions&, std::string_view);
template EncodedLabels<double> encode_labels(std::span<const int>, const ClassOptions&, std::string_view);
template Dataset<float> from_labels(const LabelledImages&, const ClassOptions&, std::string_view);
template Dataset<double> from_labels(const LabelledImages&, const ClassOptions&, std::string_view);

}  // namespace ntape::data
