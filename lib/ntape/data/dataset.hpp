#pragma once

#include <ntape/tensor/matrix.hpp>
#include <string>

namespace ntape::data {

/// N examples: x is N x n_0, y is N x n_L.
template <class Real>
struct Dataset {
  Matrix<Real> x;
  Matrix<Real> y;
  std::string name;
  std::string description;
};

/// "fnv1a64:" and 16 hex digits: FNV-1a over the shapes and the values as double, so that a float dataset
/// has the checksum of its exact cast to double. Name and description do not enter.
template <class Real>
[[nodiscard]] std::string checksum(const Dataset<Real>& dataset);

/// Throws UserError naming the first nan or infinity: "... inputs row 3, column 7 (counted from 0) is nan".
template <class Real>
void check_finite(const Dataset<Real>& dataset);

/// check_finite, and throws UserError when there is no example, no input or target coordinate, or when the
/// numbers of inputs and targets differ.
template <class Real>
void validate(const Dataset<Real>& dataset);

/// Rounds every value to To. Throws UserError when a value is not finite afterwards.
template <class To, class From>
[[nodiscard]] Dataset<To> cast(const Dataset<From>& dataset);

}  // namespace ntape::data
