#pragma once

#include <cmath>
#include <ntape/kernel/lanczos.hpp>
#include <ntape/tensor/matrix.hpp>

namespace ntape::lanczos {

/// Of Ritz pair k, descending: its value, its coordinates in the basis (row k), and ||A v - value v||.
struct Ritz {
  std::vector<double> values;
  Matrix<double> coordinates;
  std::vector<double> residuals;
};

/// Orthonormal rows: first those that are locked, which others are kept orthogonal to and no more; then those
/// whose products are known; then those that wait to be multiplied.
///
/// What a product leaves, after all rows are taken off it, waits behind the others. So A maps known rows to
/// known and waiting ones (and, by what they were allowed to miss, locked ones), whatever vectors are added.
class Basis {
 public:
  Basis(const SymmetricMap& a, Index size, Index most);

  [[nodiscard]] Index size() const { return q_.shape(1); }
  [[nodiscard]] Index known() const { return known_ - locked_; }
  [[nodiscard]] Index waiting() const { return count_ - known_; }
  /// A step may need two rows, one of them for a random vector.
  [[nodiscard]] bool full() const { return count_ + 2 > q_.shape(0); }
  [[nodiscard]] Index products() const { return products_; }
  [[nodiscard]] const double* vector(Index k) const { return row(q_, k); }

  void add_random();
  /// Multiplies the first row that waits; the basis must not be full.
  void step();
  /// Of A on the known rows.
  [[nodiscard]] Ritz ritz() const;
  /// The first Ritz vectors take the place of the known rows; those that wait stay.
  void keep(const Ritz& r, Index first);
  /// The first rows are locked, the others forgotten.
  void lock(Index first);
  /// Row `by` takes the place of `locked`.
  void replace(Index locked, Index by);

  void multiply(const double* x, std::vector<double>& y);
  /// Takes the first rows off w and gives its norm, 0 where only rounding is left; adds what they took to
  /// `along`.
  double reduce(std::vector<double>& w, Index rows, std::vector<double>* along = nullptr) const;
  /// A random unit vector orthogonal to the first rows.
  void random(std::vector<double>& w, Index rows);

 private:
  void append(double length);
  [[nodiscard]] double left_at(Index waiting, const double* coordinates) const;

  const SymmetricMap& a_;
  Matrix<double> q_, t_;  // t(k, l) = q_k . A q_l wherever k or l is known
  std::vector<double> w_;
  Index locked_ = 0, known_ = 0, count_ = 0, products_ = 0;
  std::uint64_t stream_ = 0;
};

}  // namespace ntape::lanczos
