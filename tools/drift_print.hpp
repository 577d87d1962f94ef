#pragma once

#include <iosfwd>
#include <ntape/study/drift_study.hpp>

namespace ntape::tools {

/// What is about to be trained: data, networks, rate, steps.
void print_intro(std::ostream& out, const study::DriftPlan& plan, const data::Dataset<double>& data,
                 const study::DriftResult& prepared);

/// The table by width, the exponents, and why networks were stopped.
void print_results(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result);

}  // namespace ntape::tools
