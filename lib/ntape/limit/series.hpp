#pragma once

#include <cstddef>
#include <vector>

namespace ntape::limit {

/// Arithmetic of power series with coefficients >= 0 up to a degree, rounded one way: sums, products and
/// compositions of such series grow with every coefficient, so from upper (lower) bounds of the coefficients
/// come upper (lower) bounds of the results.
class OneSidedSeries {
 public:
  using Numbers = std::vector<double>;

  OneSidedSeries(std::size_t degree, bool upper) : degree_(degree), upper_(upper) {}
  [[nodiscard]] std::size_t degree() const { return degree_; }
  [[nodiscard]] bool upper() const { return upper_; }

  /// `value` moved out by `units` of rounding, relative.
  [[nodiscard]] double moved(double value, double units) const;
  /// constant + factor a
  [[nodiscard]] Numbers affine(double factor, const Numbers& a, double constant) const;
  [[nodiscard]] Numbers sum(const Numbers& a, const Numbers& b) const;
  /// Cost degree^2.
  [[nodiscard]] Numbers product(const Numbers& a, const Numbers& b) const;
  /// G(rho(t)) for G(rho) = sum_j g_j rho^j, of which the coefficients not given are at most `rest` together;
  /// rho(1) <= 1. What those add is bounded (Cauchy) by rest rho(x)^n / x^k, any 0 < x < 1, rho being convex.
  /// Cost degree (n + degree^2 / 3).
  [[nodiscard]] Numbers composed(const Numbers& g, double rest, const Numbers& rho) const;
  /// constant + factor int_0^rho(t) G, given G(rho(t)). Cost degree^2.
  [[nodiscard]] Numbers integral(double constant, double factor, const Numbers& composed,
                                 const Numbers& rho) const;

 private:
  [[nodiscard]] Numbers recentred(const Numbers& g, double center, double scale) const;
  std::size_t degree_;
  bool upper_;
};

}  // namespace ntape::limit
