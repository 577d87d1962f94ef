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

/// A flag per entry: those of one layer; the weights W; the biases b. For KernelOptions::selected.
template <class Real>
[[nodiscard]] std::vector<char> select_layer(const Parameters<Real>& theta, Index layer);
template <class Real>
[[nodiscard]] std::vector<char> select_weights(const Parameters<Real>& theta);
template <class Real>
[[nodiscard]] std::vector<char> select_biases(const Parameters<Real>& theta);

/// Parameters of these shapes, names and layers, all zero.
template <class Real>
[[nodiscard]] Parameters<Real> zeros_like(const Parameters<Real>& theta);
/// y += factor x. Throws ShapeError when the shapes differ.
template <class Real>
void add_scaled(Parameters<Real>& y, double factor, const Parameters<Real>& x);
/// <a, b> over all entries, summed in double. Throws ShapeError when the shapes differ.
template <class Real>
[[nodiscard]] double dot(const Parameters<Real>& a, const Parameters<Real>& b);

/// theta + direction e: what moves along a direction. Throws ShapeError when the shapes differ.
template <class Real>
[[nodiscard]] Parameters<Dual<Real>> along(const Parameters<Real>& theta, const Parameters<Real>& direction);

/// ||a - b||_2 over all entries, summed in double. Throws ShapeError when the shapes differ.
template <class Real>
[[nodiscard]] double distance(const Parameters<Real>& a, const Parameters<Real>& b);

}  // namespace ntape
