#pragma once

#include <limits>
#include <ntape/tensor/matrix.hpp>
#include <optional>
#include <string>

namespace ntape {

/// The relative precision of numbers in double, 2^-52.
inline constexpr double kDoublePrecision = std::numeric_limits<double>::epsilon();

/// What a solve with a kernel K + r I [n x n] rests on. Eigenvalues are of K, not divided by N.
struct SolveReport {
  Index size = 0;                            ///< n
  double lambda_max = 0, lambda_min = 0;     ///< as computed: lambda_min may be negative
  double precision = kDoublePrecision;       ///< relative, of the entries of K
  double rounding = 0;                       ///< what that makes of an eigenvalue that is zero
  double null_level = 0;                     ///< eigenvalues up to here K cannot tell from zero
  Index null_modes = 0, negative_modes = 0;  ///< how many these are, and how many of them were negative
  double regularizer = 0;                    ///< r, in absolute terms
  double condition = 0;  ///< (lambda_max + r) / (least that counts + r); infinite for K = 0
  /// The same of all modes, those that are left out with them: the largest |lambda_k + r| over the least,
  /// infinite where that is 0.
  double full_condition = 0;
  bool solved = false;  ///< whether there was a right-hand side: else what follows but the rank is not known
  /// exp of the entropy of lambda_k / tr K, 1 to n (Roy and Vetterli 2007): how many modes carry the kernel.
  double effective_rank = 0;
  /// |b - (K + r) x| / (|K + r|_2 |x| + |b|), Frobenius norms, b without the modes that are left out.
  double backward_error = 0;
  /// The share of |b| in modes that are left out, which no training reaches.
  double unreachable = 0;

  /// Whether null modes are left out: r is 0, or not above null_level. A larger one determines them.
  [[nodiscard]] bool leaves_out() const { return null_modes > 0 && regularizer <= null_level; }
};

/// The least eigenvalue over lambda_max below which K is no kernel. Those of a kernel in float32 are negative
/// by 1e-7 times a factor that grows with n, rounding; this is far from any.
inline constexpr double kIndefinite = -1e-4;
/// Whether an eigenvalue is below kIndefinite lambda_max.
[[nodiscard]] bool is_indefinite(const SolveReport& report);

/// One sentence with the figures when the system is ill-conditioned (condition above 1e10, or above 1e-3 over
/// the precision of K), when modes are left out, when K has negative eigenvalues beyond rounding, or when the
/// backward error is above 1e-10 and the precision of K; nothing otherwise. Of a kernel that nothing was
/// solved with, what a solve got wrong is not said.
[[nodiscard]] std::optional<std::string> warning(const SolveReport& report);

}  // namespace ntape
