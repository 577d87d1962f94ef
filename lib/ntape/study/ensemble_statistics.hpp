#pragma once

#include <ntape/study/ensemble.hpp>
#include <span>

namespace ntape::study {

/// Statistics over the S networks of an ensemble, with the standard errors that S gives them; all [T x M C].
struct EnsembleMoments {
  Index networks = 0;  ///< S
  Matrix<double> mean;
  Matrix<double> mean_error;  ///< s / sqrt(S)
  Matrix<double> variance;    ///< s^2, unbiased
  /// sqrt((m_4 - s^4 (S - 3)/(S - 1)) / S), m_4 the fourth central moment: no normality is assumed.
  Matrix<double> variance_error;
};

/// Throws UserError for fewer than two networks. Cost O(T S M C).
[[nodiscard]] EnsembleMoments moments(const EnsembleOutputs& ensemble);

/// [Q x T x M C]: quantile q is the value below which a share levels[q] of the networks lies, linear between
/// order statistics (definition 7 of Hyndman and Fan 1996). Throws UserError for a level outside [0, 1].
[[nodiscard]] Stack<double> quantiles(const EnsembleOutputs& ensemble, std::span<const double> levels);

/// Their standard errors, [Q x T x M C]: half the distance of the order statistics, interpolated alike, at
/// levels p +- sqrt(p (1 - p)/S), by one standard deviation of the share of networks that lie below the true
/// quantile, which is binomial: no density is estimated. NaN where such a level is outside [0, 1]: so few
/// networks (S p or S (1 - p) below about 1) do not tell. Throws UserError as quantiles, and for fewer than
/// two networks.
[[nodiscard]] Stack<double> quantile_errors(const EnsembleOutputs& ensemble, std::span<const double> levels);

/// How many standard errors the measured moments are from those of a Gaussian law; both [T x M C].
struct ZScores {
  Matrix<double> mean;      ///< (mean - mu) / sqrt(v / S)
  Matrix<double> variance;  ///< (s^2 - v) / (v sqrt(2 / (S - 1)))
};

/// z-scores against a theory with mean mu and variance v [T x M C]. Standard errors are those that the theory
/// itself gives a sample of S, so that under it every score has mean 0 and variance 1. Where v = 0 a score is
/// 0 if the measured moment is the theory's, otherwise infinite.
/// Throws ShapeError for other shapes, UserError for a negative v.
[[nodiscard]] ZScores z_scores(const EnsembleMoments& measured, const Matrix<double>& mean,
                               const Matrix<double>& variance);

/// The covariance over networks of outputs at one step, steps[t]: [M C x M C], unbiased.
/// Throws UserError for fewer than two networks.
[[nodiscard]] Matrix<double> covariance(const EnsembleOutputs& ensemble, Index t);

}  // namespace ntape::study
