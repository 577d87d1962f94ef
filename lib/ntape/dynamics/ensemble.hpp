#pragma once

#include <ntape/dynamics/gaussian.hpp>
#include <ntape/dynamics/lazy.hpp>
#include <vector>

namespace ntape {

class EnsembleElsewhere;

/// All initializations of an infinitely wide network at once, trained on the mean square: outputs stay a
/// Gaussian (Lee et al. 2019, equations 14 and 15). At the start f_0 ~ N(0, Sigma), Sigma the NNGP; with
/// A = kappa Theta^{-1} (I - decay(Theta/N)), for every Moment of training,
///   mean A y,  covariance Sigma(z, z') + A Sigma A'^T - (A Sigma(X, z') + its transpose).
/// On the training set: mean y - decay y, covariance decay Sigma decay. Initializations with another mean
/// than zero: add what LazyPrediction makes of it.
class EnsemblePrediction {
 public:
  /// ntk and nngp on the training set, both [N x N] or both full [N C x N C]; y [N x C]. Throws ShapeError
  /// when they do not fit, otherwise as KernelFactor. Cost: one eigendecomposition and 4 n^3 flops.
  EnsemblePrediction(const Matrix<double>& ntk, const Matrix<double>& nngp, const Matrix<double>& y);

  /// On the training set. Cost 4 n^3 flops.
  [[nodiscard]] Gaussian at(const Moment& moment) const;
  /// At M other inputs: Theta(z, X) and Sigma(z, X) [M x n], Sigma(z, z) [M x M] (full: M C in place of M).
  /// Throws ShapeError when they do not fit. Cost 4 M n^2 flops.
  [[nodiscard]] EnsembleElsewhere elsewhere(const Matrix<double>& ntk, const Matrix<double>& nngp,
                                            const Matrix<double>& nngp_there) const;
  /// The mean.
  [[nodiscard]] const LazyPrediction& mean() const { return mean_; }

 private:
  LazyPrediction mean_;
  Matrix<double> start_;                         // Sigma
  std::shared_ptr<const Matrix<double>> modes_;  // V Sigma V^T
};

/// An EnsemblePrediction at other inputs. Needs nothing of it any more.
class EnsembleElsewhere {
 public:
  /// Cost 2 M n^2 + 4 M^2 n flops.
  [[nodiscard]] Gaussian at(const Moment& moment) const;
  /// The variances alone, the diagonal of that covariance. Cost 2 M n^2 flops.
  [[nodiscard]] std::vector<double> variances(const Moment& moment) const;
  [[nodiscard]] const LazyElsewhere& mean() const { return mean_; }

 private:
  friend EnsemblePrediction;
  EnsembleElsewhere(LazyElsewhere mean, std::shared_ptr<const Matrix<double>> modes, Matrix<double> across,
                    Matrix<double> start);

  // Q of A = Q V, and its largest gain.
  struct Gains {
    Matrix<double> q;
    double steepest;
  };
  [[nodiscard]] Gains gains(const Moment& moment) const;

  LazyElsewhere mean_;
  std::shared_ptr<const Matrix<double>> modes_;  // V Sigma V^T
  Matrix<double> across_;                        // Sigma(z, X) V^T [M x n]
  Matrix<double> start_;                         // Sigma(z, z)
};

}  // namespace ntape
