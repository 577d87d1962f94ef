#pragma once

#include <ntape/tensor/matrix.hpp>

namespace ntape {

/// The largest stable rate of gradient descent under a constant kernel, with momentum m: 2 (1 + m) N /
/// lambda_max, lambda_max of Theta. A mode then goes by the roots of z^2 - (1 + m - eta lambda/N) z + m = 0,
/// of which one leaves the unit circle there, through -1; without momentum it is 1 - eta lambda/N.
[[nodiscard]] double critical_rate(double lambda_max, Index examples, double momentum = 0);

/// The rate under which the slowest mode is as fast as it can be: 2 (1 + m) N / (lambda_min + lambda_max),
/// where the two extreme modes contract alike (Lee et al. 2019 for m = 0).
[[nodiscard]] double balanced_rate(double lambda_min, double lambda_max, Index examples, double momentum = 0);

}  // namespace ntape
