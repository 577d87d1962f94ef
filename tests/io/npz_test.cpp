#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <zip.h>

#include <ntape/base/errors.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npz.hpp>
#include <numeric>

#include "../support/temp_dir.hpp"

namespace io_npz_test {

using namespace ntape;
using namespace ntape::io;
using ntape::test::contains;
using ntape::test::message_of;
using ntape::test::read_text;
using ntape::test::TempDir;
using ntape::test::write_text;

namespace {

void write_sample(const std::filesystem::path& path) {
  NpzWriter writer(path);
  writer.add<double>("x", {2, 2}, std::vector<double>{1, 2, 3, 4.5});
  writer.add<float>("y", {2}, std::vector<float>{-1, 0.25F});
  writer.close();
}

/// An archive made by libzip directly, each entry deflated, as numpy.savez_compressed writes them.
void write_deflated(const std::filesystem::path& path, const std::string& entry,
                    const std::vector<std::byte>& bytes) {
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  zip_source_t* const source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  const zip_int64_t index = zip_file_add(archive, entry.c_str(), source, 0);
  REQUIRE(index >= 0);
  REQUIRE(zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_DEFLATE, 9) == 0);
  REQUIRE(zip_close(archive) == 0);
}

std::string read_all(const std::filesystem::path& path) {
  return message_of<UserError>([&] {
    const NpzReader reader(path);
    for (const auto& name : reader.names()) (void)reader.read(name);
  });
}

/// Files larger than `bytes` fail to grow, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("npz: what is written is read back") {
  const TempDir dir;
  write_sample(dir / "a.npz");
  const NpzReader reader(dir / "a.npz");
  CHECK(reader.names() == std::vector<std::string>{"x", "y"});
  CHECK(reader.has("y"));
  CHECK_FALSE(reader.has("y.npy"));
  const auto x = reader.read("x");
  CHECK(x.shape == std::vector<Index>{2, 2});
  CHECK(x.values == std::vector<double>{1, 2, 3, 4.5});
  const auto y = reader.read("y");
  CHECK(y.shape == std::vector<Index>{2});
  CHECK(y.values == std::vector<double>{-1, 0.25});
  CHECK(reader.read("x").values == x.values);
  const std::string missing = message_of<UserError>([&] { (void)reader.read("z"); });
  CHECK(contains(missing, "no array 'z'; it has x, y"));
}

TEST_CASE("npz: identical arrays give identical files in which nothing is compressed") {
  const TempDir dir;
  write_sample(dir / "a.npz");
  write_sample(dir / "b.npz");
  const std::string bytes = read_text(dir / "a.npz");
  CHECK(bytes == read_text(dir / "b.npz"));
  // Local header: method 0 (stored) at byte 8, time 00:00 and date 1980-01-01 at bytes 10 to 13.
  CHECK(bytes.substr(8, 6) == std::string("\0\0\0\0\x21\0", 6));
  CHECK(contains(bytes, "x.npy"));
}

TEST_CASE("npz: deflated archives are read, other entries are passed over") {
  const TempDir dir;
  const std::vector<Index> shape{500};
  std::vector<double> values(500);
  std::iota(values.begin(), values.end(), 0.0);
  const auto bytes = npy_bytes(std::span<const Index>(shape), std::span<const double>(values));
  write_deflated(dir / "d.npz", "v.npy", bytes);
  CHECK(std::filesystem::file_size(dir / "d.npz") < bytes.size());
  CHECK(NpzReader(dir / "d.npz").read("v").values == values);
  write_deflated(dir / "t.npz", "readme.txt", bytes);
  CHECK(NpzReader(dir / "t.npz").names().empty());
}

TEST_CASE("npz: damage is found") {
  const TempDir dir;
  write_sample(dir / "a.npz");
  const std::string whole = read_text(dir / "a.npz");
  REQUIRE(read_all(dir / "a.npz") == "");

  for (const std::size_t size : {std::size_t{1}, std::size_t{30}, whole.size() / 2, whole.size() - 1}) {
    CAPTURE(size);
    write_text(dir / "short.npz", whole.substr(0, size));
    CHECK(contains(read_all(dir / "short.npz"), "short.npz"));
  }
  // One flipped bit inside the values of x: only the checksum can tell.
  std::string flipped = whole;
  const std::size_t at = flipped.find("\x93NUMPY") + 128 + 3;
  flipped[at] = static_cast<char>(flipped[at] ^ 1);
  write_text(dir / "flipped.npz", flipped);
  const std::string crc = read_all(dir / "flipped.npz");
  CHECK(contains(crc, "'x'"));
  CHECK(contains(crc, "CRC"));

  write_text(dir / "text.npz", "this is no zip archive, and it is long enough to be one");
  CHECK(contains(read_all(dir / "text.npz"), "text.npz"));
  CHECK(contains(read_all(dir / "absent.npz"), "absent.npz"));

  write_deflated(dir / "inner.npz", "v.npy", std::vector<std::byte>(100));
  CHECK(contains(read_all(dir / "inner.npz"), "inner.npz:v' is not a readable .npy array"));
}

TEST_CASE("npz: misuse of the writer") {
  const TempDir dir;
  const std::vector<double> one{1.0};
  NpzWriter writer(dir / "w.npz");
  CHECK_THROWS_AS(writer.close(), UserError);
  writer.add<double>("a", {1}, one);
  CHECK(contains(message_of<UserError>([&] { writer.add<double>("a", {1}, one); }), "'a' was added already"));
  CHECK_THROWS_AS(writer.add<double>("", {1}, one), UserError);
  CHECK_THROWS_AS(writer.add<double>("b", {2}, one), ShapeError);
  CHECK_FALSE(std::filesystem::exists(dir / "w.npz"));
  writer.close();
  CHECK(NpzReader(dir / "w.npz").names() == std::vector<std::string>{"a"});
  CHECK_THROWS_AS(writer.close(), InternalError);
  CHECK_THROWS_AS(writer.add<double>("b", {1}, one), InternalError);
  CHECK_THROWS_AS(NpzWriter{dir.path()}, UserError);
}

TEST_CASE("npz: a writer that is not closed leaves no file, and close replaces the file as a whole") {
  const TempDir dir;
  {
    NpzWriter writer(dir / "n.npz");
    writer.add<double>("a", {1}, std::vector<double>{1.0});
  }
  CHECK_FALSE(std::filesystem::exists(dir / "n.npz"));
  write_sample(dir / "n.npz");
  NpzWriter writer(dir / "n.npz");
  writer.add<double>("only", {1}, std::vector<double>{1.0});
  writer.close();
  CHECK(NpzReader(dir / "n.npz").names() == std::vector<std::string>{"only"});
}

TEST_CASE("npz: a failure to write is loud and leaves the old file") {
  const TempDir dir;
  write_sample(dir / "full.npz");
  const std::string before = read_text(dir / "full.npz");
  const std::vector<double> values(100000, 1.0);
  NpzWriter writer(dir / "full.npz");
  writer.add<double>("a", {values.size()}, values);
  std::string message;
  {
    const FileSizeLimit limit(100000);
    message = message_of<UserError>([&] { writer.close(); });
  }
  CHECK(contains(message, "cannot write the archive"));
  CHECK(contains(message, "full.npz"));
  CHECK(read_text(dir / "full.npz") == before);

  NpzWriter nowhere(dir / "no/such/dir.npz");
  nowhere.add<double>("a", {1}, std::vector<double>{1.0});
  CHECK(contains(message_of<UserError>([&] { nowhere.close(); }), "no/such/dir.npz"));
}

namespace {

// What it is given, in the order of rows.
struct Kept final : NpyVisitor {
  void begin(const std::vector<Index>& of, bool columns) override {
    shape = of;
    by_columns = columns;
  }
  void take(Index first, std::span<const double> some) override {
    CHECK(first == values.size());
    values.insert(values.end(), some.begin(), some.end());
  }
  std::vector<Index> shape;
  bool by_columns = false;
  std::vector<double> values;
};

}  // namespace

// More numbers than are read at a time (2^16), of a width that does not divide what comes with the header.
TEST_CASE("npz: an array is read in pieces, stored or deflated, and its shape without it") {
  const TempDir dir;
  const std::vector<Index> shape{3, 50001};
  std::vector<double> values(150003);
  std::iota(values.begin(), values.end(), 0.5);
  NpzWriter writer(dir / "stored.npz");
  writer.refer<double>("a", shape, values);
  writer.close();
  write_deflated(dir / "deflated.npz", "a.npy", npy_bytes<double>(shape, values));
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const NpzReader reader(dir / name);
    CHECK(reader.shape("a") == shape);
    Kept kept;
    reader.visit("a", kept);
    CHECK(kept.shape == shape);
    CHECK_FALSE(kept.by_columns);
    const bool same = kept.values == values && reader.read("a").values == values;
    CHECK(same);
    CHECK(contains(message_of<UserError>([&] { (void)reader.shape("b"); }), "has no array 'b'; it has a"));
  }
}

TEST_CASE("npz: an array by columns comes as it is there, with its shape") {
  const TempDir dir;
  std::vector<std::byte> bytes =
      npy_bytes<double>(std::vector<Index>{2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view no = "'fortran_order': False", yes = "'fortran_order': True ";
  std::copy(yes.begin(), yes.end(), reinterpret_cast<char*>(bytes.data()) + text.find(no));
  write_deflated(dir / "a.npz", "a.npy", bytes);
  Kept kept;
  const NpzReader reader(dir / "a.npz");
  reader.visit("a", kept);
  CHECK(kept.by_columns);
  CHECK(kept.values == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(reader.read("a").values == std::vector<double>{1, 3, 5, 2, 4, 6});
  write_bytes(dir / "a.npy", bytes);
  const Matrix<float> m = read_npy_matrix<float>(dir / "a.npy");
  CHECK(m(0, 1) == 3);
  CHECK(m(1, 2) == 6);
}

TEST_CASE("npz: values that are referred to make the archive that copies make") {
  const TempDir dir;
  const std::vector<double> values{1, 2, 3, 4.5};
  for (const bool copied : {true, false}) {
    NpzWriter writer(dir / (copied ? "copied.npz" : "referred.npz"));
    for (const char* name : {"a", "b"})
      copied ? writer.add<double>(name, {2, 2}, values) : writer.refer<double>(name, {2, 2}, values);
    writer.refer<double>("none", {0, 3}, {});
    CHECK_THROWS_AS(writer.refer<double>("a", {2, 2}, values), ntape::UserError);
    CHECK_THROWS_AS(writer.refer<double>("c", {2, 3}, values), ntape::ShapeError);
    writer.close();
  }
  CHECK(read_text(dir / "copied.npz") == read_text(dir / "referred.npz"));
}

TEST_CASE("npz: damage is found before a number is handed on, and is called that") {
  const TempDir dir;
  write_sample(dir / "a.npz");
  const std::string whole = read_text(dir / "a.npz");
  std::string damaged = whole;
  damaged[damaged.find("NUMPY")] = 'n';
  write_text(dir / "head.npz", damaged);
  damaged = whole;
  damaged[damaged.find("NUMPY") + 127] ^= 1;  // of the first value of x
  write_text(dir / "value.npz", damaged);
  const std::string checksum = read_all(dir / "value.npz");
  CHECK(contains(checksum, "cannot read the array 'x'"));
  CHECK(message_of<UserError>([&] { (void)NpzReader(dir / "head.npz").shape("x"); }) ==
        read_all(dir / "head.npz"));
  Kept kept;
  CHECK(message_of<UserError>([&] { NpzReader(dir / "value.npz").visit("x", kept); }) == checksum);
  CHECK(kept.shape.empty());
}

}  // namespace io_npz_test
