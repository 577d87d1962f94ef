#include <cmath>
#include <limits>
#include <ntape/dynamics/solve_report.hpp>
#include <sstream>

namespace ntape {
namespace {

// Beyond this, a relative error of 1e-16 in K is one of more than 1e-6 in the solution.
constexpr double kIllConditioned = 1e10;

}  // namespace

bool is_indefinite(const SolveReport& r) {
  return r.lambda_min < kIndefinite * r.lambda_max;
}

std::optional<std::string> warning(const SolveReport& r) {
  const double rounding = static_cast<double>(r.size) * std::numeric_limits<double>::epsilon() * r.lambda_max;
  const bool indefinite = r.lambda_min < -rounding;
  // A ridge determines what the kernel does not.
  const bool undetermined = r.solved && r.null_modes > 0 && r.regularizer == 0;
  if (!(r.condition > kIllConditioned) && !undetermined && !indefinite) return std::nullopt;
  std::ostringstream out;
  out.precision(3);
  if (indefinite)
    out << "the kernel is not positive semidefinite beyond rounding (least eigenvalue " << r.lambda_min
        << ", largest " << r.lambda_max << "), so it is known to no better than that: ";
  else if (undetermined)
    out << "the kernel does not determine every mode: ";
  else
    out << "the system is ill-conditioned: ";
  if (r.solved && r.null_modes > 0)
    out << r.null_modes << " of " << r.size << " eigenvalues (" << r.negative_modes
        << " negative) count as zero, being at most " << r.null_level << "; ";
  out << "condition " << r.condition << " (of all modes " << r.full_condition << "), effective rank "
      << r.effective_rank;
  if (r.solved) out << ", ridge " << r.regularizer << ", backward error " << r.backward_error;
  if (r.unreachable > 0) out << ", " << r.unreachable << " of the residual out of reach";
  return out.str();
}

}  // namespace ntape
