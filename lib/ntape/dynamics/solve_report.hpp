#pragma once

#include <ntape/tensor/matrix.hpp>
#include <optional>
#include <string>

namespace ntape {

/// What a solve with a kernel K + r I [n x n] rests on. Eigenvalues are of K, not divided by N.
struct SolveReport {
  Index size = 0;                            ///< n
  double lambda_max = 0, lambda_min = 0;     ///< as computed: lambda_min may be negative
  double null_level = 0;                     ///< eigenvalues up to here count as zero
  Index null_modes = 0, negative_modes = 0;  ///< how many count as zero, and how many of these were negative
  double regularizer = 0;                    ///< r, in absolute terms
  double condition = 0;  ///< (lambda_max + r) / (least that counts + r); infinite for K = 0
  /// The same of all modes, the null ones with them: the largest |lambda_k + r| over the least, infinite
  /// where that is 0.
  double full_condition = 0;
  bool solved = false;  ///< whether there was a right-hand side: else what follows but the rank is not known
  /// exp of the entropy of lambda_k / tr K, 1 to n (Roy and Vetterli 2007): how many modes carry the kernel.
  double effective_rank = 0;
  /// |b - (K + r) x| / (|K + r|_2 |x| + |b|), Frobenius norms, b without its null modes where r = 0.
  double backward_error = 0;
  /// The share of |b| in null modes, which no training reaches; 0 where r > 0.
  double unreachable = 0;
};

/// The least eigenvalue over lambda_max below which K is no kernel. Those of a kernel in float32 are negative
/// by 1e-7 times a factor that grows with n, rounding; this is far from any.
inline constexpr double kIndefinite = -1e-4;
/// Whether an eigenvalue is below kIndefinite lambda_max.
[[nodiscard]] bool is_indefinite(const SolveReport& report);

/// One sentence with the figures when the system is ill-conditioned (condition above 1e10), when modes were
/// left out, there being no ridge, or when K has negative eigenvalues beyond rounding; nothing otherwise. Of
/// a kernel that nothing was solved with, what a solve would have left out or got wrong is not said.
[[nodiscard]] std::optional<std::string> warning(const SolveReport& report);

}  // namespace ntape
