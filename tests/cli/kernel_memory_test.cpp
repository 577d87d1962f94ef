#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>
#include <thread>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_kernel_memory_test {

// <cblas.h> declares it too, with hundreds of others.
extern "C" char* openblas_get_corename(void);

using namespace ntape;
using namespace ntape::test;

namespace {

struct Workshop {
  TempDir folder;

  Workshop(Index n1, Index n2, Index inputs) {
    io::write_npy(folder / "x.npy", normal<float>(n1, inputs, 1));
    io::write_npy(folder / "z.npy", normal<float>(n2, inputs, 2));
  }
  [[nodiscard]] Outcome ask(const std::string& line,
                            const std::map<std::string, std::string>& with = {}) const {
    return run_command(tool_line(line), {.folder = folder.path(), .environment = with});
  }
  Outcome must(const std::string& line, const std::map<std::string, std::string>& with = {}) const {
    CAPTURE(line);
    Outcome result = ask(line, with);
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    return result;
  }
  [[nodiscard]] std::string refused(const std::string& line) const {
    const Outcome result = ask(line);
    CHECK(result.code == 2);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    return result.err;
  }
  [[nodiscard]] std::string text(const std::string& file) const { return read_text(folder / file); }
};

// More than a second of work.
const std::string kLarge = "kernel --inputs x.npy --width 512 --kernel trace --quiet ";

// Whether the first value of row 1000 of 3000 has been written, which is not 0. All before 768 are then
// finished.
bool is_under_way(const std::filesystem::path& partial) {
  std::ifstream file(partial, std::ios::binary);
  file.seekg(128 + std::streamoff{1000} * 3000 * 8);
  double value = 0;
  return file.read(reinterpret_cast<char*>(&value), sizeof value) && value != 0;
}

// The notes of pieces in a progress file, after its names: a digit a piece.
std::string notes_in(const std::string& progress) {
  const auto end = progress.find("\n\n");
  REQUIRE(end != std::string::npos);
  return progress.substr(end + 2, progress.find('\n', end + 2) - end - 2);
}

}  // namespace

TEST_CASE("a streamed kernel is the one in the archive, in every form and precision") {
  const Workshop w(300, 270, 4);
  for (const std::string form : {"full", "diagonal", "trace"})
    for (const std::string against : {"", "--against z.npy "})
      for (const std::string precision : {"f32", "f64"}) {
        const std::string name = form + precision + (against.empty() ? "" : "z");
        const std::string line = "kernel --inputs x.npy " + against + "--hidden 7,6 --outputs 3 --kernel " +
                                 form + " --activation tanh --quiet --precision " + precision + " --out " +
                                 name;
        w.must(line + ".npz");
        w.must(line + ".npy --save-weights " + name + "w.npz");
        const auto streamed = io::read_npy(w.folder / (name + ".npy"));
        const auto archived = io::NpzReader(w.folder / (name + ".npz")).read("ntk");
        CHECK(streamed.shape == archived.shape);
        const bool same = streamed.values == archived.values;
        CHECK(same);
        CHECK(contains(w.text(name + ".npy").substr(0, 128), precision == "f32" ? "'<f4'" : "'<f8'"));
        CHECK(std::filesystem::exists(w.folder / (name + "w.npz")));
        CHECK(!std::filesystem::exists(w.folder / (name + ".npy.partial")));
        CHECK(!std::filesystem::exists(w.folder / (name + ".npy.progress")));
      }
}

// What a number depends on beside its factors differs from one set of OpenBLAS's kernels to another: all that
// run here are asked. 700 examples of three outputs have wider tiles as a whole than they would have in
// parts.
TEST_CASE("the bits do not depend on the budget, whichever kernels OpenBLAS takes") {
  const Workshop w(700, 1, 4);
  std::vector<std::string> cores{"Prescott"};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx")) cores.emplace_back("Sandybridge");
  if (__builtin_cpu_supports("avx2")) cores.emplace_back("Haswell");
  if (__builtin_cpu_supports("avx512vl")) cores.emplace_back("SkylakeX");
#endif
  for (const std::string& core : cores)
    for (const std::string precision : {"f32", "f64"}) {
      CAPTURE(core);
      const std::string line =
          "kernel --inputs x.npy --hidden 24,17 --outputs 3 --quiet --precision " + precision;
      w.must(line + " --memory 1GiB --out all.npy", {{"OPENBLAS_CORETYPE", core}});
      w.must(line + " --memory 40MiB --out parts.npy", {{"OPENBLAS_CORETYPE", core}});
      const bool same = w.text("all.npy") == w.text("parts.npy");
      CHECK(same);
      for (const char* name : {"all.npy", "parts.npy"}) std::filesystem::remove(w.folder / name);
    }
}

TEST_CASE("a budget that is too small is refused, and the one that is named does") {
  const Workshop w(600, 1, 4);
  for (const std::string name : {"k.npy", "k.npz"}) {
    const std::string line =
        "kernel --inputs x.npy --width 300 --kernel trace --quiet --out " + name + " --memory ";
    const std::string refusal = w.refused(line + "1MiB");
    const auto at = refusal.find("smallest budget that would do is ");
    REQUIRE(at != std::string::npos);
    const std::string rest = refusal.substr(at + std::string("smallest budget that would do is ").size());
    const std::string named = rest.substr(0, rest.find("MiB") + 3);
    CHECK(!std::filesystem::exists(w.folder / name));
    w.must(line + named);
  }
  for (const std::string size : {"2GiBs", "0", "-1", "x", "1e9", "nan", "MiB"})
    CHECK(contains(w.refused("kernel --inputs x.npy --out a.npz --memory=" + size),
                   "a size like 2GiB, 512MiB, 1.5GB or a number of bytes is needed"));
  for (const std::string command : {"kernel", "plan"})
    CHECK(contains(w.refused(command + " --inputs x.npy --out a.npy --layer-shares"), "needs an archive"));
}

// 4 GB of inputs that are not there to be read: a file with a hole.
TEST_CASE("what cannot fit is refused before it is read") {
  const Workshop w(3, 1, 4);
  const std::string head = io::npy_head(std::vector<Index>{1000000, 1000}, sizeof(float));
  write_text(w.folder / "huge.npy", head);
  std::filesystem::resize_file(w.folder / "huge.npy", head.size() + 4000000000U);
  const Matrix<float> one = normal<float>(1, 1000, 3);
  io::write_npy(w.folder / "one.npy", one);
  for (const std::string files : {"--inputs huge.npy", "--inputs one.npy --against huge.npy"}) {
    const std::string line = files + " --width 8 --precision f32 --memory 30MiB --out k.npy";
    const Outcome result = measured_run(tool_line("kernel " + line), {.folder = w.folder.path()});
    CHECK(result.code == 2);
    CHECK(contains(result.err, "does not fit in 30 MiB of memory; the smallest budget that would do is "));
    CHECK(w.ask("plan " + line).err == result.err);
#ifndef __SANITIZE_ADDRESS__  // which doubles what memory takes, and more
    CHECK(result.peak_bytes < 40 * 0x1p20);
#endif
  }
}

TEST_CASE("inputs of a pipe, which cannot be read twice, are read all the same") {
  const Workshop w(5, 1, 4);
  const Outcome piped =
      run_command({"sh", "-c", "cat x.npy | \"$0\" kernel --inputs /dev/stdin --width 4 --quiet --out p.npz",
                   tool({}).front()},
                  {.folder = w.folder.path()});
  CAPTURE(piped.err);
  CHECK(piped.code == 0);
  w.must("kernel --inputs x.npy --width 4 --quiet --out f.npz");
  CHECK(w.text("p.npz") == w.text("f.npz"));
}

TEST_CASE("an interrupted kernel is continued, in another budget, to the same bits") {
  const Workshop w(3000, 1, 64);
  w.must(kLarge + "--out once.npy");
  Child child(tool_line(kLarge + "--out k.npy --memory 64MiB"), {.folder = w.folder.path()});
  for (int tries = 0; tries < 10000 && !is_under_way(w.folder / "k.npy.partial"); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  child.kill(SIGINT);
  const Outcome result = child.wait();
  REQUIRE(result.code == 128 + SIGINT);
  CHECK(result.err ==
        "ntape: interrupted by signal 2; what is finished is kept beside 'k.npy', and the same command "
        "continues "
        "it\n");
  CHECK(listing(w.folder.path()) == "k.npy.partial k.npy.progress once.npy x.npy z.npy");
  const std::string notes = notes_in(w.text("k.npy.progress"));
  CHECK(notes.size() == 78);  // twelve blocks of 256 examples against twelve, one triangle
  CHECK(notes.starts_with("111"));
  CHECK(contains(notes, "0"));
  for (const auto& [other, name] : {std::pair{"--seed 1 ", "weights"},
                                    {"--activation tanh ", "activation"},
                                    {"--against z.npy ", "shape"}})
    CHECK(contains(w.refused(kLarge + other + "--out k.npy"),
                   std::string("with other ") + name + "; remove it"));
#ifdef __x86_64__
  // Other kernels of OpenBLAS give other bits.
  if (std::string(openblas_get_corename()) != "Prescott") {
    const Outcome other = w.ask(kLarge + "--out k.npy", {{"OPENBLAS_CORETYPE", "Prescott"}});
    CHECK(other.code == 2);
    CHECK(contains(other.err, "with other kernels of OpenBLAS; remove it"));
  }
#endif
  {  // 64 bytes that were lost from the first piece, which is finished
    std::fstream partial(w.folder / "k.npy.partial", std::ios::binary | std::ios::in | std::ios::out);
    partial.seekp(128 + 800);
    partial.write(std::string(64, '\0').data(), 64);
  }
  const Outcome rest = w.must("kernel --inputs x.npy --width 512 --kernel trace --memory 1GiB --out k.npy");
  CHECK(contains(rest.err, "continuing: "));
  CHECK(contains(rest.err, "warning: 'k.npy.partial' was damaged in 1 piece, which is made again\n"));
  const bool same = w.text("k.npy") == w.text("once.npy");
  CHECK(same);
  CHECK(listing(w.folder.path()) == "k.npy once.npy x.npy z.npy");
}

TEST_CASE("a kernel that overflows leaves nothing") {
  const Workshop w(4, 4, 4);
  io::write_npy(w.folder / "huge.npy", Matrix<double>(1e30 * normal<double>(5, 4, 1)));
  CHECK(contains(w.refused("kernel --inputs huge.npy --width 4 --precision f32 --out k.npy"), "overflowed"));
  CHECK(listing(w.folder.path()) == "huge.npy x.npy z.npy");
}

TEST_CASE("a plan is printed without work, from files or from sizes, and is the one that kernel follows") {
  const Workshop w(600, 300, 4);
  const std::string options =
      "--inputs x.npy --width 300 --precision f32 --memory 40MB --threads 1 --out k.npy";
  const std::string plan = w.must("plan " + options).out;
  CHECK(contains(plan, "600 x 600 examples"));
  CHECK(listing(w.folder.path()) == "x.npy z.npy");
  CHECK(
      w.must("plan --examples 600 --dimension 4 --width 300 --precision f32 --memory 40MB --threads 1").out ==
      plan);
  CHECK(w.must("kernel --explain --quiet " + options).out == plan);
  const auto facts = nlohmann::json::parse(
      w.must("plan --examples 60000 --dimension 784 --width 1024 --memory 2GiB --precision f32 --json").out);
  CHECK(facts["bytes"]["peak"].get<double>() <= 0x1p31);
  CHECK(facts["panel"].get<Index>() % 256 == 0);
  CHECK(facts["flops"].size() == 4);
  // A stated budget: the default one is a part of what is free at the moment.
  const std::string rest = " --width 8 --memory 1GiB --json";
  CHECK(w.must("plan --inputs x.npy --against z.npy" + rest).out ==
        w.must("plan --examples 600 --against-examples 300 --dimension 4" + rest).out);
  // Shares of layers go to an archive, and that is what is planned when no file is named.
  CHECK(w.must("plan --inputs x.npy --layer-shares" + rest).out ==
        w.must("plan --inputs x.npy --layer-shares --out k.npz" + rest).out);
  CHECK(contains(w.refused("plan --width 5"), "--examples and --dimension"));
  // What kernel refuses, in the same words.
  io::write_npy(w.folder / "wide.npy", normal<double>(5, 7, 3));
  w.must("kernel --inputs x.npy --width 8 --depth 2 --out k.npz --save-weights w.npz");
  for (const std::string mistake :
       {"--inputs x.npy --against wide.npy", "--inputs wide.npy --weights w.npz"}) {
    CAPTURE(mistake);
    const std::string refusal = w.refused("plan " + mistake);
    CHECK(refusal == w.refused("kernel --out new.npz " + mistake));
    CHECK(contains(refusal, "'wide.npy' is 5 x 7, and 4 columns are needed, as the "));
  }
  CHECK(contains(w.refused("plan --examples 5 --dimension 7 --weights w.npz"), "--dimension is 7"));
}

}  // namespace cli_kernel_memory_test
