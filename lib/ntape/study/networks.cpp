#include <omp.h>

#include <ntape/study/networks.hpp>

namespace ntape::study {
namespace {

// A product of a network of more parameters has tiles enough for a few threads.
constexpr double kSmall = 2e7;

}  // namespace

Index networks_at_once(Index count, double parameters) {
  const auto threads = static_cast<Index>(omp_get_max_threads());
  return parameters <= kSmall && count >= threads ? threads : 1;
}

double training_bytes(const Architecture& architecture, Index examples, Index bytes_per_number,
                      Index at_once) {
  double parameters = 0, units = 0;
  for (Index l = 0; l + 1 < architecture.widths.size(); ++l) {
    const double in = static_cast<double>(architecture.widths[l]);
    const double out = static_cast<double>(architecture.widths[l + 1]);
    parameters += (in + 1) * out;
    units += out;
  }
  // Pre-activations and activations, and the cotangents of both.
  return static_cast<double>(at_once) * static_cast<double>(bytes_per_number) *
         (parameters + 4 * units * static_cast<double>(examples));
}

}  // namespace ntape::study
