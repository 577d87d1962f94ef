#pragma once

#include <ntape/kernel/plan.hpp>

#include "memory_option.hpp"
#include "options.hpp"

namespace ntape::tools {

/// What `kernel` and `plan` are told.
struct KernelCommandOptions {
  std::string inputs, against, weights, out, save_weights, form = "full";
  Index examples = 0, more_examples = 0, dimension = 0;  ///< `plan` without files
  ModelOptions model;
  Index outputs = 1;
  std::uint64_t seed = 0;
  bool layer_shares = false, explain = false;
  MemoryOption memory;
  MachineOptions machine;
  TalkOptions talk;
};

void add_kernel_options(CLI::App& app, KernelCommandOptions& o, bool plan_only);

[[nodiscard]] KernelForm form_of(const KernelCommandOptions& o);
/// Whether the kernel is streamed to a .npy file.
[[nodiscard]] bool streams(const KernelCommandOptions& o);

/// Throws UserError unless --out is an archive or, of the kernel alone, a .npy file.
void require_kernel_file(const KernelCommandOptions& o);

/// Of weights of the `given` widths where there are some, else of the options.
[[nodiscard]] Architecture architecture_of(const KernelCommandOptions& o, Index inputs,
                                           const std::vector<Index>& given);

/// The plan for what the options ask for: in blocks when streaming, else all at once, with all that goes into
/// the archive. n2 = 0: symmetric. Throws UserError, naming the smallest budget, when it does not fit.
[[nodiscard]] KernelPlan plan_of(const KernelCommandOptions& o, const Architecture& architecture, Index n1,
                                 Index n2);

/// (N1, N2, C, C) full, (N1, N2, C) diagonal, (N1, N2) trace: the shape in files.
[[nodiscard]] std::vector<Index> file_shape(KernelForm form, Index n1, Index n2, Index outputs);

}  // namespace ntape::tools
