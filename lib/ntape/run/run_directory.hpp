#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ntape::run {

/// An output directory that exists either complete or not at all: files are written under a hidden
/// sibling name, and commit() renames it. Destroyed before that, it leaves nothing.
class RunDirectory {
 public:
  /// Throws UserError when `final_path` exists or its parent cannot be made or written to.
  explicit RunDirectory(const std::filesystem::path& final_path);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  /// Where to write the file of this relative name; makes its folder.
  [[nodiscard]] std::filesystem::path file(std::string_view relative) const;
  /// Throws UserError when not every byte could be written (no space, say).
  void write_text(std::string_view relative, std::string_view content) const;
  /// Throws UserError when the final path has come to exist meanwhile. Call once.
  void commit();
  [[nodiscard]] const std::filesystem::path& final_path() const { return final_; }

 private:
  std::filesystem::path final_, partial_;
  bool committed_ = false;
};

}  // namespace ntape::run
