#pragma once

#include <ntape/tensor/matrix.hpp>

// Peak resident memory of one piece of work, in a process of its own: a peak cannot be taken back.

struct PeakMemory {
  double bytes;        ///< of the whole process
  double weights;      ///< bytes of the parameters
  double activations;  ///< bytes of the inputs, and of pre-activations and activations of every hidden layer
};

/// `work` is "kernel" (one, trace form) or "step" (three steps) of 784-WIDTHx3-1 in float on N = `examples`.
/// Runs this program again as `PROGRAM --peak=WORK,WIDTH,EXAMPLES`. Throws std::runtime_error when that
/// fails.
[[nodiscard]] PeakMemory peak_memory(const char* work, ntape::Index width, ntape::Index examples);

/// That run: WORK,WIDTH,EXAMPLES done, the peak in bytes on standard output. Returns its exit status.
int print_peak_memory(const char* request);
