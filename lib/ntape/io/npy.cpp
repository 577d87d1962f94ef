#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npy_header.hpp>
#include <optional>
#include <type_traits>

namespace ntape::io {

std::optional<Index> npy_size(std::span<const Index> shape, Index start) {
  // A zero anywhere makes the array empty, whatever the other extents are.
  if (std::find(shape.begin(), shape.end(), Index{0}) != shape.end()) return Index{0};
  Index size = start;
  for (const Index extent : shape) {
    if (size > std::numeric_limits<Index>::max() / extent) return std::nullopt;
    size *= extent;
  }
  return size;
}

namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as little-endian bytes");

// More than any header of format 1.0 takes, and numbers read at a time.
constexpr std::size_t kLongestHead = std::size_t{1} << 17;
constexpr Index kChunk = Index{1} << 16;

template <class Stored>
std::vector<double> decode(std::span<const std::byte> payload, std::string_view what, Index first) {
  std::vector<double> values(payload.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored{};
    std::memcpy(&stored, payload.data() + i * sizeof(Stored), sizeof(Stored));
    if constexpr (std::is_integral_v<Stored> && sizeof(Stored) == 8) {
      constexpr auto kExact = Stored{1} << 53;
      bool exact = stored <= kExact;
      if constexpr (std::is_signed_v<Stored>) exact = exact && stored >= -kExact;
      if (!exact) {
        fail_npy(what, "its element " + std::to_string(first + i) + " is " + std::to_string(stored) +
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
  std::vector<double> (*decode)(std::span<const std::byte>, std::string_view, Index first);
  double epsilon;
};
template <class Stored>
constexpr Codec codec_of(std::string_view descr) {
  // That of integers is 0.
  return {descr, sizeof(Stored), decode<Stored>, static_cast<double>(std::numeric_limits<Stored>::epsilon())};
}
constexpr std::array<Codec, 11> kCodecs{
    codec_of<double>("<f8"),        codec_of<float>("<f4"),         codec_of<std::uint8_t>("|b1"),
    codec_of<std::uint8_t>("|u1"),  codec_of<std::int8_t>("|i1"),   codec_of<std::uint16_t>("<u2"),
    codec_of<std::int16_t>("<i2"),  codec_of<std::uint32_t>("<u4"), codec_of<std::int32_t>("<i4"),
    codec_of<std::uint64_t>("<u8"), codec_of<std::int64_t>("<i8")};

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

// What comes before the values: where they begin, how many bytes they are.
struct Head {
  NpyHeader header;
  const Codec* codec = nullptr;
  std::size_t begin = 0, size = 0;
};

// From the beginning of a file; `complete` when there is no more of it.
Head head_of(std::span<const std::byte> bytes, std::string_view what, bool complete) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kNpyMagic)) fail_npy(what, "it does not begin with the magic bytes \\x93NUMPY");
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
  if (bytes.size() - begin < length) {
    fail_npy(what, complete ? "it ends inside its header" : "its header is longer than 128 KiB");
  }
  Head head{.header = parse_npy_header(text.substr(begin, length), what), .begin = begin + length};
  head.codec = &codec_for(head.header.descr, what);
  if (head.header.shape.size() > kNpyMaxRank) {
    fail_npy(what, "its rank is " + std::to_string(head.header.shape.size()) + "; at most 8 is supported");
  }
  const auto need = npy_size(head.header.shape, head.codec->width);
  // Decoded values and index arithmetic must fit as well.
  if (!need || *need / head.codec->width > std::numeric_limits<Index>::max() / sizeof(double)) {
    fail_npy(what, "its shape " + shape_text(head.header.shape) + " is too large to address");
  }
  head.size = *need;
  return head;
}

void require_payload(const Head& head, std::uintmax_t size, std::string_view what) {
  if (size == head.size) return;
  fail_npy(what, std::string(size < head.size ? "it is truncated" : "it has trailing bytes") + ": shape " +
                     shape_text(head.header.shape) + " of dtype " + head.header.descr + " needs " +
                     std::to_string(head.size) + " bytes of values and " + std::to_string(size) +
                     " are there");
}

// The beginning of a file that can be read twice, and how long the file is; nothing where that cannot be
// known, as of a pipe.
struct Beginning {
  Head head;
  std::uintmax_t size;
};
std::optional<Beginning> beginning_of(const std::filesystem::path& path) {
  if (!is_regular(path)) return std::nullopt;
  std::vector<std::byte> bytes(kLongestHead);
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const auto count = static_cast<std::size_t>(file.gcount());
  Beginning b{head_of(std::span(bytes).first(count), path.string(), count < bytes.size()),
              std::filesystem::file_size(path)};
  require_payload(b.head, b.size - b.head.begin, path.string());
  return b;
}

// As many bytes as there are, at most those of the span.
std::size_t fill(std::span<std::byte> bytes, const ByteSource& source) {
  std::size_t count = 0;
  for (std::size_t more = 1; more > 0 && count < bytes.size(); count += more)
    more = source(bytes.subspan(count));
  return count;
}

// Fills a matrix as its numbers arrive.
template <class Real>
struct ToMatrix final : NpyVisitor {
  explicit ToMatrix(std::string name) : what(std::move(name)) {}
  void begin(const std::vector<Index>& shape, bool by_columns) override {
    require_rank(shape, 2, what);
    matrix = make_matrix<Real>(shape[0], shape[1]);
    fortran_order = by_columns;
  }
  void take(Index first, std::span<const double> values) override {
    const Index rows = matrix.shape(0), cols = matrix.shape(1);
    for (Index k = 0; k < values.size(); ++k) {
      const Index n = first + k;
      matrix.data()[fortran_order ? n % rows * cols + n / rows : n] = static_cast<Real>(values[k]);
    }
  }
  std::string what;
  Matrix<Real> matrix;
  bool fortran_order = false;
};

template <class Real>
Matrix<Real> fill_matrix(const std::vector<double>& values, Index rows, Index cols) {
  Matrix<Real> m = make_matrix<Real>(rows, cols);
  std::transform(values.begin(), values.end(), m.data(), [](double v) { return static_cast<Real>(v); });
  return m;
}

}  // namespace

bool is_regular(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::is_regular_file(path, unknown);
}

void require_rank(std::span<const Index> shape, Index rank, std::string_view what) {
  if (shape.size() == rank) return;
  throw UserError("'" + std::string(what) + "' has shape " + shape_text(shape) + ", and an array of rank " +
                  std::to_string(rank) + (rank == 2 ? " (examples x coordinates)" : "") + " is needed");
}

std::string shape_text(std::span<const Index> shape) {
  std::string text = "(";
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (d > 0) text += ", ";
    text += std::to_string(shape[d]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

NpyArray<double> read_npy(std::span<const std::byte> bytes, std::string_view what) {
  const Head head = head_of(bytes, what, true);
  require_payload(head, bytes.size() - head.begin, what);
  NpyArray<double> array{head.header.shape, head.codec->decode(bytes.subspan(head.begin), what, 0),
                         head.codec->epsilon};
  if (head.header.fortran_order && array.shape.size() > 1 && !array.values.empty()) {
    array.values = row_major(array.values, array.shape);
  }
  return array;
}

NpyArray<double> read_npy(const std::filesystem::path& path) {
  return read_npy(read_bytes(path), path.string());
}

template <class Real>
Matrix<Real> to_matrix(const NpyArray<double>& array, std::string_view what) {
  require_rank(array.shape, 2, what);
  return fill_matrix<Real>(array.values, array.shape[0], array.shape[1]);
}

template <class Real>
Matrix<Real> to_column(const NpyArray<double>& array, std::string_view what) {
  require_rank(array.shape, 1, what);
  return fill_matrix<Real>(array.values, array.shape[0], 1);
}

std::vector<Index> read_npy_shape(const std::filesystem::path& path) {
  const auto start = beginning_of(path);
  return start ? start->head.header.shape : read_npy(path).shape;
}

std::vector<Index> npy_shape(const ByteSource& source, std::uintmax_t size, std::string_view what) {
  std::vector<std::byte> bytes(kLongestHead);
  const std::size_t count = fill(bytes, source);
  const Head head = head_of(std::span(bytes).first(count), what, count < bytes.size());
  require_payload(head, size - head.begin, what);
  return head.header.shape;
}

void visit_npy(const ByteSource& source, std::uintmax_t size, std::string_view what, NpyVisitor& visitor) {
  std::vector<std::byte> bytes(kLongestHead);
  bytes.resize(fill(bytes, source));
  const Head head = head_of(bytes, what, bytes.size() < kLongestHead);
  require_payload(head, size - head.begin, what);
  visitor.begin(head.header.shape, head.header.fortran_order && head.header.shape.size() > 1);
  // Numbers that came with the header go before those that follow.
  const std::size_t width = head.codec->width;
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(head.begin));
  const Index count = head.size / width;
  for (Index first = 0; first < count;) {
    const std::size_t there = bytes.size();
    bytes.resize(std::max(there, std::min(kChunk, count - first) * width));
    if (there + fill(std::span(bytes).subspan(there), source) < bytes.size())
      throw UserError("cannot read '" + std::string(what) + "' to its end");
    const std::size_t whole = bytes.size() / width;
    const std::vector<double> values = head.codec->decode(std::span(bytes).first(whole * width), what, first);
    visitor.take(first, values);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole * width));
    first += whole;
  }
}

template <class Real>
Matrix<Real> read_npy_matrix(const std::filesystem::path& path) {
  const auto start = beginning_of(path);
  if (!start) return to_matrix<Real>(read_npy(path), path.string());
  std::ifstream file(path, std::ios::binary);
  ToMatrix<Real> filled(path.string());
  visit_npy(
      [&file](std::span<std::byte> bytes) {
        file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return static_cast<std::size_t>(file.gcount());
      },
      start->size, path.string(), filled);
  return std::move(filled.matrix);
}

#define NTAPE_INSTANTIATE(Real)                                               \
  template Matrix<Real> read_npy_matrix(const std::filesystem::path&);        \
  template Matrix<Real> to_matrix(const NpyArray<double>&, std::string_view); \
  template Matrix<Real> to_column(const NpyArray<double>&, std::string_view);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape::io
