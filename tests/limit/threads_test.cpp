#include <doctest/doctest.h>
#include <omp.h>

#include <ntape/limit/recursion.hpp>

#include "support/instrumented.hpp"
#include "support/matrices.hpp"

namespace limit_threads_test {

using namespace ntape;
using namespace ntape::test;

// A pair's result depends on nothing but the pair, so rows may go to any thread.
TEST_CASE("the limit is the same bits for any number of threads") {
  const Matrix<double> x = normal<double>(300, 3, 4), z = normal<double>(7, 3, 5);
  for (const char* activation : {"relu", "tanh", "elu(1)"}) {
    if (kInstrumented && activation[0] == 'e') continue;
    const Architecture a{.widths = equal_widths(3, 1, 1, 3), .activation = activation};
    omp_set_num_threads(1);
    const LimitKernels one = limit_kernels(a, x, {.tolerance = 1e-9}), cross = limit_kernels(a, x, z);
    omp_set_num_threads(3);
    const LimitKernels three = limit_kernels(a, x, {.tolerance = 1e-9}), again = limit_kernels(a, x, z);
    CHECK(largest_difference(one.ntk.values, three.ntk.values) == 0);
    CHECK(largest_difference(one.ntk_bound, three.ntk_bound) == 0);
    CHECK(largest_difference(cross.ntk.values, again.ntk.values) == 0);
  }
}

}  // namespace limit_threads_test
