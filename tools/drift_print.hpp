#pragma once

#include <iosfwd>
#include <ntape/study/drift_study.hpp>

namespace ntape::tools {

/// What is about to be trained: data, networks, rate, steps.
void print_intro(std::ostream& out, const study::DriftPlan& plan, const data::Dataset<double>& data,
                 const study::DriftResult& prepared);

/// A line for each network that was stopped: "ntape: warning: " and why; and one when the certificate of
/// floats measured their rounding.
void print_warnings(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result);

/// The table by width and the exponents.
void print_results(std::ostream& out, const study::DriftPlan& plan, const study::DriftResult& result);

}  // namespace ntape::tools
