#include <algorithm>
#include <ntape/dynamics/solve_report.hpp>
#include <sstream>

namespace ntape {
namespace {

// Beyond the first, a relative error of 1e-16 in K is one of more than 1e-6 in the solution. Of floats nobody
// expects that; beyond the second they leave less than three digits.
constexpr double kIllConditioned = 1e10, kThreeDigits = 1e-3;
// Far above what rounding does to a solve of any size, 1e-15 or so.
constexpr double kBackwardError = 1e-10;

}  // namespace

bool is_indefinite(const SolveReport& r) {
  return r.lambda_min < kIndefinite * r.lambda_max;
}

std::optional<std::string> warning(const SolveReport& r) {
  const bool indefinite = r.lambda_min < -r.rounding;
  const bool ill_conditioned = r.condition > std::min(kIllConditioned, kThreeDigits / r.precision);
  const bool unsolved = r.backward_error > std::max(kBackwardError, r.precision);
  if (!ill_conditioned && !r.leaves_out() && !indefinite && !unsolved) return std::nullopt;
  std::ostringstream out;
  out.precision(3);
  if (indefinite)
    out << "the kernel is not positive semidefinite beyond rounding (least eigenvalue " << r.lambda_min
        << ", largest " << r.lambda_max << "), so it is known to no better than that: ";
  else if (r.leaves_out())
    out << "the kernel does not determine every mode: ";
  else if (ill_conditioned)
    out << "the kernel is ill-conditioned: ";
  else
    out << "the solve with the kernel went wrong: ";
  if (r.precision > kDoublePrecision) out << "its values are known to " << r.precision << " of each; ";
  if (r.null_modes > 0)
    out << r.null_modes << " of " << r.size << " eigenvalues (" << r.negative_modes << " negative) "
        << (r.leaves_out() ? "count as zero" : "do not count beside the ridge") << ", being at most "
        << r.null_level << "; ";
  if (r.leaves_out() && r.regularizer > 0)
    out << "a ridge of " << r.regularizer << " is too small to determine them, which takes more than that; ";
  out << "condition " << r.condition << " (of all modes " << r.full_condition << "), effective rank "
      << r.effective_rank;
  if (r.solved) out << ", ridge " << r.regularizer << ", backward error " << r.backward_error;
  if (r.unreachable > 0) out << ", " << r.unreachable << " of the residual out of reach";
  return out.str();
}

}  // namespace ntape
