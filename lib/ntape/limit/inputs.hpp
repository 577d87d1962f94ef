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
  double distinct[PairRow::kMost];  ///< 0 where both rows are equal, 1 elsewhere
};

/// One or two lists of examples as one: those of x, then those of x2.
class Inputs {
 public:
  /// Both must outlive it; x2 may be null.
  Inputs(const Matrix<double>& x, const Matrix<double>* x2);

  [[nodiscard]] const std::vector<double>& squares() const { return squares_; }  ///< |x|^2 / n_0
  /// Of squares, and of a product relative to the root of both squares: proven, for every input.
  [[nodiscard]] double relative_error() const { return relative_error_; }
  /// Equal rows have gap 0 and a product equal to their squares. All rows first .. first + count - 1 are of
  /// one matrix. Cost count n_0, four times that where the gap is below 0.01: there it is computed from
  /// x' - (x.x'/x.x) x, which keeps its digits.
  void products(std::size_t i, std::size_t first, std::size_t count, ProductRow& out) const;

 private:
  [[nodiscard]] const double* example(std::size_t i) const;
  // Products, and their gaps, with those rows of first .. first + count - 1 that are scaled, or of such a
  // row.
  void scale(std::size_t i, std::size_t first, std::size_t count, double* scaled, ProductRow& out) const;
  const Matrix<double>& x_;
  const Matrix<double>* x2_;
  std::size_t columns_;
  double relative_error_;
  // A row is scaled by 2^-exponent, so that no square leaves the doubles; 0 for rows of usual size.
  std::vector<int> exponents_;
  bool scaled_ = false;
  std::vector<double> squares_, scaled_squares_, roots_;
};

}  // namespace ntape::limit
