#pragma once

namespace ntape::limit {

/// The law of a pair (u, v) of centred normals: variances p, q, covariance c. Beside them the gap 1 - |rho|,
/// rho = c / sqrt(pq): next to |rho| = 1 it holds the digits that c has lost, and the duals of functions with
/// a kink go like sqrt(gap) there.
struct Covariance {
  double p = 0;
  double c = 0;
  double q = 0;
  double gap = 1;  ///< in [0, 1]; 1 where pq = 0, but for p = q = 0, two equal constants: 0

  /// Takes p, c, q as exact: gap is right to a few units in its last place. A |c| above sqrt(pq) by rounding
  /// (1e-12 of it) counts as sqrt(pq). Throws UserError for values that are not finite, negative variances,
  /// a larger |c|.
  [[nodiscard]] static Covariance of(double p, double c, double q);

  [[nodiscard]] double root() const;  ///< sqrt(pq)
  /// sqrt(1 - rho^2), from the gap.
  [[nodiscard]] double sine() const;
  /// sqrt(pq - c^2).
  [[nodiscard]] double root_determinant() const { return root() * sine(); }
  /// acos |rho| in [0, pi/2], with full relative precision at both ends.
  [[nodiscard]] double angle() const;
  /// asin |rho| = pi/2 - angle, likewise.
  [[nodiscard]] double complement() const;
  /// v in place of u.
  [[nodiscard]] Covariance swapped() const { return {q, c, p, gap}; }
};

}  // namespace ntape::limit
