#include <doctest/doctest.h>

#include <ntape/io/npy.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_memory_budget_test {

using namespace ntape;
using namespace ntape::test;

// A child's peak begins with what its parent had resident when it was started (exec keeps the maximum), so
// that this program must stay small: files are compared a piece at a time.
namespace {

bool same_files(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::ifstream left(a, std::ios::binary), right(b, std::ios::binary);
  if (std::filesystem::file_size(a) != std::filesystem::file_size(b)) return false;
  std::vector<char> x(1 << 16), y(1 << 16);
  while (left && right) {
    left.read(x.data(), static_cast<std::streamsize>(x.size()));
    right.read(y.data(), static_cast<std::streamsize>(y.size()));
    if (left.gcount() != right.gcount() || !std::equal(x.begin(), x.begin() + left.gcount(), y.begin()))
      return false;
  }
  return true;
}

struct Measured {
  TempDir folder;

  // The smallest budget, as a refusal names it.
  [[nodiscard]] std::string smallest(const std::string& line) const {
    const Outcome result =
        run_command(tool_line("kernel --inputs x.npy --memory 1MiB " + line), {.folder = folder.path()});
    const std::string words = "the smallest budget that would do is ";
    const auto at = result.err.find(words);
    CAPTURE(result.err);
    REQUIRE(at != std::string::npos);
    const std::string rest = result.err.substr(at + words.size());
    return rest.substr(0, rest.find("MiB") + 3);
  }

  // Runs `kernel` and checks its peak against the budget.
  void within(const std::string& budget, double bytes, const std::string& line,
              const std::string& out) const {
    const Outcome result = measured_run(
        tool_line("kernel --inputs x.npy --quiet " + line + " --memory " + budget + " --out " + out),
        {.folder = folder.path()});
    CAPTURE(line);
    CAPTURE(budget);
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
#ifndef __SANITIZE_ADDRESS__  // which doubles what memory takes, and more
    CHECK(result.peak_bytes <= 1.1 * bytes);
#endif
    CHECK(result.peak_bytes > 0.1 * bytes);
  }
};

}  // namespace

// Three hidden layers of 512 units: an example and its Jacobian take 48 KiB in double, those of 3000 examples
// 142 MiB, and the kernel 69 MiB on disk. Many panels, some, one.
TEST_CASE("the memory used is at most a tenth more than the budget, and the bits are the same") {
  const Measured m;
  io::write_npy(m.folder / "x.npy", normal<float>(3000, 64, 1));
  const std::string line = "--width 512 --kernel trace ";
  m.within("56MiB", 56 * 0x1p20, line + "--threads 1", "a.npy");
  m.within("80MB", 80e6, line + "--threads 2", "b.npy");
  m.within("256MiB", 0x1p28, line + "--threads 2", "c.npy");
  CHECK(same_files(m.folder / "a.npy", m.folder / "b.npy"));
  CHECK(same_files(m.folder / "a.npy", m.folder / "c.npy"));
}

// Eight outputs: copies of cotangents, and windows of 16 MiB in float. The archive keeps all.
TEST_CASE("full kernels of several outputs, and archives, keep to their budget, too") {
  const Measured m;
  io::write_npy(m.folder / "x.npy", normal<float>(600, 16, 1));
  const std::string line = "--width 256 --outputs 8 --precision f32 --threads 1";
  m.within("110MiB", 110 * 0x1p20, line, "a.npy");
  m.within("300MiB", 300 * 0x1p20, line, "b.npy");
  CHECK(same_files(m.folder / "a.npy", m.folder / "b.npy"));
  m.within("400MiB", 400 * 0x1p20, "--width 256 --outputs 4 --precision f32 --threads 1 --layer-shares",
           "c.npz");
}

// 32 MB of weights in double and half of that in float, which are nearly all that a kernel on 100 examples
// takes. The file has doubles either way.
TEST_CASE("weights from a file, and those that are saved, are within the smallest budget") {
  const Measured m;
  io::write_npy(m.folder / "x.npy", normal<float>(100, 4, 1));
  m.within("1GiB", 0x1p28, "--depth 3 --width 2000 --save-weights w.npz", "all.npy");
  for (const std::string precision : {"f32", "f64"}) {
    const std::string line = "--weights w.npz --threads 1 --precision " + precision;
    const std::string budget = m.smallest(line + " --out k.npy");
    m.within(budget, std::stod(budget) * 0x1p20, line + " --save-weights " + precision + ".npz",
             precision + ".npy");
  }
  const Outcome plan =
      measured_run(tool_line("plan --inputs x.npy --weights w.npz"), {.folder = m.folder.path()});
  CHECK(plan.code == 0);
#ifndef __SANITIZE_ADDRESS__
  CHECK(plan.peak_bytes < 30 * 0x1p20);  // the program, and no weights
#endif
}

// A kernel is 25 MiB in double, and an archive with shares of layers has nine of them in memory when it is
// written. What is named counts 6 MiB more for the program and a thread of it than they take here.
TEST_CASE("the smallest budget of an archive is what it takes, and little more") {
  const Measured m;
  io::write_npy(m.folder / "x.npy", normal<float>(600, 4, 1));
  io::write_npy(m.folder / "z.npy", normal<float>(300, 4, 2));
  int file = 0;
  for (const std::string form : {"full", "diagonal", "trace"})
    for (const std::string rest : {"", "--layer-shares ", "--against z.npy "}) {
      const std::string line = "--width 300 --outputs 3 --threads 1 --kernel " + form + " " + rest;
      const std::string out = std::to_string(++file) + ".npz";
      const std::string budget = m.smallest(line + "--out " + out);
      CAPTURE(line);
      CAPTURE(budget);
      const Outcome result = measured_run(
          tool_line("kernel --inputs x.npy --quiet " + line + "--memory " + budget + " --out " + out),
          {.folder = m.folder.path()});
      CHECK(result.code == 0);
#ifndef __SANITIZE_ADDRESS__
      CHECK(result.peak_bytes <= std::stod(budget) * 0x1p20);
      CHECK(result.peak_bytes >= std::stod(budget) * 0x1p20 - 16 * 0x1p20);
#endif
    }
}

}  // namespace cli_memory_budget_test
