#pragma once

#include <ntape/limit/dual.hpp>
#include <ntape/limit/power_series.hpp>
#include <ntape/model/architecture.hpp>
#include <optional>
#include <vector>

namespace ntape {

/// The limit NTK of inputs of one length as a function of the angle between them.
struct AngleCurve {
  std::vector<double> value;  ///< kappa(cos angle)
  std::vector<double> bound;  ///< of its error
};

/// At angles in [0, pi] for inputs with |x|^2 / n_0 = square. Full relative accuracy in the angle at both
/// ends. Throws UserError as limit_kernels; for an angle or square out of range, for values that overflow.
[[nodiscard]] AngleCurve angle_curve(const Architecture& architecture, double square,
                                     const std::vector<double>& angles, const limit::Duals& duals = {});

/// What a kink of the activation leaves of kappa at equal inputs, a cusp: -dkappa/dangle at angle 0+, exactly
/// 0 where s' has no jump. At small angles kappa(cos a) = kappa(1) - cusp a + O(a^2), to some units of
/// rounding a layer.
[[nodiscard]] double angle_cusp(const Architecture& architecture, double square,
                                const limit::Duals& duals = {});

/// The eigenvalues of f -> int kappa(x.y) f(y) dy on the sphere S^{d-1} with its uniform probability measure:
/// one for each degree k of spherical harmonics, N(d,k) times.
struct SphereSpectrum {
  Index dimension = 0;               ///< d
  std::vector<double> value;         ///< mu_k, k = 0 .. degrees
  std::vector<double> bound;         ///< of its error: of quadrature, rounding and the kernel itself
  std::vector<double> multiplicity;  ///< N(d,k)
  double kappa_one = 0;              ///< kappa(1) = sum over all k of N(d,k) mu_k
  double sum = 0;                    ///< that sum over the degrees whose mu_k is above its bound
  double sum_bound = 0;              ///< of its error: it is large where many harmonics share what is small
};

/// By the Funk-Hecke formula, with P_k the Gegenbauer polynomial of degree k that is 1 at 1,
///   mu_k = Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2)) int_0^pi kappa(cos th) P_k(cos th) sin^{d-2} th dth,
/// by a tanh-sinh rule in th, where kappa is smooth but for the ends. Inputs have |x|^2 / n_0 = square; the
/// input width of the architecture does not matter otherwise. Throws UserError for a dimension below 2 or
/// above 10000, more than 2000 degrees; as angle_curve. Cost: some 30 (sqrt(k (k + d)) + 8 sqrt(d) + 32)
/// values of kappa, k = degrees.
[[nodiscard]] SphereSpectrum sphere_spectrum(const Architecture& architecture, Index dimension,
                                             Index degrees = 200, double square = 1,
                                             const limit::Duals& duals = {});

/// Which degrees of a spectrum are shown to be positive: mu_k above its bound.
struct Positivity {
  std::vector<Index> positive;
  std::vector<Index> vanishing;  ///< mu_k = 0, as far as the series says
  std::vector<Index> undecided;  ///< zero, or too small to tell
  std::optional<Index> proved;   ///< every degree up to this one is positive; empty when degree 0 is not
};
[[nodiscard]] Positivity positivity(const SphereSpectrum& spectrum);
/// With the power series of the same kernel as well: b_j > 0 shows mu_k > 0 for k = j, j-2, ..., in any
/// dimension, and coefficients are known far below the error of an integral. Where b_j vanishes for j = k,
/// k+2, ... to the end of the series, which should be longer than the spectrum, mu_k vanishes.
[[nodiscard]] Positivity positivity(const SphereSpectrum& spectrum, const PowerSeries& series);

/// Whether Theta_inf is positive definite on the sphere by Jacot et al. 2018, Proposition 2: a plain network
/// with an activation that is Lipschitz and no polynomial, depth at least 2, a bias, weights. (False says
/// nothing; of an activation of the user's own, nothing is said.)
[[nodiscard]] bool positive_by_theorem(const Architecture& architecture, const limit::Duals& duals = {});

/// mu_k ~ k^exponent.
struct Decay {
  double exponent;
  double error;       ///< standard error of least squares: of the fit's residuals, the same for all degrees
  Index first, last;  ///< degrees that were fitted
  /// The slope at either end of a parabola through log mu_k against log k; of four eigenvalues or more.
  std::optional<double> at_first, at_last;
  /// Whether these differ by more than a fifth of the exponent, and the parabola bends down by more than
  /// three standard errors: over these degrees there is no power. (Smooth kernels have none at all; one with
  /// a cusp goes like k^-d in the end, at large d only far beyond some hundred degrees.)
  bool steepening;
};
/// The slope of log mu_k against log k by least squares over positive mu_k well above their bounds, first <=
/// k <= last. Throws UserError when there are fewer than three.
[[nodiscard]] Decay decay_exponent(const SphereSpectrum& spectrum, Index first, Index last);
/// Over the upper three quarters of the degrees up to the last that is well above its bound.
[[nodiscard]] Decay decay_exponent(const SphereSpectrum& spectrum);

}  // namespace ntape
