#pragma once

#include <ntape/run/run_directory.hpp>
#include <ntape/study/drift_study.hpp>

namespace ntape::study {

/// Bytes of what DriftOutputs keeps of all networks at so many tracked steps, and of its copy while
/// outputs.npz is written.
[[nodiscard]] double outputs_memory(const DriftPlan& plan, Index tracked, Index examples);

/// Bytes of the kernels that are kept at so many tracked steps, of the first seed of each width, and of a
/// copy while they are written.
[[nodiscard]] double kept_kernels_memory(const DriftPlan& plan, Index tracked, Index examples);

/// outputs.npz: steps and times (T), targets y (N, C), and of each network outputs (T, N, C) of its own, of
/// its linearization and of infinite width, network_width_64_seed_0, frozen_..., limit_..., with test inputs
/// test_network_... (T, M, C) and so on. NaN is what a stopped network does not have, and what overflows.
/// Throws UserError when a byte cannot be written.
void write_drift_outputs(const run::RunDirectory& directory, const DriftPlan& plan, const Matrix<double>& y,
                         const DriftResult& result);

}  // namespace ntape::study
