#include <doctest/doctest.h>
#include <zlib.h>

#include <ntape/base/errors.hpp>
#include <ntape/data/idx.hpp>
#include <set>

#include "../support/temp_dir.hpp"

namespace data_idx_test {

using namespace ntape;
using namespace ntape::data;
using ntape::test::contains;
using ntape::test::message_of;
using ntape::test::read_text;
using ntape::test::TempDir;
using ntape::test::write_text;

namespace {

std::string words(std::initializer_list<unsigned> values) {
  std::string bytes;
  for (const unsigned v : values) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((v >> shift) & 0xFFU);
  }
  return bytes;
}

/// Three images of 2 x 3: pixels 230, 231, ... and labels 7, 0, 9.
std::string images() {
  std::string bytes = words({0x803, 3, 2, 3});
  for (int i = 0; i < 18; ++i) bytes += static_cast<char>(static_cast<unsigned char>(230 + i));
  return bytes;
}
std::string labels() {
  return words({0x801, 3}) + std::string("\x07\x00\x09", 3);
}

void write_gzip(const std::filesystem::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(gzclose(file) == Z_OK);
}

struct Files {
  TempDir dir;
  std::string error(const std::string& image_bytes, const std::string& label_bytes, Index limit = 0) const {
    write_text(dir / "images", image_bytes);
    write_text(dir / "labels", label_bytes);
    return message_of<UserError>([&] { (void)read_idx(dir / "images", dir / "labels", limit); });
  }
};

void check_sample(const LabelledImages& read) {
  CHECK(read.count == 3);
  CHECK(read.rows == 2);
  CHECK(read.cols == 3);
  REQUIRE(read.pixels.size() == 18);
  for (std::size_t i = 0; i < 18; ++i) CHECK(read.pixels[i] == 230 + i);
  CHECK(read.labels == std::vector<std::uint8_t>{7, 0, 9});
}

}  // namespace

TEST_CASE("idx: plain and gzipped files are read alike") {
  const Files files;
  REQUIRE(files.error(images(), labels()) == "");
  check_sample(read_idx(files.dir / "images", files.dir / "labels"));
  write_gzip(files.dir / "images.gz", images());
  write_gzip(files.dir / "labels.gz", labels());
  check_sample(read_idx(files.dir / "images.gz", files.dir / "labels.gz"));
}

TEST_CASE("idx: a limit keeps the first images") {
  const Files files;
  REQUIRE(files.error(images(), labels(), 2) == "");
  const auto two = read_idx(files.dir / "images", files.dir / "labels", 2);
  CHECK(two.count == 2);
  CHECK(two.pixels.size() == 12);
  CHECK(two.labels == std::vector<std::uint8_t>{7, 0});
  CHECK(contains(files.error(images(), labels(), 4), "4 images are asked for"));
}

TEST_CASE("idx: files cut short anywhere, or too long, are refused") {
  const Files files;
  for (std::size_t size = 0; size < images().size(); ++size) {
    CAPTURE(size);
    CHECK(contains(files.error(images().substr(0, size), labels()),
                   "images' is not readable: it is truncated"));
  }
  for (std::size_t size = 0; size < labels().size(); ++size) {
    CAPTURE(size);
    CHECK(contains(files.error(images(), labels().substr(0, size)),
                   "labels' is not readable: it is truncated"));
  }
  CHECK(contains(files.error(images() + "x", labels()), "images' is not readable: it has trailing bytes"));
  CHECK(contains(files.error(images(), labels() + "x"), "labels' is not readable: it has trailing bytes"));
}

TEST_CASE("idx: damaged gzip streams are refused") {
  const Files files;
  write_gzip(files.dir / "good.gz", images());
  const std::string good = read_text(files.dir / "good.gz");
  REQUIRE(files.error(good, labels()) == "");
  for (std::size_t size = 2; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(contains(files.error(good.substr(0, size), labels()), "images' is not readable"));
  }
  std::string checksum = good;
  checksum[good.size() - 8] = static_cast<char>(checksum[good.size() - 8] ^ 1);
  CHECK(contains(files.error(checksum, labels()), "damaged"));
}

TEST_CASE("idx: wrong magic numbers, counts and paths") {
  const Files files;
  CHECK(contains(files.error(labels(), images()), "magic number is 2049, and 2051"));
  CHECK(contains(files.error(images(), images()), "magic number is 2051, and 2049"));
  const std::string two_labels = words({0x801, 2}) + "ab";
  CHECK(contains(files.error(images(), two_labels), "has 3 images"));
  CHECK(contains(files.error(images(), two_labels), "has 2 labels"));
  CHECK(contains(files.error(words({0x803, 0, 2, 3}), words({0x801, 0})), "0 images"));
  CHECK(contains(files.error(words({0x803, 1, 0, 3}), words({0x801, 1}) + "a"), "none may be 0"));
  const unsigned most = 0xFFFFFFFFU;
  CHECK(contains(files.error(words({0x803, most, most, most}), words({0x801, most})), "too large"));
  CHECK(contains(files.error(words({0x803, most, 1, 1}), words({0x801, most})), "truncated"));
  const auto absent = [&] { (void)read_idx(files.dir / "absent", files.dir / "labels"); };
  CHECK(contains(message_of<UserError>(absent), "absent"));
  CHECK_THROWS_AS((void)read_idx(files.dir.path(), files.dir / "labels"), UserError);
}

TEST_CASE("idx: Fashion-MNIST") {
  IdxPaths paths;
  const std::string missing = message_of<UserError>([&] { paths = fashion_mnist_paths(); });
  if (!missing.empty()) {
    CHECK(contains(missing, "apt install dataset-fashion-mnist"));
    MESSAGE("skipped: " << missing);
    return;
  }
  const auto all = read_idx(paths.images, paths.labels);
  CHECK(all.count == 60000);
  CHECK(all.rows == 28);
  CHECK(all.cols == 28);
  std::vector<int> count(10, 0);
  for (const std::uint8_t label : all.labels) ++count.at(label);
  CHECK(count == std::vector<int>(10, 6000));
}

}  // namespace data_idx_test
