#pragma once

#include <ntape/tensor/matrix.hpp>
#include <string>
#include <vector>

namespace ntape {

/// Ordered named matrices; the only thing training changes. For an Mlp: W0, b0, W1, b1, ... with
/// W_l [n_{l+1} x n_l] and b_l [1 x n_{l+1}].
template <class Real>
struct Parameters {
  struct Entry {
    std::string name;
    Index layer;
    Matrix<Real> value;
  };
  std::vector<Entry> entries;

  [[nodiscard]] Index count() const;
  [[nodiscard]] std::vector<Index> layers() const;  ///< the layer of each entry
};

/// ||a - b||_2 over all entries, summed in double. Throws ShapeError when the shapes differ.
template <class Real>
[[nodiscard]] double distance(const Parameters<Real>& a, const Parameters<Real>& b);

}  // namespace ntape
