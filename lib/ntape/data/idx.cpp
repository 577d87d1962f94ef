#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/idx.hpp>
#include <string>

namespace ntape::data {
namespace {

/// zlib reads plain files through the same calls.
class GzipReader {
 public:
  explicit GzipReader(const std::filesystem::path& path) : path_(path.string()), file_(nullptr) {
    // gzopen accepts a directory and reads nothing from it.
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) file_ = gzopen(path.c_str(), "rb");
    if (file_ == nullptr) throw UserError("cannot open the IDX file '" + path_ + "' for reading");
  }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader() {
    if (file_ != nullptr) gzclose(file_);
  }

  std::uint32_t big_endian() {
    std::vector<std::uint8_t> bytes;
    read(4, bytes);
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return value;
  }

  /// Appends exactly `size` bytes, growing as they arrive: a damaged header can claim any size.
  void read(Index size, std::vector<std::uint8_t>& bytes) {
    std::array<std::uint8_t, std::size_t{1} << 16> block;
    for (Index left = size; left > 0;) {
      const Index got = some(block.data(), std::min<Index>(left, block.size()));
      if (got == 0) {
        fail("it is truncated: " + std::to_string(size) + " bytes are needed and " +
             std::to_string(size - left) + " are there");
      }
      bytes.insert(bytes.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
      left -= got;
    }
  }

  void expect_end() {
    std::uint8_t byte = 0;
    if (some(&byte, 1) != 0) fail("it has trailing bytes after the announced ones");
  }

  void close() {
    const int code = gzclose(file_);
    file_ = nullptr;
    if (code != Z_OK) fail("closing it reports zlib error " + std::to_string(code));
  }

  [[noreturn]] void fail(const std::string& defect) const {
    throw UserError("the IDX file '" + path_ + "' is not readable: " + defect);
  }

 private:
  Index some(std::uint8_t* to, Index size) {
    const int got = gzread(file_, to, static_cast<unsigned>(size));
    int code = Z_OK;
    const char* const message = gzerror(file_, &code);
    // A gzip stream cut short delivers its bytes and reports Z_BUF_ERROR.
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      fail("it is damaged or truncated (" + std::string(message) + ")");
    }
    return static_cast<Index>(got);
  }

  std::string path_;
  gzFile file_;
};

void expect_magic(GzipReader& reader, std::uint32_t magic, const char* kind) {
  const std::uint32_t found = reader.big_endian();
  if (found == magic) return;
  reader.fail("its magic number is " + std::to_string(found) + ", and " + std::to_string(magic) + " (" +
              kind + ") is needed");
}

}  // namespace

LabelledImages read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                        Index limit) {
  GzipReader image_file(images);
  GzipReader label_file(labels);
  expect_magic(image_file, 0x00000803, "unsigned bytes of rank 3: images");
  expect_magic(label_file, 0x00000801, "unsigned bytes of rank 1: labels");
  LabelledImages result;
  result.count = image_file.big_endian();
  result.rows = image_file.big_endian();
  result.cols = image_file.big_endian();
  const Index label_count = label_file.big_endian();
  if (result.count != label_count) {
    throw UserError("'" + images.string() + "' has " + std::to_string(result.count) + " images and '" +
                    labels.string() + "' has " + std::to_string(label_count) +
                    " labels, and each image needs one label");
  }
  if (result.count == 0 || result.rows == 0 || result.cols == 0) {
    image_file.fail("it announces " + std::to_string(result.count) + " images of " +
                    to_string(Shape{result.rows, result.cols}) + " pixels, and none may be 0");
  }
  if (limit > result.count) {
    throw UserError(std::to_string(limit) + " images are asked for and '" + images.string() + "' has " +
                    std::to_string(result.count));
  }
  if (limit > 0) result.count = limit;
  const Index pixels = result.rows * result.cols;  // each is below 2^32
  if (result.count > std::numeric_limits<Index>::max() / pixels)
    image_file.fail("it is too large to address");
  image_file.read(result.count * pixels, result.pixels);
  label_file.read(result.count, result.labels);
  if (limit == 0) {
    image_file.expect_end();
    label_file.expect_end();
  }
  image_file.close();
  label_file.close();
  return result;
}

namespace {

bool are_there(const IdxPaths& paths) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(paths.images, ignored) &&
         std::filesystem::is_regular_file(paths.labels, ignored);
}

}  // namespace

IdxPaths mnist_paths() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  std::filesystem::path home = variable("XDG_DATA_HOME");
  if (home.empty() && !variable("HOME").empty()) home = variable("HOME") / ".local/share";
  std::vector<std::filesystem::path> folders = {"data/mnist"};
  if (!home.empty()) folders.push_back(home / "ntape/mnist");
  for (const auto& folder : folders) {
    const IdxPaths paths{folder / "images-idx3-ubyte.gz", folder / "labels-idx1-ubyte.gz"};
    if (are_there(paths)) return paths;
  }
  throw UserError("MNIST is neither in '" + folders.front().string() + "' nor in '" +
                  folders.back().string() + "': tools/get-mnist fetches it");
}

IdxPaths fashion_mnist_paths() {
  const std::filesystem::path folder = "/usr/share/datasets/fashion-mnist";
  IdxPaths paths{folder / "train-images-idx3-ubyte.gz", folder / "train-labels-idx1-ubyte.gz"};
  for (const auto& path : {paths.images, paths.labels}) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) {
      throw UserError("Fashion-MNIST needs '" + path.string() +
                      "', which is missing: apt install dataset-fashion-mnist");
    }
  }
  return paths;
}

}  // namespace ntape::data
