#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/io/npy.hpp>
#include <ntape/io/npz.hpp>

#include "support/command.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace cli_data_errors_test {

using namespace ntape;
using namespace ntape::test;

namespace {

// A folder with good and bad files of every kind.
struct Files {
  TempDir folder;
  std::string before;

  Files() {
    const auto at = [&](const char* name) { return folder / name; };
    const Matrix<double> x = normal<double>(6, 3, 1), y = normal<double>(6, 1, 2);
    io::write_npy(at("x.npy"), x);
    io::write_npy(at("y.npy"), y);
    io::write_npy(at("y5.npy"), normal<double>(5, 1, 2));
    Matrix<double> bad = x;
    bad(4, 2) = std::nan("");
    io::write_npy(at("nan.npy"), bad);
    bad(4, 2) = -std::numeric_limits<double>::infinity();
    io::write_npy(at("inf.npy"), bad);
    io::write_npy<double>(at("cube.npy"), std::vector<Index>{2, 3, 1}, std::vector<double>(6));
    io::write_npy<double>(at("empty.npy"), std::vector<Index>{0, 3}, std::vector<double>());
    write_text(at("cut.npy"), read_text(at("x.npy")).substr(0, 150));
    write_text(at("junk.npy"), "this is no array");
    io::NpzWriter npz(at("good.npz"));
    npz.add("x", x);
    npz.add("y", y);
    npz.close();
    write_text(at("cut.npz"), read_text(at("good.npz")).substr(0, 300));
    io::NpzWriter lacking(at("lacking.npz"));
    lacking.add("x", x);
    lacking.close();
    std::string damaged = read_text(at("good.npz"));
    damaged[150] = static_cast<char>(damaged[150] ^ 1);  // inside the values of x: the checksum notices
    write_text(at("damaged.npz"), damaged);
    write_text(at("ragged.csv"), "1,2,3\n4,5\n");
    write_text(at("word.csv"), "a,b,c\n1,2,3\n4,five,6\n");
    write_text(at("nan.csv"), "1,2,3\n4,nan,6\n");
    write_text(at("heading.csv"), "a,b,c\n");
    const std::string images("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02zzzz", 20);
    const std::string labels("\0\0\x08\x01\0\0\0\x02\0\x01", 10);
    write_text(at("images"), images);
    write_text(at("labels"), labels);
    write_text(at("images-cut"), images.substr(0, 18));
    write_text(at("labels-3"), std::string("\0\0\x08\x01\0\0\0\x03\0\x01\0", 11));
    before = listing(folder.path());
  }

  void refuses(const std::string& line, const std::vector<std::string>& named) const {
    CAPTURE(line);
    const Outcome result = run_command(tool_line(line), {.folder = folder.path()});
    CAPTURE(result.err);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("ntape: "));
    CHECK(result.err.find('\n') == result.err.size() - 1);
    for (const std::string& part : named) CHECK(contains(result.err, part));
    CHECK(listing(folder.path()) == before);
  }
};

}  // namespace

TEST_CASE("drift refuses data files that are not what they should be") {
  const Files files;
  const auto npy = [](const std::string& x, const std::string& y) {
    return "drift --inputs " + x + " --targets " + y + " --out run";
  };
  files.refuses(npy("none.npy", "y.npy"), {"none.npy", "No such file"});
  files.refuses(npy("cut.npy", "y.npy"), {"cut.npy", "truncated", "(6, 3)"});
  files.refuses(npy("junk.npy", "y.npy"), {"junk.npy", "magic"});
  files.refuses(npy("cube.npy", "y.npy"), {"cube.npy", "(2, 3, 1)", "rank 2"});
  files.refuses(npy("empty.npy", "y.npy"), {"empty.npy", "0 inputs"});
  files.refuses(npy("x.npy", "y5.npy"), {"6 inputs", "5 targets"});
  files.refuses(npy("nan.npy", "y.npy"), {"row 4, column 2", "nan"});
  files.refuses(npy("inf.npy", "y.npy"), {"row 4, column 2", "-inf"});
  files.refuses("drift --data none.npz", {"none.npz"});
  files.refuses("drift --data cut.npz", {"cut.npz"});
  files.refuses("drift --data damaged.npz", {"damaged.npz", "CRC"});
  files.refuses("drift --data lacking.npz", {"lacking.npz", "'y'", "x"});
  files.refuses("drift --data good.npz --examples 7", {"7 examples", "6"});
  files.refuses("drift --data good.npz --classes 0,1", {"integer labels"});
  files.refuses("drift --data none.csv", {"none.csv", "No such file"});
  files.refuses("drift --data ragged.csv", {"line 2", "2 columns", "3"});
  files.refuses("drift --data word.csv", {"line 3, column 2", "'five'"});
  files.refuses("drift --data nan.csv", {"line 2, column 2", "'nan'"});
  files.refuses("drift --data heading.csv", {"no example"});
  files.refuses("drift --data idx:images", {"idx:IMAGES,LABELS"});
  files.refuses("drift --data idx:none,labels", {"none"});
  files.refuses("drift --data idx:images-cut,labels", {"images-cut", "truncated"});
  files.refuses("drift --data idx:images,labels-3", {"2 images", "3 labels"});
  files.refuses("drift --data idx:labels,images", {"magic"});
  files.refuses("drift --data idx:images,labels --classes 0,7", {"class 7", "0, 1"});
  files.refuses("drift --data idx:images,labels --classes 1,1", {"class 1", "twice"});
}

TEST_CASE("kernel and limit refuse inputs that are not what they should be") {
  const Files files;
  for (const std::string command : {"kernel", "limit"}) {
    const auto line = [&](const std::string& rest) { return command + " --out K.npz --inputs " + rest; };
    files.refuses(line("none.npy"), {"none.npy", "No such file"});
    files.refuses(line("cut.npy"), {"cut.npy", "truncated"});
    files.refuses(line("cube.npy"), {"cube.npy", "(2, 3, 1)", "rank 2"});
    files.refuses(line("empty.npy"), {"empty.npy", "0 x 3", "at least one row"});
    files.refuses(line("nan.npy"), {"nan.npy", "row 4, column 2", "nan"});
    files.refuses(line("x.npy --against inf.npy"), {"inf.npy", "row 4, column 2", "-inf"});
    files.refuses(line("x.npy --against y.npy"), {"6 x 1", "3 columns"});
    files.refuses(line("x.npy --activation rellu"), {"'rellu'", "identity, relu, leaky_relu(0.1), abs"});
    files.refuses(line("x.npy --depth 0"), {"--depth", "'0'"});
    files.refuses(line("x.npy --weight-scale 1e200"), {"overflowed"});
    files.refuses(command + " --inputs x.npy --out x.npy", {"'x.npy'", "exists"});
    files.refuses(command + " --inputs x.npy --out no/K.npz", {"no/K.npz", "directory"});
    files.refuses(command + " --inputs x.npy --out x.npy/K.npz", {"x.npy/K.npz", "directory"});
    files.refuses(line("x.npy --depth 10000000000000000000"), {"memory"});
  }
}

TEST_CASE("kernel refuses options and weights that do not fit") {
  const Files files;
  const auto at = [&](const char* name) { return files.folder / name; };
  const auto weights = [&](const char* name,
                           const std::vector<std::pair<std::string, Matrix<double>>>& arrays) {
    io::NpzWriter file(at(name));
    for (const auto& [key, value] : arrays)
      if (key.starts_with('b'))
        file.add<double>(key, {value.size()}, {value.data(), value.size()});
      else
        file.add(key, value);
    file.close();
  };
  const auto w0 = normal<double>(4, 3, 1), b0 = normal<double>(1, 4, 2), w1 = normal<double>(2, 4, 3),
             b1 = normal<double>(1, 2, 4);
  weights("no-w0.npz", {{"W1", w1}, {"b1", b1}});
  weights("no-b1.npz", {{"W0", w0}, {"b0", b0}, {"W1", w1}});
  weights("wrong-b0.npz", {{"W0", w0}, {"b0", b1}});
  weights("wrong-w1.npz", {{"W0", w0}, {"b0", b0}, {"W1", normal<double>(2, 5, 3)}, {"b1", b1}});
  weights("other-n0.npz", {{"W0", normal<double>(4, 2, 1)}, {"b0", b0}});
  weights("gap.npz", {{"W0", w0}, {"b0", b0}, {"W2", w1}, {"b2", b1}});
  auto holed = w0;
  holed(1, 2) = std::nan("");
  weights("nan.npz", {{"W0", holed}, {"b0", b0}});
  holed(1, 2) = 1e300;
  weights("large.npz", {{"W0", holed}, {"b0", b0}});
  auto endless = b0;
  endless(0, 3) = -std::numeric_limits<double>::infinity();
  weights("inf-b0.npz", {{"W0", w0}, {"b0", endless}});
  io::write_npy(at("wide.npy"), normal<double>(2, 5, 1));
  Files fresh;  // its own listing: the weights below belong to it
  for (const char* name : {"no-w0.npz", "no-b1.npz", "wrong-b0.npz", "wrong-w1.npz", "other-n0.npz",
                           "gap.npz", "nan.npz", "large.npz", "inf-b0.npz", "wide.npy"})
    std::filesystem::copy(at(name), fresh.folder / name);
  fresh.before = listing(fresh.folder.path());

  const auto line = [](const std::string& rest) { return "kernel --inputs x.npy --out K.npz " + rest; };
  fresh.refuses(line("--weights none.npz"), {"none.npz"});
  fresh.refuses(line("--weights no-w0.npz"), {"no-w0.npz", "W0"});
  fresh.refuses(line("--weights no-b1.npz"), {"no-b1.npz", "'b1'"});
  fresh.refuses(line("--weights wrong-b0.npz"), {"b0", "2 entries", "4 x 3", "needs 4"});
  fresh.refuses(line("--weights wrong-w1.npz"), {"W1", "2 x 5", "4 columns"});
  fresh.refuses(line("--weights other-n0.npz"), {"'x.npy' is 6 x 3", "'other-n0.npz'", "2 columns"});
  fresh.refuses(line("--against wide.npy"), {"'wide.npy' is 2 x 5", "'x.npy'", "3 columns"});
  fresh.refuses(line("--weights gap.npz"), {"'W2' beside W0, b0, ", "follow each other", "W1, b1"});
  fresh.refuses(line("--weights nan.npz"), {"nan.npz:W0'", "row 1, column 2 (counted from 0) is nan\n"});
  fresh.refuses(line("--weights inf-b0.npz"),
                {"inf-b0.npz:b0'", "row 0, column 3 (counted from 0) is -inf\n"});
  fresh.refuses(line("--precision f32 --weights large.npz"),
                {"large.npz:W0'", "row 1, column 2", "1e+300", "out of the range of f32"});
  fresh.refuses(line("--weights good.npz --width 8"), {"--weights", "--width"});
  fresh.refuses(line("--width 8,16"), {"--width"});
  fresh.refuses(line("--hidden 8,0"), {"--hidden", "'0'"});
  fresh.refuses(line("--outputs 0"), {"--outputs", "'0'"});
  fresh.refuses(line("--kernel half"), {"half", "full", "diagonal", "trace"});
  fresh.refuses(line("--width 10000000000"), {"width 10000000000", "memory"});
  fresh.refuses(line("--save-weights ./K.npz"), {"same file"});
  fresh.refuses(line("--save-weights x.npy"), {"x.npy", "exists", "--save-weights"});
  // What the kernel is written to until it is finished.
  for (const std::string used : {"K.npy.partial", "./K.npy.progress"})
    fresh.refuses("kernel --inputs x.npy --width 4 --out K.npy --save-weights " + used,
                  {"--save-weights", "'" + used + "'", "--out 'K.npy'", "another file"});
  for (const std::string command : {"kernel", "plan"})
    fresh.refuses(command + " --inputs x.npy --out K.NPY", {"--out is 'K.NPY'", ".npz", ".npy"});
  // plan refuses weights in the same words.
  fresh.refuses("plan --inputs x.npy --weights wrong-w1.npz", {"W1", "2 x 5", "4 columns"});
  fresh.refuses("plan --inputs x.npy --weights nan.npz", {"nan.npz:W0'", "row 1, column 2"});
  fresh.refuses("plan --inputs x.npy --precision f32 --weights large.npz", {"1e+300", "range of f32"});
}

}  // namespace cli_data_errors_test
