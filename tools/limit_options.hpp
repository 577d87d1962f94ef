#pragma once

#include <ntape/limit/recursion.hpp>
#include <string>

#include "memory_option.hpp"
#include "options.hpp"

namespace ntape::tools {

/// What `ntape limit` is asked for.
struct LimitCommandOptions {
  std::string inputs, against, out;
  ModelOptions model;
  LimitOptions limit;
  Index sphere = 0, degrees = 200, angles = 0, width = 0;
  double square = 1;
  std::string figure;
  bool check_positive = false, phase = false;
  MemoryOption memory;
  MachineOptions machine;
  TalkOptions talk;
};

void add_limit_options(CLI::App& app, LimitCommandOptions& o);

/// Throws UserError for what is missing, what has no effect, and activations whose NTK is infinite.
void require_enough(const LimitCommandOptions& o);

/// Whether the NTK is streamed to a .npy file.
[[nodiscard]] bool streams(const LimitCommandOptions& o);

}  // namespace ntape::tools
