#include <ntape/dynamics/stability.hpp>

namespace ntape {

double critical_rate(double lambda_max, Index examples, double momentum) {
  return 2 * (1 + momentum) * static_cast<double>(examples) / lambda_max;
}

double balanced_rate(double lambda_min, double lambda_max, Index examples, double momentum) {
  return 2 * (1 + momentum) * static_cast<double>(examples) / (lambda_min + lambda_max);
}

}  // namespace ntape
