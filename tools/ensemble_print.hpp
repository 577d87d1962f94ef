#pragma once

#include <nlohmann/json.hpp>
#include <ostream>

#include "ensemble_options.hpp"

/// What `ntape ensemble` says and writes.
namespace ntape::tools {

void print_ensemble(const study::EnsembleStudyPlan& plan, const study::EnsembleStudy& study,
                    std::ostream& out);

[[nodiscard]] nlohmann::json ensemble_facts(const study::EnsembleStudyPlan& plan,
                                            const study::EnsembleStudy& study);

/// --out.
void write_ensemble(const EnsembleOptions& o, const study::EnsembleStudyPlan& plan,
                    const study::EnsembleStudy& study);

}  // namespace ntape::tools
