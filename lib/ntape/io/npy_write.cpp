#include <array>
#include <bit>
#include <cstring>
#include <ntape/base/errors.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npy_header.hpp>

namespace ntape::io {

static_assert(std::endian::native == std::endian::little, "values are copied as little-endian bytes");

std::string npy_head(std::span<const Index> shape, Index bytes_per_number) {
  if (shape.size() > kNpyMaxRank) {
    throw ShapeError("writing an array of shape " + shape_text(shape) + " needs a rank of at most 8");
  }
  std::string header = std::string("{'descr': '") + (bytes_per_number == 8 ? "<f8" : "<f4") +
                       "', 'fortran_order': False, 'shape': " + shape_text(shape) + ", }";
  constexpr std::size_t kPrefix = 10, kAlign = 64;
  header.append((kAlign - (kPrefix + header.size() + 1) % kAlign) % kAlign, ' ');
  header += '\n';
  std::string head(kNpyMagic);
  head += '\x01';
  head += '\x00';
  head += static_cast<char>(header.size() & 0xFFU);
  head += static_cast<char>(header.size() >> 8);
  return head + header;
}

std::string npy_head_of(std::span<const Index> shape, Index count, Index bytes_per_number) {
  const auto size = npy_size(shape, 1);
  if (!size || *size != count) {
    throw ShapeError("writing an array of shape " + shape_text(shape) + " needs as many values, and " +
                     std::to_string(count) + " are given");
  }
  return npy_head(shape, bytes_per_number);
}

template <class Real>
std::vector<std::byte> npy_bytes(std::span<const Index> shape, std::span<const Real> values) {
  const std::string head = npy_head_of(shape, values.size(), sizeof(Real));
  std::vector<std::byte> bytes(head.size() + values.size_bytes());
  std::memcpy(bytes.data(), head.data(), head.size());
  if (!values.empty()) std::memcpy(bytes.data() + head.size(), values.data(), values.size_bytes());
  return bytes;
}

template <class Real>
void write_npy(const std::filesystem::path& path, std::span<const Index> shape,
               std::span<const Real> values) {
  write_bytes(path, npy_bytes(shape, values));
}

template <class Real>
void write_npy(const std::filesystem::path& path, const Matrix<Real>& matrix) {
  const std::array<Index, 2> shape{matrix.shape(0), matrix.shape(1)};
  write_npy(path, shape, std::span<const Real>(matrix.data(), matrix.size()));
}

#define NTAPE_INSTANTIATE(Real)                                                                         \
  template std::vector<std::byte> npy_bytes(std::span<const Index>, std::span<const Real>);             \
  template void write_npy(const std::filesystem::path&, std::span<const Index>, std::span<const Real>); \
  template void write_npy(const std::filesystem::path&, const Matrix<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape::io
