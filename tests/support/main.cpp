#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <ntape/run/blas_kernel.hpp>

int main(int argc, char** argv) {
  // As the tool does: the two are compared bit for bit.
  ntape::run::restart_with_better_blas_kernel(argv);
  return doctest::Context(argc, argv).run();
}
