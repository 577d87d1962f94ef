#pragma once

#include <ntape/tensor/matrix.hpp>
#include <optional>
#include <string>
#include <vector>

#include "predict_options.hpp"

namespace ntape::tools {

/// What there is to predict: kernels, outputs at the start and targets, on the training set and elsewhere.
struct PredictProblem {
  std::string data, kernel;  ///< what they are, in words
  Matrix<double> y;          ///< [N x C]
  Matrix<double> f0;         ///< [N x C]
  Matrix<double> ntk;        ///< [N x N], or full [N C x N C]
  double precision = 0;      ///< relative, of the NTK's entries; 0: that of double
  struct Elsewhere {
    Matrix<double> f0;                ///< [M x C]
    Matrix<double> ntk;               ///< against the training set, [M x N] or [M C x N C]
    std::optional<Matrix<double>> y;  ///< [M x C], where known
    Matrix<double> nngp, nngp_there;  ///< [M x N], [M x M]; empty unless asked for
  };
  std::optional<Elsewhere> there;
  Matrix<double> nngp;   ///< [N x N]; empty unless asked for
  bool one_hot = false;  ///< whether a centred one-hot code was taken for the classes it stands for
  std::vector<std::string> warnings;
};

/// Reads data, makes or reads kernels. Throws UserError.
[[nodiscard]] PredictProblem predict_problem(const PredictOptions& o);

}  // namespace ntape::tools
