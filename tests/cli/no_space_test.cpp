#include <doctest/doctest.h>
#include <sys/mount.h>

#include <ntape/io/npy.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_no_space_test {

using namespace ntape;
using namespace ntape::test;

namespace {

/// A file system of so many KiB in memory, where mounting is allowed.
class SmallDisk {
 public:
  explicit SmallDisk(int kibibytes) {
    const std::string options = "size=" + std::to_string(kibibytes) + "k";
    mounted_ = mount("none", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempDir folder_;
  bool mounted_ = false;
};

bool can_mount() {
  if (SmallDisk(64).mounted()) return true;
  MESSAGE("skipped: file systems cannot be mounted here");
  return false;
}

// Either everything is there, or one sentence and nothing.
void check_all_or_nothing(const Outcome& result, const std::filesystem::path& folder, const std::string& all,
                          const std::string& reason = "No space left on device") {
  CAPTURE(result.err);
  if (result.code == 0) {
    CHECK(listing(folder) == all);
    return;
  }
  CHECK(result.code == 2);
  CHECK(contains(result.err, reason));
  CHECK(result.err.find('\n') == result.err.size() - 1);
  CHECK(listing(folder).empty());
}

// The words of a command whose files may have so many KiB each.
std::vector<std::string> limited(int kibibytes, const std::vector<std::string>& words) {
  std::vector<std::string> all = {"bash", "-c", "ulimit -f \"$1\" && shift && exec \"$@\"", "bash",
                                  std::to_string(kibibytes)};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

}  // namespace

TEST_CASE("drift on a disk of any size leaves a whole run or nothing") {
  if (!can_mount()) return;
  std::string messages;
  int whole = 0;
  // A page of 4 KiB for each file at least; the run below needs some 100 KiB.
  for (const int kibibytes : {4, 8, 12, 16, 20, 28, 36, 44, 56, 72, 88, 104, 200}) {
    CAPTURE(kibibytes);
    const SmallDisk disk(kibibytes);
    REQUIRE(disk.mounted());
    const Outcome result =
        run_command(tool_line("drift --data circle --examples 16 --width 4,8 --seeds 1 --steps 8 --track "
                              "every:1 --quiet --out run"),
                    {.folder = disk.path()});
    check_all_or_nothing(result, disk.path(), "run");
    messages += result.err;
    if (result.code != 0) continue;
    ++whole;
    for (const char* figure : {"drift.svg", "scaling.svg", "spectrum.svg"})
      CHECK(read_text(disk.path() / "run/figures" / figure).ends_with("</svg>\n\n"));
  }
  CHECK(whole > 0);
  // Every kind of file was the one that did not fit, once.
  for (const char* file : {"manifest.json", "metrics.csv", "kernels.npz", "figures/"})
    CHECK(contains(messages, file));
}

TEST_CASE("kernel and limit on a disk of any size leave whole files or none") {
  if (!can_mount()) return;
  const TempDir folder;
  io::write_npy(folder / "x.npy", normal<double>(40, 3, 1));
  const std::string inputs = " --quiet --inputs " + (folder / "x.npy").string();
  int failed = 0, whole = 0;
  for (const int kibibytes : {4, 16, 32, 40, 44, 48, 64}) {
    CAPTURE(kibibytes);
    for (const auto& [line, all] :
         {std::pair{"kernel --width 16 --out K.npz --save-weights W.npz", "K.npz W.npz"},
          std::pair{"limit --out T.npz", "T.npz"}}) {
      const SmallDisk disk(kibibytes);
      REQUIRE(disk.mounted());
      const Outcome result = run_command(tool_line(line + inputs), {.folder = disk.path()});
      check_all_or_nothing(result, disk.path(), all);
      ++(result.code == 0 ? whole : failed);
    }
  }
  CHECK(failed > 0);
  CHECK(whole > 0);
}

// Needs no mounting: a limit on the size of files makes writing fail as a full disk does.
TEST_CASE("where files may not grow, there are whole runs and files or nothing") {
  std::string messages;
  int whole = 0;
  // From 1 KiB on: standard error is a file here, and the message must fit.
  for (const int kibibytes : {1, 2, 4, 6, 10, 64}) {
    CAPTURE(kibibytes);
    const TempDir folder;
    const auto words = tool_line(
        "drift --data circle --examples 16 --width 4,8 --depth 6 --seeds 1 --steps 8 --track every:1 --quiet "
        "--out run");
    const Outcome result = run_command(limited(kibibytes, words), {.folder = folder.path()});
    check_all_or_nothing(result, folder.path(), "run", "File too large");
    messages += result.err;
    whole += result.code == 0;
  }
  CHECK(whole > 0);
  for (const char* file : {"metrics.csv", "layers.csv", "kernels.npz"}) CHECK(contains(messages, file));

  const TempDir inputs;
  io::write_npy(inputs / "x.npy", normal<double>(40, 3, 1));
  for (const auto& [line, all] :
       {std::pair{"kernel --width 16 --out K.npz --save-weights W.npz", "K.npz W.npz"},
        std::pair{"limit --out T.npz", "T.npz"}})
    for (const int kibibytes : {1, 10, 64}) {
      CAPTURE(line);
      CAPTURE(kibibytes);
      const TempDir folder;
      const auto words = tool_line(line + (" --quiet --inputs " + (inputs / "x.npy").string()));
      const Outcome result = run_command(limited(kibibytes, words), {.folder = folder.path()});
      check_all_or_nothing(result, folder.path(), all, "File too large");
      CHECK((result.code == 0) == (kibibytes == 64));
    }
}

}  // namespace cli_no_space_test
