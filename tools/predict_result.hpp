#pragma once

#include <ntape/dynamics/ensemble.hpp>
#include <ntape/dynamics/stopping.hpp>
#include <optional>
#include <string>
#include <vector>

#include "predict_problem.hpp"

namespace ntape::tools {

/// Outputs at one moment, on the training set or elsewhere, or at the end of a regression.
struct Predicted {
  Matrix<double> outputs;                    ///< [M x C]; of an ensemble or posterior, their mean
  std::optional<double> loss;                ///< of these outputs, where there are targets
  std::optional<Matrix<double>> sd;          ///< [M x C]
  std::optional<Matrix<double>> covariance;  ///< [M x M], of each output; when asked for
};

struct PredictedMoment {
  double time = 0;
  std::optional<Index> steps;
  Predicted train;
  std::optional<Predicted> test;
};

/// A regression, or a posterior.
struct PredictedRegression {
  SolveReport report;
  Predicted train;
  std::optional<Predicted> test;
};

struct PredictResult {
  std::optional<double> rate, critical_rate;  ///< of descent
  std::vector<PredictedMoment> moments;
  std::optional<SolveReport>
      report;  ///< of the solve that training tends to; of the kernel on other objectives
  std::optional<Index> solver_steps;  ///< on other objectives
  std::optional<PredictedRegression> ridge, nngp;
  std::optional<StoppingTime>
      stopping;  ///< of an ensemble, by the loss that a network of it has in expectation
  std::vector<LazyComponent> components;
  Matrix<double> component_residuals;  ///< [moments x components]
  std::vector<std::string> warnings;
};

/// Throws UserError for a rate that is not below the critical one, and as the library does.
[[nodiscard]] PredictResult predict(const PredictOptions& o, const PredictProblem& p);

}  // namespace ntape::tools
