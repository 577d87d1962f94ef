#pragma once

#include <ntape/dynamics/factor.hpp>
#include <ntape/ops/objective.hpp>
#include <ntape/tensor/linalg.hpp>
#include <string>
#include <vector>

namespace ntape {

struct FlowOptions {
  std::string objective = "softmax_cross_entropy";  ///< see objective in ops/objective.hpp
  /// Of a step's error in outputs: absolute, and relative to how far coefficients have come.
  double tolerance = 1e-8;
  Index most_steps = 100000;  ///< of the solver; more are refused
};

/// Gradient flow on any objective under a constant kernel: d_t f = -Theta dC/df(f), where C has the 1/N.
///
/// What is integrated are the coefficients a [N x C] of f_t(z) = f_0(z) - kappa a_t, d_t a = P dC/df(f_0 -
/// Theta a), which belong to all inputs z alike. P leaves out null modes (KernelFactor), as for the mean
/// square: along them rounding would act at late times, and a negative eigenvalue make the objective grow
/// (null modes take part until KernelFactor::late, those of negative eigenvalues never).
///
/// The solver is Boost.odeint's Dormand-Prince 5(4) with dense output. It is explicit: the fastest mode moves
/// at the rate lambda_max/N times the objective's curvature (at most 1, 1/2, 1/4 for mean square, softmax
/// cross entropy, logistic), which stability makes it follow, at about 3.3 to a step. An implicit method
/// would take longer steps later on, each for the factorization of an n x n matrix, the price of thousands of
/// these.
struct FlowCoefficients {
  std::vector<double> times;       ///< as asked for
  std::vector<Matrix<double>> at;  ///< a_t [N x C] at each of them
  Index steps = 0;                 ///< of the solver
};

/// times: finite, ascending, from 0 on. Theta [N x N], or full [N C x N C]; f0, y [N x C]. Throws UserError
/// for other times, targets that the objective is not defined for, a tolerance outside [1e-13, 0.1], when
/// more steps than most_steps are needed, or as require_kernel; ShapeError when shapes do not fit. Of a
/// kernel that is_indefinite most may be left out. Cost: one eigendecomposition, and 12 n^2 C flops a step,
/// with m null modes 24 m n C more.
[[nodiscard]] FlowCoefficients flow_coefficients(const Matrix<double>& kernel, const Matrix<double>& f0,
                                                 const Matrix<double>& y, const std::vector<double>& times,
                                                 const FlowOptions& options);
/// The same of a kernel that is factored already; `kernel` is again what was factored.
[[nodiscard]] FlowCoefficients flow_coefficients(const KernelFactor& factor, const Matrix<double>& kernel,
                                                 const Matrix<double>& f0, const Matrix<double>& y,
                                                 const std::vector<double>& times,
                                                 const FlowOptions& options);

/// f_0 - kappa a: outputs where kappa = Theta(z, X) and outputs were f0 [M x C]. 2 M n C flops.
[[nodiscard]] Matrix<double> outputs_of(const Matrix<double>& kappa, const Matrix<double>& coefficients,
                                        const Matrix<double>& f0);

}  // namespace ntape
