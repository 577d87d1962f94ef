#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npy_header.hpp>
#include <optional>
#include <type_traits>

namespace ntape::io {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as little-endian bytes");

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr Index kMaxRank = 8;

std::optional<Index> product(std::span<const Index> shape, Index start) {
  // A zero anywhere makes the array empty, whatever the other extents are.
  if (std::find(shape.begin(), shape.end(), Index{0}) != shape.end()) return Index{0};
  Index size = start;
  for (const Index extent : shape) {
    if (size > std::numeric_limits<Index>::max() / extent) return std::nullopt;
    size *= extent;
  }
  return size;
}

template <class Stored>
std::vector<double> decode(std::span<const std::byte> payload, std::string_view what) {
  std::vector<double> values(payload.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored{};
    std::memcpy(&stored, payload.data() + i * sizeof(Stored), sizeof(Stored));
    if constexpr (std::is_integral_v<Stored> && sizeof(Stored) == 8) {
      constexpr auto kExact = Stored{1} << 53;
      bool exact = stored <= kExact;
      if constexpr (std::is_signed_v<Stored>) exact = exact && stored >= -kExact;
      if (!exact) {
        fail_npy(what, "its element " + std::to_string(i) + " is " + std::to_string(stored) +
                           ", and integers must be within 2^53 of zero to be exact as double");
      }
    }
    values[i] = static_cast<double>(stored);
  }
  return values;
}

struct Codec {
  std::string_view descr;
  std::size_t width;
  std::vector<double> (*decode)(std::span<const std::byte>, std::string_view);
};
constexpr std::array<Codec, 11> kCodecs{{{"<f8", 8, decode<double>},
                                         {"<f4", 4, decode<float>},
                                         {"|b1", 1, decode<std::uint8_t>},
                                         {"|u1", 1, decode<std::uint8_t>},
                                         {"|i1", 1, decode<std::int8_t>},
                                         {"<u2", 2, decode<std::uint16_t>},
                                         {"<i2", 2, decode<std::int16_t>},
                                         {"<u4", 4, decode<std::uint32_t>},
                                         {"<i4", 4, decode<std::int32_t>},
                                         {"<u8", 8, decode<std::uint64_t>},
                                         {"<i8", 8, decode<std::int64_t>}}};

const Codec& codec_for(const std::string& descr, std::string_view what) {
  for (const Codec& codec : kCodecs) {
    if (codec.descr == descr) return codec;
  }
  if (descr.starts_with('>')) {
    fail_npy(what, "its dtype '" + descr + "' is big-endian; little-endian values are needed");
  }
  if (descr.starts_with("|O")) {
    fail_npy(what, "it holds Python objects (dtype '" + descr + "'); real numbers or integers are needed");
  }
  fail_npy(what,
           "its dtype is '" + descr + "', and one of <f8 <f4 |b1 |u1 |i1 <u2 <i2 <u4 <i4 <u8 <i8 is needed");
}

std::vector<double> row_major(const std::vector<double>& column_major, const std::vector<Index>& shape) {
  std::vector<Index> stride(shape.size(), 1);
  for (std::size_t d = shape.size() - 1; d > 0; --d) stride[d - 1] = stride[d] * shape[d];
  std::vector<double> values(column_major.size());
  std::vector<Index> at(shape.size(), 0);
  Index target = 0;
  for (const double value : column_major) {
    values[target] = value;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      target += stride[d];
      if (++at[d] < shape[d]) break;
      target -= stride[d] * shape[d];
      at[d] = 0;
    }
  }
  return values;
}

template <class Real>
Matrix<Real> fill_matrix(const std::vector<double>& values, Index rows, Index cols) {
  Matrix<Real> m = make_matrix<Real>(rows, cols);
  std::transform(values.begin(), values.end(), m.data(), [](double v) { return static_cast<Real>(v); });
  return m;
}

}  // namespace

std::string shape_text(std::span<const Index> shape) {
  std::string text = "(";
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (d > 0) text += ", ";
    text += std::to_string(shape[d]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

NpyArray<double> read_npy(std::span<const std::byte> bytes, std::string_view what) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) fail_npy(what, "it does not begin with the magic bytes \\x93NUMPY");
  if (text.size() < 8) fail_npy(what, "it ends inside its version");
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  const std::size_t major = byte(6), minor = byte(7);
  if (major < 1 || major > 3 || minor != 0) {
    fail_npy(what, "its format version is " + std::to_string(major) + "." + std::to_string(minor) +
                       "; 1.0, 2.0 or 3.0 is needed");
  }
  const std::size_t width = major == 1 ? 2 : 4;
  const std::size_t begin = 8 + width;
  if (bytes.size() < begin) fail_npy(what, "it ends inside its header length");
  std::size_t length = 0;
  for (std::size_t i = 0; i < width; ++i) length |= byte(8 + i) << (8 * i);
  if (bytes.size() - begin < length) fail_npy(what, "it ends inside its header");
  const NpyHeader header = parse_npy_header(text.substr(begin, length), what);
  const Codec& codec = codec_for(header.descr, what);
  if (header.shape.size() > kMaxRank) {
    fail_npy(what, "its rank is " + std::to_string(header.shape.size()) + "; at most 8 is supported");
  }
  const auto need = product(header.shape, codec.width);
  // Decoded values and index arithmetic must fit as well.
  if (!need || *need / codec.width > std::numeric_limits<Index>::max() / sizeof(double)) {
    fail_npy(what, "its shape " + shape_text(header.shape) + " is too large to address");
  }
  const auto payload = bytes.subspan(begin + length);
  if (payload.size() != *need) {
    fail_npy(what, std::string(payload.size() < *need ? "it is truncated" : "it has trailing bytes") +
                       ": shape " + shape_text(header.shape) + " of dtype " + header.descr + " needs " +
                       std::to_string(*need) + " bytes of values and " + std::to_string(payload.size()) +
                       " are there");
  }
  NpyArray<double> array{header.shape, codec.decode(payload, what)};
  if (header.fortran_order && array.shape.size() > 1 && !array.values.empty()) {
    array.values = row_major(array.values, array.shape);
  }
  return array;
}

NpyArray<double> read_npy(const std::filesystem::path& path) {
  return read_npy(read_bytes(path), path.string());
}

std::string npy_head(std::span<const Index> shape, Index bytes_per_number) {
  if (shape.size() > kMaxRank) {
    throw ShapeError("writing an array of shape " + shape_text(shape) + " needs a rank of at most 8");
  }
  std::string header = std::string("{'descr': '") + (bytes_per_number == 8 ? "<f8" : "<f4") +
                       "', 'fortran_order': False, 'shape': " + shape_text(shape) + ", }";
  constexpr std::size_t kPrefix = 10, kAlign = 64;
  header.append((kAlign - (kPrefix + header.size() + 1) % kAlign) % kAlign, ' ');
  header += '\n';
  std::string head(kMagic);
  head += '\x01';
  head += '\x00';
  head += static_cast<char>(header.size() & 0xFFU);
  head += static_cast<char>(header.size() >> 8);
  return head + header;
}

template <class Real>
std::vector<std::byte> npy_bytes(std::span<const Index> shape, std::span<const Real> values) {
  const auto size = product(shape, 1);
  if (!size || *size != values.size()) {
    throw ShapeError("writing an array of shape " + shape_text(shape) + " needs as many values, and " +
                     std::to_string(values.size()) + " are given");
  }
  const std::string head = npy_head(shape, sizeof(Real));
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

template <class Real>
Matrix<Real> to_matrix(const NpyArray<double>& array, std::string_view what) {
  if (array.shape.size() != 2) {
    throw UserError("'" + std::string(what) + "' has shape " + shape_text(array.shape) +
                    ", and an array of rank 2 (examples x coordinates) is needed");
  }
  return fill_matrix<Real>(array.values, array.shape[0], array.shape[1]);
}

template <class Real>
Matrix<Real> to_column(const NpyArray<double>& array, std::string_view what) {
  if (array.shape.size() != 1) {
    throw UserError("'" + std::string(what) + "' has shape " + shape_text(array.shape) +
                    ", and an array of rank 1 is needed");
  }
  return fill_matrix<Real>(array.values, array.shape[0], 1);
}

#define NTAPE_INSTANTIATE(Real)                                                                         \
  template std::vector<std::byte> npy_bytes(std::span<const Index>, std::span<const Real>);             \
  template void write_npy(const std::filesystem::path&, std::span<const Index>, std::span<const Real>); \
  template void write_npy(const std::filesystem::path&, const Matrix<Real>&);                           \
  template Matrix<Real> to_matrix(const NpyArray<double>&, std::string_view);                           \
  template Matrix<Real> to_column(const NpyArray<double>&, std::string_view);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape::io
