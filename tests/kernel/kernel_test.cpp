#include <doctest/doctest.h>

#include <ntape/kernel/kernel.hpp>

#include "support/matrices.hpp"

namespace kernel_kernel_test {

using namespace ntape;

TEST_CASE("rows and columns count examples in every form") {
  Kernel<double> k{test::normal<double>(6, 4, 1), KernelForm::full, 2, ""};
  CHECK(k.rows() == 3);
  CHECK(k.cols() == 2);
  k.form = KernelForm::diagonal;
  CHECK(k.rows() == 3);
  CHECK(k.cols() == 4);
  k.form = KernelForm::trace;
  CHECK(k.rows() == 6);
  CHECK(k.cols() == 4);
}

TEST_CASE("the output average is the mean of the diagonal blocks") {
  const Kernel<double> full{test::normal<double>(6, 4, 1), KernelForm::full, 2, "k"};
  const auto mean = output_averaged(full);
  REQUIRE(shape_of(mean.values) == Shape{3, 2});
  CHECK(mean.provenance == "k");
  for (Index n = 0; n < 3; ++n)
    for (Index m = 0; m < 2; ++m)
      CHECK(mean.values(n, m) == (full.values(2 * n, 2 * m) + full.values(2 * n + 1, 2 * m + 1)) / 2);
}

TEST_CASE("a kernel goes to float and back with float's digits") {
  const Kernel<double> k{test::normal<double>(3, 3, 1), KernelForm::trace, 2, "k"};
  const auto back = cast<double>(cast<float>(k));
  CHECK(back.outputs == 2);
  CHECK(back.provenance == "k");
  CHECK(test::largest_difference(back.values, k.values) < 6e-8 * test::largest(k.values));
  CHECK(test::largest_difference(back.values, k.values) > 0);
}

}  // namespace kernel_kernel_test
