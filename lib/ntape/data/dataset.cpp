#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/data/dataset.hpp>

namespace ntape::data {
namespace {

class Fnv1a64 {
 public:
  void add(std::uint64_t word) {
    // Byte by byte from the lowest, whatever the machine's own order.
    for (int shift = 0; shift < 64; shift += 8) {
      hash_ ^= (word >> shift) & 0xFFU;
      hash_ *= 0x100000001B3U;
    }
  }
  template <class Real>
  void add(const Matrix<Real>& m) {
    add(std::uint64_t{m.shape(0)});
    add(std::uint64_t{m.shape(1)});
    for (Index i = 0; i < m.size(); ++i) add(std::bit_cast<std::uint64_t>(static_cast<double>(m.data()[i])));
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325U;
};

template <class Real>
void check_finite(const Matrix<Real>& m, const std::string& name, const char* part) {
  for (Index i = 0; i < m.size(); ++i) {
    const Real value = m.data()[i];
    if (std::isfinite(value)) continue;
    throw UserError("the dataset '" + name + "' needs finite numbers: " + part + " row " +
                    std::to_string(i / m.shape(1)) + ", column " + std::to_string(i % m.shape(1)) +
                    " (counted from 0) is " +
                    (std::isnan(value) ? "nan"
                     : value > 0       ? "inf"
                                       : "-inf"));
  }
}

template <class To, class From>
Matrix<To> cast(const Matrix<From>& from) {
  Matrix<To> to = make_matrix<To>(from.shape(0), from.shape(1));
  std::transform(from.data(), from.data() + from.size(), to.data(),
                 [](From v) { return static_cast<To>(v); });
  return to;
}

}  // namespace

template <class Real>
std::string checksum(const Dataset<Real>& dataset) {
  Fnv1a64 hash;
  hash.add(dataset.x);
  hash.add(dataset.y);
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash.value()));
  return std::string("fnv1a64:") + hex.data();
}

template <class Real>
void check_finite(const Dataset<Real>& dataset) {
  check_finite(dataset.x, dataset.name, "inputs");
  check_finite(dataset.y, dataset.name, "targets");
}

template <class Real>
void validate(const Dataset<Real>& dataset) {
  const Shape x = shape_of(dataset.x), y = shape_of(dataset.y);
  if (x.rows != y.rows) {
    throw UserError("the dataset '" + dataset.name + "' has " + std::to_string(x.rows) + " inputs and " +
                    std::to_string(y.rows) + " targets, and needs as many of one as of the other");
  }
  if (x.size() == 0 || y.size() == 0) {
    throw UserError("the dataset '" + dataset.name + "' has inputs of shape " + to_string(x) +
                    " and targets of shape " + to_string(y) +
                    ", and needs at least one example, one input and one target column");
  }
  check_finite(dataset);
}

template <class To, class From>
Dataset<To> cast(const Dataset<From>& dataset) {
  Dataset<To> result{cast<To>(dataset.x), cast<To>(dataset.y), dataset.name, dataset.description};
  check_finite(result);
  return result;
}

template std::string checksum(const Dataset<float>&);
template std::string checksum(const Dataset<double>&);
template void check_finite(const Dataset<float>&);
template void check_finite(const Dataset<double>&);
template void validate(const Dataset<float>&);
template void validate(const Dataset<double>&);
template Dataset<float> cast(const Dataset<float>&);
template Dataset<float> cast(const Dataset<double>&);
template Dataset<double> cast(const Dataset<float>&);
template Dataset<double> cast(const Dataset<double>&);

}  // namespace ntape::data
