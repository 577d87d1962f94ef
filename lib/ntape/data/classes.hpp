#pragma once

#include <ntape/data/dataset.hpp>
#include <ntape/data/idx.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace ntape::data {

/// Which examples of a labelled source to take, and how to encode their labels.
struct ClassOptions {
  Index examples = 0;             ///< the first so many of the selected classes, in file order; 0 means all
  std::vector<int> classes = {};  ///< empty means every class that occurs, in ascending order
};

template <class Real>
struct EncodedLabels {
  std::vector<Index> rows;   ///< the examples taken, ascending
  Matrix<Real> targets;      ///< rows.size() x 1 for two named classes, else rows.size() x classes.size()
  std::vector<int> classes;  ///< in the order of the target columns (or of -1, +1)
};

/// Exactly two named classes give one target column, -1 for the first named and +1 for the second. No
/// named class, or more than two, gives a centred one-hot code: 1 - 1/C for the class, -1/C elsewhere.
/// `what` names the source in errors. Throws UserError for a class named twice, fewer than two classes, a
/// named class without any example in the source, and fewer examples than asked for (with their number).
template <class Real>
[[nodiscard]] EncodedLabels<Real> encode_labels(std::span<const int> labels, const ClassOptions& options,
                                                std::string_view what);

/// Whether every row is 1 - 1/C once and -1/C elsewhere, C > 1, to rounding.
[[nodiscard]] bool is_centred_one_hot(const Matrix<double>& targets);

/// Pixels scaled to [0, 1], one image per row, with targets from encode_labels: N x (rows cols) and N x 1
/// or N x C. Throws as encode_labels does.
template <class Real>
[[nodiscard]] Dataset<Real> from_labels(const LabelledImages& images, const ClassOptions& options,
                                        std::string_view what = "images");

}  // namespace ntape::data
