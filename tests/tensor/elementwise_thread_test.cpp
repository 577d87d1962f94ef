#include <doctest/doctest.h>
#include <omp.h>

#include <cstring>
#include <ntape/tensor/elementwise.hpp>
#include <ntape/tensor/elementwise_functions.hpp>
#include <vector>

namespace tensor_elementwise_thread_test {

using namespace ntape;

namespace {

struct Results {
  std::vector<double> y, products;
};

// On so many threads, of arrays that are large enough to be shared out, the last piece not full.
Results on_threads(int threads) {
  constexpr Index kSize = 100'003, kCount = 2;
  std::vector<double> x(kSize), from(kCount * kSize);
  for (Index k = 0; k < kSize; ++k) x[k] = static_cast<double>(k % 997) * 0.02 - 10;
  for (Index k = 0; k < from.size(); ++k) from[k] = static_cast<double>(k % 13) - 6;
  Results results{std::vector<double>(kSize), std::vector<double>(kCount * kSize, 1.0)};
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  elementwise::apply(elementwise::Gelu{}, x.data(), results.y.data(), kSize);
  elementwise::add_slope_times(elementwise::Gelu{}, x.data(), results.y.data(), from.data(),
                               results.products.data(), kCount, kSize);
  omp_set_num_threads(before);
  return results;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("elementwise results have the same bits on one, two and three threads") {
  const Results one = on_threads(1);
  CHECK(one.y.back() != 0);
  CHECK(one.products.back() != 1);
  for (const int threads : {2, 3}) {
    const Results several = on_threads(threads);
    CHECK(same_bits(several.y, one.y));
    CHECK(same_bits(several.products, one.products));
  }
}

}  // namespace tensor_elementwise_thread_test
