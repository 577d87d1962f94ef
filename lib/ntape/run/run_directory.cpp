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

fs::path topmost_missing(const fs::path& directory) {
  fs::path missing;
  std::error_code ignored;
  for (fs::path p = directory; !p.empty() && !fs::exists(fs::symlink_status(p, ignored));
       p = p.parent_path()) {
    missing = p;
    if (p == p.parent_path()) break;
  }
  return missing;
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& final_path) {
  if (final_path.empty()) throw UserError("the output directory has an empty name; give one with --out");
  final_ = final_path.has_filename() ? final_path : final_path.parent_path();  // "runs/x/" is "runs/x"
  std::error_code error;
  int attempt = 0;
  const fs::file_status status = fs::symlink_status(final_, error);
  if (fs::exists(status)) refuse_existing(final_);
  const fs::path parent = final_.has_parent_path() ? final_.parent_path() : fs::path(".");
  made_parent_ = topmost_missing(parent);
  error.clear();
  fs::create_directories(parent, error);
  // A killed process of the same number may have left its directory.
  for (bool made = false; !made && !error;) {
    partial_ = parent / ("." + final_.filename().string() + ".partial-" + std::to_string(getpid()) + "-" +
                         std::to_string(attempt++));
    made = fs::create_directory(partial_, error);
  }
  if (error) {
    remove_partial();
    throw UserError("the output directory '" + final_.string() + "' cannot be made: " + error.message());
  }
}

RunDirectory::~RunDirectory() {
  const std::lock_guard lock(mutex_);
  if (!committed_) remove_partial();
}

void RunDirectory::remove_partial() noexcept {
  std::error_code error;
  // Again and again: abandon() may race with a writer that is just making a file.
  for (int attempt = 0; attempt < 100; ++attempt) {
    fs::remove_all(partial_, error);
    if (!fs::exists(fs::symlink_status(partial_, error))) break;
  }
  if (made_parent_.empty()) return;
  // Plain remove: somebody else may have come to use these directories meanwhile.
  for (fs::path p = partial_.parent_path(); fs::remove(p, error) && p != made_parent_; p = p.parent_path()) {
  }
}

std::unique_lock<std::mutex> RunDirectory::abandon() {
  std::unique_lock lock(mutex_);
  if (!committed_) remove_partial();
  return lock;
}

fs::path RunDirectory::make_folder_of(std::string_view relative) const {
  const fs::path path = partial_ / relative;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    throw UserError("'" + std::string(relative) + "' cannot be made in the output directory '" +
                    final_.string() + "': " + error.message());
  return path;
}

fs::path RunDirectory::file(std::string_view relative) const {
  const std::lock_guard lock(mutex_);
  return make_folder_of(relative);
}

void RunDirectory::write_text(std::string_view relative, std::string_view content) const {
  const std::lock_guard lock(mutex_);
  const fs::path path = make_folder_of(relative);
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out)
    throw UserError("'" + std::string(relative) + "' could not be written to the output directory '" +
                    final_.string() + "': " + (errno ? std::strerror(errno) : "unknown error"));
}

void RunDirectory::commit() {
  const std::lock_guard lock(mutex_);
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
