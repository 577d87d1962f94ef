#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy.hpp>
#include <optional>

#include "../support/temp_dir.hpp"

namespace io_npy_test {

using namespace ntape;
using namespace ntape::io;
using ntape::test::contains;
using ntape::test::message_of;
using ntape::test::TempDir;

namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// An image as another program might write it: header unpadded.
std::string image(const std::string& header, const std::string& payload, int major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  return bytes + header + payload;
}

std::string dict(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }\n";
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

std::string defect(const std::string& bytes) {
  return message_of<UserError>([&] { (void)read_npy(as_bytes(bytes), "a.npy"); });
}

template <class T>
void check_dtype(const std::string& descr) {
  CAPTURE(descr);
  const T low = std::is_signed_v<T> ? static_cast<T>(-2) : static_cast<T>(2);
  const auto array = read_npy(as_bytes(image(dict(descr, "(3,)"), raw<T>({0, low, 1}))), "a");
  CHECK(array.shape == std::vector<Index>{3});
  CHECK(array.values == std::vector<double>{0.0, static_cast<double>(low), 1.0});
}

}  // namespace

TEST_CASE_TEMPLATE("npy: what is written is read back bit for bit", Real, float, double) {
  const TempDir dir;
  const std::vector<Real> values{Real(0.1),
                                 Real(-0.0),
                                 std::numeric_limits<Real>::infinity(),
                                 std::numeric_limits<Real>::denorm_min(),
                                 std::numeric_limits<Real>::max(),
                                 std::numeric_limits<Real>::quiet_NaN()};
  for (const std::vector<Index>& shape :
       std::vector<std::vector<Index>>{{6}, {2, 3}, {1, 3, 2, 1, 1, 1, 1, 1}}) {
    write_npy(dir / "a.npy", std::span<const Index>(shape), std::span<const Real>(values));
    const auto array = read_npy(dir / "a.npy");
    CHECK(array.shape == shape);
    REQUIRE(array.values.size() == values.size());
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(std::bit_cast<std::uint64_t>(array.values[i]) ==
            std::bit_cast<std::uint64_t>(static_cast<double>(values[i])));
    }
    CHECK(std::isnan(array.values[5]));
  }
}

TEST_CASE("npy: rank 0 has one value, and an extent of 0 has none") {
  const std::vector<double> one{7.0};
  const auto scalar = read_npy(npy_bytes(std::span<const Index>{}, std::span<const double>(one)), "s");
  CHECK(scalar.shape.empty());
  CHECK(scalar.values == one);
  const std::vector<Index> none{0, 5};
  const auto empty = read_npy(npy_bytes(std::span<const Index>(none), std::span<const double>{}), "e");
  CHECK(empty.shape == none);
  CHECK(empty.values.empty());
}

TEST_CASE("npy: the header is laid out as numpy's") {
  const std::vector<Index> shape{2, 1};
  const std::vector<float> values{1.5F, -2.0F};
  const auto bytes = npy_bytes(std::span<const Index>(shape), std::span<const float>(values));
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  REQUIRE(text.size() == 128 + 8);
  CHECK(text.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(text.substr(10, header.size()) == header);
  CHECK(text.substr(10 + header.size(), 117 - header.size()) == std::string(117 - header.size(), ' '));
  CHECK(text[127] == '\n');
  CHECK(text.substr(128) == raw<float>({1.5F, -2.0F}));
  for (Index n : {Index{1}, Index{10}, Index{1000000}}) {
    const std::vector<double> zeros(n, 0.0);
    CHECK((npy_bytes(std::span<const Index>(&n, 1), std::span<const double>(zeros)).size() - 8 * n) % 64 ==
          0);
  }
}

TEST_CASE("npy: every dtype is read") {
  check_dtype<double>("<f8");
  check_dtype<float>("<f4");
  // and how far apart its numbers are is said
  const auto epsilon = [](const char* descr, const std::string& payload) {
    return read_npy(as_bytes(image(dict(descr, "(1,)"), payload)), "a").epsilon;
  };
  CHECK(epsilon("<f8", raw<double>({3})) == 0x1p-52);
  CHECK(epsilon("<f4", raw<float>({3})) == 0x1p-23);
  CHECK(epsilon("<i4", raw<std::int32_t>({3})) == 0);
  check_dtype<std::uint8_t>("|u1");
  check_dtype<std::int8_t>("|i1");
  check_dtype<std::uint16_t>("<u2");
  check_dtype<std::int16_t>("<i2");
  check_dtype<std::uint32_t>("<u4");
  check_dtype<std::int32_t>("<i4");
  check_dtype<std::uint64_t>("<u8");
  check_dtype<std::int64_t>("<i8");
  CHECK(read_npy(as_bytes(image(dict("|b1", "(2,)"), raw<char>({1, 0}))), "b").values ==
        std::vector<double>{1.0, 0.0});
}

TEST_CASE("npy: integers that a double cannot hold are refused") {
  const std::int64_t edge = std::int64_t{1} << 53;
  CHECK(defect(image(dict("<i8", "(2,)"), raw<std::int64_t>({edge, -edge}))) == "");
  CHECK(contains(defect(image(dict("<i8", "(2,)"), raw<std::int64_t>({0, -edge - 1}))), "element 1"));
  CHECK(contains(defect(image(dict("<u8", "(1,)"), raw<std::uint64_t>({~std::uint64_t{0}}))), "2^53"));
}

TEST_CASE("npy: Fortran order becomes row-major") {
  // a[i][j][k] = 100 i + 10 j + k of shape (2, 3, 2), first index fastest
  const std::string payload = raw<double>({0, 100, 10, 110, 20, 120, 1, 101, 11, 111, 21, 121});
  const auto array = read_npy(as_bytes(image(dict("<f8", "(2, 3, 2)", true), payload)), "f");
  CHECK(array.shape == std::vector<Index>{2, 3, 2});
  CHECK(array.values == std::vector<double>{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121});
}

TEST_CASE("npy: versions 2.0 and 3.0, and keys in any order") {
  for (const int major : {1, 2, 3}) {
    const std::string bytes =
        image("{\"shape\":(2,),'fortran_order':False,'descr':'<f8'}   \n", raw<double>({3, 4}), major);
    CHECK(read_npy(as_bytes(bytes), "v").values == std::vector<double>{3, 4});
  }
  CHECK(contains(defect(image(dict("<f8", "(1,)"), raw<double>({3}), 4)), "version is 4.0"));
}

TEST_CASE("npy: an image cut short anywhere, or too long, is refused") {
  const std::string whole = image(dict("<f8", "(2,)"), raw<double>({1, 2}));
  REQUIRE(defect(whole) == "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(contains(defect(whole.substr(0, size)), "'a.npy' is not a readable .npy array: it "));
  }
  CHECK(contains(defect(whole.substr(0, whole.size() - 1)), "needs 16 bytes of values and 15 are there"));
  CHECK(contains(defect(whole + "x"), "trailing bytes"));
}

TEST_CASE("npy: bad headers are refused with the defect") {
  const std::string one = raw<double>({1});
  CHECK(contains(defect("PK\x03\x04 something else"), "magic"));
  CHECK(contains(defect(image(dict(">f8", "(1,)"), one)), "big-endian"));
  CHECK(contains(defect(image(dict("|O", "(1,)"), one)), "Python objects"));
  CHECK(contains(defect(image(dict("<c8", "(1,)"), one)), "'<c8'"));
  CHECK(contains(defect(image("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", one)),
                 "structured"));
  CHECK(contains(defect(image(dict("<f8", "(1)"), one)), "not a tuple"));
  CHECK(contains(defect(image(dict("<f8", "(1 1)"), one)), "shape is malformed"));
  CHECK(contains(defect(image(dict("<f8", "(-1,)"), one)), "extent"));
  CHECK(contains(defect(image(dict("<f8", "(1,)") + "}", one)), "closing brace"));
  CHECK(contains(defect(image("{'descr': '<f8', 'shape': (1,), }", one)), "lacks"));
  CHECK(contains(defect(image("{'descr': '<f8', 'descr': '<f8', 'shape': (1,), }", one)), "repeated key"));
  CHECK(
      contains(defect(image("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,), }", one)), "True or False"));
  CHECK(contains(defect(image(dict("<f8", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), one)), "rank is 9"));
}

TEST_CASE("npy: shapes whose size overflows are refused") {
  // 2^32 * 2^32 * 8 is 0 modulo 2^64, the size of the empty payload
  CHECK(contains(defect(image(dict("<f8", "(4294967296, 4294967296)"), "")), "too large"));
  CHECK(contains(defect(image(dict("|u1", "(4611686018427387904,)"), "")), "too large"));
  CHECK(contains(defect(image(dict("<f8", "(99999999999999999999,)"), "")), "too large"));
}

TEST_CASE("npy: writing checks the shape and the file") {
  const TempDir dir;
  const std::vector<double> values(6, 1.0);
  const std::vector<Index> wrong{2, 2}, right{2, 3};
  CHECK_THROWS_AS((void)npy_bytes(std::span<const Index>(wrong), std::span<const double>(values)),
                  ShapeError);
  const auto write = [&](const std::filesystem::path& path) {
    return message_of<UserError>(
        [&] { write_npy(path, std::span<const Index>(right), std::span<const double>(values)); });
  };
  CHECK(contains(write(dir / "no/such/dir.npy"), "no/such/dir.npy"));
  CHECK(contains(message_of<UserError>([&] { (void)read_npy(dir / "absent.npy"); }), "absent.npy"));
  CHECK(contains(message_of<UserError>([&] { (void)read_npy(dir.path()); }), dir.path().string()));
  if (std::filesystem::is_character_file("/dev/full")) {
    CHECK(contains(write("/dev/full"), "cannot write all"));
  } else {
    MESSAGE("skipped: no /dev/full");
  }
}

TEST_CASE_TEMPLATE("npy: matrices", Real, float, double) {
  const TempDir dir;
  Matrix<Real> m = make_matrix<Real>(2, 3);
  for (Index i = 0; i < 6; ++i) m.data()[i] = static_cast<Real>(i) / Real(3);
  write_npy(dir / "m.npy", m);
  CHECK(to_matrix<Real>(read_npy(dir / "m.npy"), "m") == m);

  const NpyArray<double> column{{2}, {5.0, 6.0}};
  const Matrix<Real> c = to_column<Real>(column, "c");
  CHECK(shape_of(c) == Shape{2, 1});
  CHECK(c(1, 0) == Real(6));
  const std::string rank1 = message_of<UserError>([&] { (void)to_matrix<Real>(column, "inputs"); });
  CHECK(contains(rank1, "inputs"));
  CHECK(contains(rank1, "(2,)"));
  CHECK(contains(rank1, "rank 2"));
  const NpyArray<double> square{{1, 2}, {5.0, 6.0}};
  CHECK(contains(message_of<UserError>([&] { (void)to_column<Real>(square, "y"); }), "(1, 2)"));
}

// More numbers than are read at a time, and a whole number of such pieces; images that are wrong in each way.
TEST_CASE("npy: a matrix read in pieces is the one that is read at once, and its defects are the same") {
  const TempDir dir;
  const auto both = [&](const std::string& bytes) {
    ntape::test::write_text(dir / "a.npy", bytes);
    const std::string what = (dir / "a.npy").string();
    std::optional<Matrix<float>> once, pieces;
    const std::string defect =
        message_of<UserError>([&] { once = to_matrix<float>(read_npy(dir / "a.npy"), what); });
    CHECK(message_of<UserError>([&] { pieces = read_npy_matrix<float>(dir / "a.npy"); }) == defect);
    CHECK(once.has_value() == pieces.has_value());
    if (once && pieces) CHECK(*once == *pieces);
    if (once) CHECK(read_npy_shape(dir / "a.npy") == std::vector<Index>{once->shape(0), once->shape(1)});
    return defect;
  };
  std::string payload(3 * 65536 * 2, '\0');
  for (Index k = 0; k < payload.size(); ++k) payload[k] = static_cast<char>(k * k >> 3);
  CHECK(both(image(dict("<i2", "(3, 65536)"), payload)).empty());
  CHECK(both(image(dict("<i2", "(1, 65535)"), payload.substr(0, 2 * 65535))).empty());
  CHECK(both(image("{'descr': '<i2', 'fortran_order': True, 'shape': (3, 65536), }", payload)).empty());
  CHECK(both(image(dict("<i2", "(0, 3)"), "")).empty());
  CHECK(contains(both(image(dict("<i2", "(3, 65537)"), payload)), "truncated"));
  CHECK(contains(both(image(dict("<i2", "(3, 6553)"), payload)), "trailing"));
  CHECK(contains(both(image(dict("<i2", "(196608,)"), payload)), "rank 2"));
  payload.assign(2 * 65536 * 8, '\0');
  payload[8 * 65540 + 7] = 0x7F;
  CHECK(contains(both(image(dict("<i8", "(2, 65536)"), payload)), "element 65540"));
  CHECK(contains(both("\x93NUMPY"), "version"));
  CHECK(contains(message_of<UserError>([&] { (void)read_npy_matrix<float>(dir / "absent.npy"); }),
                 "absent.npy"));
}

}  // namespace io_npy_test
