#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npy_stream.hpp>
#include <numeric>
#include <optional>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace io_npy_stream_test {

using namespace ntape;
using namespace ntape::test;

namespace {

const io::Fingerprint kPrint{{"inputs", "1"}, {"weights", "2"}};

// A piece a row of so many numbers.
io::NpyPieces rows_of(Index length) {
  return {3, [length](Index piece, const io::NpyPieces::Stretch& stretch) {
            // In two stretches, as pieces of a kernel are in many.
            stretch(piece * length, 1);
            stretch(piece * length + 1, length - 1);
          }};
}

// An array (3, 4) in three pieces, a row each.
struct Rows {
  TempDir folder;
  std::optional<io::NpyStream> stream;

  io::NpyStream& open(const io::Fingerprint& print = kPrint, std::vector<Index> shape = {3, 4}) {
    stream.reset();
    return stream.emplace(folder / "k.npy", std::move(shape), sizeof(float), rows_of(4), print);
  }
  void row(Index n) {
    std::vector<float> values(4);
    std::iota(values.begin(), values.end(), static_cast<float>(4 * n));
    stream->write<float>(4 * n, values);
    stream->finish(n);
  }
  [[nodiscard]] std::string refusal(const io::Fingerprint& print, std::vector<Index> shape = {3, 4}) {
    return message_of<UserError>([&] { open(print, std::move(shape)); });
  }
};

}  // namespace

TEST_CASE("pieces in any order, over several runs, make the file that one run would have written") {
  Rows rows;
  CHECK(rows.open().pieces_done() == 0);
  rows.row(2);
  CHECK(listing(rows.folder.path()) == "k.npy.partial k.npy.progress");
  CHECK(rows.open().pieces_done() == 1);
  CHECK(rows.stream->done(2));
  CHECK(!rows.stream->done(0));
  rows.row(0);
  CHECK_THROWS_AS(rows.stream->close(), InternalError);
  CHECK(rows.open().pieces_done() == 2);
  rows.row(1);
  rows.stream->close();
  CHECK(listing(rows.folder.path()) == "k.npy");
  std::vector<float> values(12);
  std::iota(values.begin(), values.end(), 0.0F);
  io::write_npy(rows.folder / "once.npy", std::vector<Index>{3, 4}, std::span<const float>(values));
  CHECK(read_text(rows.folder / "k.npy") == read_text(rows.folder / "once.npy"));
  CHECK(contains(rows.refusal(kPrint), "exists already"));
}

TEST_CASE("the largest figures outlast the run that gave them") {
  const TempDir folder;
  const auto open = [&] {
    return io::NpyStream(folder / "k.npy", {3, 4}, sizeof(float), rows_of(4), kPrint, 2);
  };
  {
    io::NpyStream stream = open();
    CHECK(stream.largest(0) == 0);
    stream.keep_largest(0, 1. / 3);
    stream.keep_largest(1, HUGE_VAL);
    stream.finish(1);
  }
  {
    io::NpyStream stream = open();
    CHECK(stream.done(1));
    CHECK(stream.largest(0) == 1. / 3);
    CHECK(stream.largest(1) == HUGE_VAL);
    stream.keep_largest(0, .25);
    CHECK(stream.largest(0) == 1. / 3);
  }
  const std::string notes = read_text(folder / "k.npy.progress");
  write_text(folder / "k.npy.progress", notes.substr(0, notes.size() - 1) + "x");
  CHECK(contains(message_of<UserError>([&] { open(); }), "is damaged"));
  CHECK(contains(message_of<UserError>([&] {
                   io::NpyStream(folder / "k.npy", {3, 4}, sizeof(float), rows_of(4), kPrint);
                 }),
                 "is damaged"));
}

TEST_CASE("an unfinished array of other arguments is refused, saying which") {
  Rows rows;
  rows.open();
  rows.row(1);
  rows.stream.reset();
  const std::string before = read_text(rows.folder / "k.npy.progress");
  CHECK(contains(rows.refusal({{"inputs", "1"}, {"weights", "3"}}), "with other weights; remove it"));
  CHECK(contains(rows.refusal({{"inputs", "7"}, {"weights", "2"}}), "with other inputs; remove it"));
  CHECK(contains(rows.refusal(kPrint, {4, 3}), "with other shape; remove it"));
  CHECK(read_text(rows.folder / "k.npy.progress") == before);
  CHECK(rows.open().pieces_done() == 1);
  CHECK(contains(message_of<UserError>([&] {
                   io::NpyStream(rows.folder / "k.npy", {3, 4}, sizeof(float), rows_of(4), kPrint);
                 }),
                 "is being written by another run"));
}

TEST_CASE("damaged notes, and files that are not ours, are left alone") {
  Rows rows;
  rows.open();
  rows.row(1);
  rows.stream.reset();
  const std::string notes = read_text(rows.folder / "k.npy.progress");
  const std::string values = read_text(rows.folder / "k.npy.partial");
  write_text(rows.folder / "k.npy.progress", notes.substr(0, notes.size() - 1));
  CHECK(contains(rows.refusal(kPrint), "is damaged"));
  write_text(rows.folder / "k.npy.progress", notes.substr(0, notes.size() - 1) + "x");
  CHECK(contains(rows.refusal(kPrint), "is damaged"));
  write_text(rows.folder / "k.npy.progress", notes);
  write_text(rows.folder / "k.npy.partial", "short");
  CHECK(contains(rows.refusal(kPrint),
                 "k.npy.partial' is damaged: it has 5 bytes, and 176 are needed; remove it and '"));
  write_text(rows.folder / "k.npy.partial", values);
  write_text(rows.folder / "k.npy.progress", "garbage\n");
  CHECK(contains(rows.refusal(kPrint), "is not the notes of an unfinished array"));
  const std::string older = "ntape progress 1" + notes.substr(notes.find('\n'));
  write_text(rows.folder / "k.npy.progress", older);
  CHECK(contains(rows.refusal(kPrint), "is of an unfinished array with other version; remove it"));
  write_text(rows.folder / "k.npy.progress", notes);
  // The head of the array, once pieces are noted.
  write_text(rows.folder / "k.npy.partial", "XXXXXXXXXX" + values.substr(10));
  CHECK(contains(rows.refusal(kPrint), "k.npy.partial' is damaged"));
  std::filesystem::remove(rows.folder / "k.npy.progress");
  CHECK(contains(rows.refusal(kPrint), "nothing says what it is"));
  CHECK(listing(rows.folder.path()) == "k.npy.partial");
  // Values that are gone are written again, whatever the notes say.
  std::filesystem::remove(rows.folder / "k.npy.partial");
  write_text(rows.folder / "k.npy.progress", notes);
  CHECK(rows.open().pieces_done() == 0);
}

TEST_CASE("finished pieces that are not what was noted are made again, and no others") {
  Rows rows;
  rows.open();
  rows.row(0);
  rows.row(2);
  CHECK(rows.open().pieces_damaged() == 0);
  rows.stream.reset();
  const std::string values = read_text(rows.folder / "k.npy.partial");
  const std::string notes = read_text(rows.folder / "k.npy.progress");
  std::string damaged = values;
  damaged[128 + 4 * 11] ^= 1;  // the last number
  write_text(rows.folder / "k.npy.partial", damaged);
  CHECK(rows.open().pieces_done() == 1);
  CHECK(rows.stream->pieces_damaged() == 1);
  CHECK(rows.stream->done(0));
  CHECK(!rows.stream->done(2));
  rows.row(1);
  rows.row(2);
  rows.stream->close();
  CHECK(read_text(rows.folder / "k.npy").substr(0, 128 + 16) == values.substr(0, 128 + 16));
  CHECK(read_text(rows.folder / "k.npy").substr(128 + 32) == values.substr(128 + 32));
  // Notes of which only some are on the disk: finished, and no checksum.
  write_text(rows.folder / "other.npy.partial", values);
  std::string torn = notes;
  const auto sums = torn.find("101\n") + 4;
  torn.replace(sums, 8, "00000000");
  write_text(rows.folder / "other.npy.progress", torn);
  const io::NpyStream other(rows.folder / "other.npy", {3, 4}, sizeof(float), rows_of(4), kPrint);
  CHECK(other.pieces_damaged() == 1);
  CHECK(!other.done(0));
  CHECK(other.done(2));
}

TEST_CASE("a head that did not get to the disk before the first piece is written again") {
  Rows rows;
  rows.open();
  rows.stream.reset();
  const std::string values = read_text(rows.folder / "k.npy.partial");
  write_text(rows.folder / "k.npy.partial", std::string(values.size(), '\0'));
  CHECK(rows.open().pieces_done() == 0);
  for (const Index n : {0, 1, 2}) rows.row(n);
  rows.stream->close();
  CHECK(read_text(rows.folder / "k.npy").substr(0, 6) == values.substr(0, 6));
}

TEST_CASE("an array that the disk has no room for is refused at once, with nothing left") {
  const TempDir folder;
  const std::string refusal = message_of<UserError>([&] {
    io::NpyStream(folder / "k.npy", {Index{1} << 30, Index{1} << 26}, sizeof(double), rows_of(4), kPrint);
  });
  CHECK(contains(refusal, "cannot make room for"));
  CHECK(listing(folder.path()).empty());
}

TEST_CASE("what is discarded leaves nothing, and what is outside is not written") {
  Rows rows;
  rows.open();
  const std::vector<float> values(5);
  CHECK_THROWS_AS(rows.stream->write<float>(8, values), ShapeError);
  CHECK_THROWS_AS(rows.stream->write<double>(0, std::vector<double>(1)), ShapeError);
  rows.stream->discard();
  CHECK(listing(rows.folder.path()).empty());
}

}  // namespace io_npy_stream_test
