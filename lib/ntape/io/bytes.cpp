#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <ntape/base/errors.hpp>
#include <ntape/io/bytes.hpp>
#include <string>
#include <system_error>

namespace ntape::io {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string reason(int error) {
  return std::generic_category().message(error);
}

}  // namespace

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw UserError("cannot open '" + path.string() + "' for reading: " + reason(errno));
  std::vector<std::byte> bytes;
  // Sized once where the size is known; the loop below does not rely on it (pipes, files that grow).
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  if (!unknown) bytes.reserve(static_cast<std::size_t>(size));
  std::array<std::byte, std::size_t{1} << 16> block;
  std::size_t count = 0;
  while ((count = std::fread(block.data(), 1, block.size(), file.get())) > 0) {
    bytes.insert(bytes.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (std::ferror(file.get()) != 0) {
    throw UserError("cannot read '" + path.string() + "' to its end: " + reason(errno));
  }
  return bytes;
}

void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  File file(std::fopen(path.c_str(), "wb"));
  if (!file) throw UserError("cannot open '" + path.string() + "' for writing: " + reason(errno));
  const bool written =
      bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  const int write_error = errno;
  // Buffered bytes may fail only here.
  const bool closed = std::fclose(file.release()) == 0;
  if (!written || !closed) {
    throw UserError("cannot write all " + std::to_string(bytes.size()) + " bytes of '" + path.string() +
                    "': " + reason(written ? errno : write_error));
  }
}

}  // namespace ntape::io
