#include <doctest/doctest.h>
#include <omp.h>

#include <ntape/data/synthetic.hpp>
#include <ntape/study/ensemble.hpp>

#include "support/matrices.hpp"

namespace study_ensemble_threads_test {

using namespace ntape;

// Three networks among two threads, and two among three: a network a thread, and threads within a network.
TEST_CASE("an ensemble has the same bits for any number of threads") {
  const auto data = data::circle<double>({.examples = 20});
  const int before = omp_get_max_threads();
  for (const Index networks : {Index{2}, Index{3}}) {
    const study::EnsemblePlan plan{.architecture = {.widths = {2, 40, 40, 1}},
                                   .networks = networks,
                                   .descent = {.rate = 0.3},
                                   .steps = {0, 5}};
    Stack<double> first;
    for (const int threads : {1, 2, 3}) {
      omp_set_num_threads(threads);
      const auto e = study::train_ensemble(plan, data, data.x);
      if (threads == 1) first = e.values;
      CHECK(test::largest_difference(e.values, first) == 0);
    }
  }
  omp_set_num_threads(before);
}

}  // namespace study_ensemble_threads_test
