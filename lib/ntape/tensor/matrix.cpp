#include <sys/mman.h>

#include <cmath>
#include <cstdint>
#include <ntape/tensor/matrix.hpp>

namespace ntape {

std::string to_string(Shape shape) {
  return std::to_string(shape.rows) + " x " + std::to_string(shape.cols);
}

double frobenius_norm(const Matrix<double>& m) {
  double sum = 0;
  for (const double v : m) sum += v * v;
  return std::sqrt(sum);
}

void prefer_huge_pages(void* storage, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t kHuge = std::uintptr_t{2} << 20;
  if (bytes < 4 * kHuge) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(storage);
  const std::uintptr_t first = (begin + kHuge - 1) / kHuge * kHuge, last = (begin + bytes) / kHuge * kHuge;
  (void)madvise(reinterpret_cast<void*>(first), last - first,
                MADV_HUGEPAGE);  // a hint: refusal changes nothing
#else
  (void)storage;
  (void)bytes;
#endif
}

}  // namespace ntape
