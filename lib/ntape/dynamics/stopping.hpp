#pragma once

#include <functional>
#include <ntape/dynamics/ensemble.hpp>
#include <vector>

namespace ntape {

/// One principal component of the kernel on the training set: a unit eigenvector v of Theta.
struct LazyComponent {
  double rate;   ///< lambda_k / N: along v, f - y decays as exp(-rate t)
  double time;   ///< its time constant, N / lambda_k; infinite for a null mode, of which it is not known
  double start;  ///< |<f_0 - y, v>| / sqrt(N), all outputs together: its norm in <.,.>_pin = 1/N sum_n
  double share;  ///< of |f_0 - y|^2, 0 to 1
};

/// The K leading components, the fastest first; all when there are fewer.
[[nodiscard]] std::vector<LazyComponent> leading_components(const LazyPrediction& prediction, Index count);

/// |<f_t - y, v_k>| / sqrt(N) of the K leading components (columns) at each moment (rows).
[[nodiscard]] Matrix<double> residual_components(const LazyPrediction& prediction,
                                                 const std::vector<Moment>& moments, Index count);

/// Where a loss over time is least.
struct StoppingTime {
  double time;  ///< 0 and infinity included
  double loss;
  double loss_at_start, loss_at_end;  ///< at times 0 and infinity
};

/// The time of gradient flow at which the outputs at other inputs have the least cost 1/(2M) sum |f - y|^2
/// against y [M x C]: a grid of 16 times to a factor of ten, from a hundredth of the shortest time constant
/// to thirty of the longest (of null modes, if these inputs feel any, to a hundredth of KernelFactor::late),
/// then Brent's method (Boost.Math) between the best one's
/// neighbours. A time in between must be better than start and end by 1e-9 of the loss. Of several minima
/// within a factor of 1.15 in time one may be missed. Throws ShapeError when y does not fit. Cost: 100 to 300
/// evaluations.
[[nodiscard]] StoppingTime early_stopping(const LazyElsewhere& there, const Matrix<double>& y);

/// The same for an ensemble, and the cost that one of its networks has in expectation: that of their mean and
/// 1/(2M) times the sum of all variances. Cost: 2 M n^2 flops an evaluation.
[[nodiscard]] StoppingTime early_stopping(const EnsembleElsewhere& there, const Matrix<double>& y);

/// The same for any loss of time; least and most bound the grid.
[[nodiscard]] StoppingTime early_stopping(const std::function<double(const Moment&)>& loss, double least,
                                          double most);

}  // namespace ntape
