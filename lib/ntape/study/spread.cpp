#include <omp.h>

#include <algorithm>
#include <exception>
#include <ntape/study/spread.hpp>

namespace ntape::study {

void spread(Index count, Index places, const std::function<void(Index)>& work) {
  const Index threads = std::min({count, places, static_cast<Index>(omp_get_max_threads())});
  if (threads < 2) {
    for (Index k = 0; k < count; ++k) work(k);
    return;
  }
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(threads))
  for (Index k = 0; k < count; ++k) {
    try {
      work(k);
    } catch (...) {
#pragma omp critical(ntape_spread_failure)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace ntape::study
