#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

namespace ntape::run {

/// An output directory that exists either complete or not at all: files are written under a hidden
/// sibling name, and commit() renames it. Destroyed before that, it leaves nothing, neither itself nor the
/// parent directories it had to make.
class RunDirectory {
 public:
  /// What a name that is taken from the start means.
  enum class Taken {
    refuse,  ///< a mistake: somebody chose the name
    number,  ///< nothing: the directory gets the first free one of name-2, name-3, ...
  };
  /// The path is taken without its "." and "..". Throws UserError when it exists (with Taken::refuse) or its
  /// parent cannot be made or written to.
  explicit RunDirectory(const std::filesystem::path& final_path, Taken taken = Taken::refuse);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  /// Where to write the file of this relative name; makes its folder. Throws UserError when it cannot.
  [[nodiscard]] std::filesystem::path file(std::string_view relative) const;
  /// Throws UserError when not every byte could be written (no space, say).
  void write_text(std::string_view relative, std::string_view content) const;
  /// Where the name is taken, maybe only meanwhile, by the first free one of name-2, name-3, ...: what was
  /// computed is never lost to a name. Returns whether it got its own. Throws UserError when it cannot be
  /// renamed. Call once.
  bool commit();
  /// Where it is to be; after commit(), where it is.
  [[nodiscard]] const std::filesystem::path& final_path() const { return final_; }

  /// Removes what is not committed, from another thread, in order to end the process: every other member,
  /// the destructor included, waits while the lock that comes back is held.
  [[nodiscard]] std::unique_lock<std::mutex> abandon();

 private:
  void remove_partial() noexcept;
  [[nodiscard]] std::filesystem::path make_folder_of(std::string_view relative) const;

  std::filesystem::path final_, partial_;
  std::filesystem::path made_parent_;  // the topmost parent that did not exist before; empty: all did
  bool committed_ = false;
  mutable std::mutex mutex_;
};

}  // namespace ntape::run
