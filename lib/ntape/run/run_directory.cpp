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

// Whether `from` was renamed; false when `to` is taken. A directory that came into being meanwhile is never
// replaced.
bool rename_to_free(const fs::path& from, const fs::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST || errno == ENOTEMPTY) return false;
  const int error = errno;
  // Some file systems do not know that flag; plain rename still refuses a directory that is not empty.
  if (error == EINVAL) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(to, ignored))) return false;
    if (std::rename(from.c_str(), to.c_str()) == 0) return true;
  }
  throw UserError("the output directory '" + to.string() +
                  "' cannot be given its name: " + std::strerror(errno));
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& final_path, Taken taken) {
  if (final_path.empty()) throw UserError("the output directory has an empty name; give one with --out");
  // "new/../runs/x/" is "runs/x", and no directory `new` is made for it.
  final_ = final_path.lexically_normal();
  if (!final_.has_filename()) final_ = final_.parent_path();
  std::error_code error;
  int attempt = 0;
  const fs::file_status status = fs::symlink_status(final_, error);
  if (fs::exists(status) && taken == Taken::refuse) refuse_existing(final_);
  const fs::path parent = final_.has_parent_path() ? final_.parent_path() : fs::path(".");
  made_parent_ = topmost_missing(parent);
  error.clear();
  fs::create_directories(parent, error);
  // A killed process of the same number may have left its directory. The name is short and its own: the
  // final one may be as long as names can be.
  for (bool made = false; !made && !error;) {
    partial_ = parent / (".partial-" + std::to_string(getpid()) + "-" + std::to_string(attempt++));
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

bool RunDirectory::commit() {
  const std::lock_guard lock(mutex_);
  if (committed_) throw InternalError("a run directory was committed twice");
  const fs::path asked = final_;
  for (int number = 2; !rename_to_free(partial_, final_); ++number)
    final_ = asked.string() + "-" + std::to_string(number);
  committed_ = true;
  return final_ == asked;
}

}  // namespace ntape::run
