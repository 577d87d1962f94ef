#pragma once

#include <nlohmann/json.hpp>
#include <ostream>

#include "predict_result.hpp"

namespace ntape::tools {

/// The table of losses by time, the report of the solve, and what else was asked.
void print_prediction(const PredictOptions& o, const PredictProblem& p, const PredictResult& r,
                      std::ostream& out);

/// The same as JSON. An infinite time is "inf".
[[nodiscard]] nlohmann::json prediction_facts(const PredictOptions& o, const PredictProblem& p,
                                              const PredictResult& r);

/// o.out: times, train, test and so on; see README, Files.
void write_prediction(const PredictOptions& o, const PredictResult& r);

}  // namespace ntape::tools
