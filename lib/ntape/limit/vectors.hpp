#pragma once

#include <ntape/tensor/elementwise_functions.hpp>
#include <ntape/tensor/elementwise_loops.hpp>

/// For the loops over pairs of this room: how they get the best vector instructions of the machine, with the
/// same bits whichever these are.
namespace ntape::limit {

/// Inlined by force into the loop that is compiled for a set of instructions.
#define NTAPE_INLINE [[gnu::always_inline]] inline

struct VectorCall {
  template <class Loop>
  [[gnu::always_inline]] static void run(const Loop& loop) {
    loop();
  }
};

/// Runs the loop, a lambda `[&]() NTAPE_LOOP { for .. }` that calls NTAPE_INLINE functions only.
#define NTAPE_LOOP __attribute__((always_inline))
template <class Loop>
void vectorized(const Loop& loop) {
  static const elementwise::Instructions best = elementwise::best_instructions();
  elementwise::detail::run<VectorCall>(best, loop);
}

}  // namespace ntape::limit
