#pragma once

#include <ntape/limit/pairs.hpp>
#include <ntape/tensor/matrix.hpp>
#include <vector>

namespace ntape::limit {

/// Inner products of one row with up to PairRow::kMost others, over n_0, and the gaps 1 - |cos| of the
/// angles.
struct ProductRow {
  double product[PairRow::kMost], product_error[PairRow::kMost];
  double gap[PairRow::kMost], gap_error[PairRow::kMost];
};

/// One or two lists of examples as one: those of x, then those of x2.
class Inputs {
 public:
  /// Both must outlive it; x2 may be null.
  Inputs(const Matrix<double>& x, const Matrix<double>* x2);

  [[nodiscard]] const std::vector<double>& squares() const { return squares_; }  ///< |x|^2 / n_0
  /// Of squares: a sum of n terms in eight parts, rounding like a random walk.
  [[nodiscard]] double relative_error() const { return relative_error_; }
  /// Equal rows have gap 0 and a product equal to their squares. Cost count n_0, four times that where the
  /// gap is below 0.01: there it is computed from x' - (x.x'/x.x) x, which keeps its digits.
  void products(std::size_t i, std::size_t first, std::size_t count, ProductRow& out) const;

 private:
  [[nodiscard]] const double* example(std::size_t i) const;
  // Of a with the rows `from` to `to`, counted from `first`, all in one matrix.
  void products_with(const double* a, std::size_t first, std::size_t from, std::size_t to, double* out) const;
  const Matrix<double>& x_;
  const Matrix<double>* x2_;
  std::size_t columns_;
  double relative_error_;
  std::vector<double> squares_, roots_;
};

}  // namespace ntape::limit
