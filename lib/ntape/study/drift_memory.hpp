#pragma once

#include <ntape/study/drift_study.hpp>

namespace ntape::study {

/// Bytes that a drift study must have at the same time, from below: for each of the largest networks that
/// train together (one a thread) its parameters, their start and their gradients, activations and cotangents
/// of N examples, and the kernels with their layer shares; beside them the inputs in their precision. In
/// floating point, because a network that nobody can store has more parameters than an Index can count.
[[nodiscard]] double least_memory(const DriftPlan& plan, Index examples, int threads);

/// P of a network with equal hidden widths, in floating point for the same reason.
[[nodiscard]] double parameter_count(double inputs, double width, double outputs, double depth);

}  // namespace ntape::study
