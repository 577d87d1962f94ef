#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ntape/base/errors.hpp>
#include <ntape/run/run_directory.hpp>

namespace ntape::run {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse_existing(const fs::path& path) {
  throw UserError("the output directory '" + path.string() + "' exists already; give a new one with --out");
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& final_path) {
  if (final_path.empty()) throw UserError("the output directory has an empty name; give one with --out");
  final_ = final_path.has_filename() ? final_path : final_path.parent_path();  // "runs/x/" is "runs/x"
  if (fs::exists(fs::symlink_status(final_))) refuse_existing(final_);
  const fs::path parent = final_.has_parent_path() ? final_.parent_path() : fs::path(".");
  partial_ = parent / ("." + final_.filename().string() + ".partial-" + std::to_string(getpid()));
  std::error_code error;
  fs::create_directories(parent, error);
  if (!error) fs::create_directory(partial_, error);
  if (error)
    throw UserError("the output directory '" + final_.string() + "' cannot be made: " + error.message());
}

RunDirectory::~RunDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(partial_, ignored);
}

fs::path RunDirectory::file(std::string_view relative) const {
  const fs::path path = partial_ / relative;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) throw UserError("'" + path.string() + "' cannot be made: " + error.message());
  return path;
}

void RunDirectory::write_text(std::string_view relative, std::string_view content) const {
  const fs::path path = file(relative);
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out)
    throw UserError("'" + std::string(relative) + "' could not be written to the output directory '" +
                    final_.string() + "': " + (errno ? std::strerror(errno) : "unknown error"));
}

void RunDirectory::commit() {
  if (committed_) throw InternalError("a run directory was committed twice");
  // RENAME_NOREPLACE: a directory that came into being meanwhile is never replaced.
  if (renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, final_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY) refuse_existing(final_);
    // Some file systems do not know that flag; plain rename still refuses a directory that is not empty.
    if (errno != EINVAL || fs::exists(final_) || std::rename(partial_.c_str(), final_.c_str()) != 0)
      throw UserError("the output directory '" + final_.string() +
                      "' cannot be made: " + std::strerror(errno));
  }
  committed_ = true;
}

}  // namespace ntape::run
