#include <doctest/doctest.h>

#include <atomic>
#include <ntape/base/errors.hpp>
#include <ntape/run/run_directory.hpp>
#include <thread>

#include "support/command.hpp"
#include "support/temp_dir.hpp"

namespace run_room_run_directory_test {

using namespace ntape;
using namespace ntape::test;
using run::RunDirectory;

TEST_CASE("a run directory appears on commit only, with all its files") {
  const TempDir folder;
  {
    RunDirectory directory(folder / "a/b/run");
    directory.write_text("x.txt", "one");
    directory.write_text("deep/er/y.txt", "two");
    write_text(directory.file("figures/z"), "three");
    CHECK(!std::filesystem::exists(folder / "a/b/run"));
    CHECK(directory.commit());
    CHECK(directory.final_path() == folder / "a/b/run");
  }
  CHECK(listing(folder / "a/b") == "run");
  CHECK(listing(folder / "a/b/run") == "deep figures x.txt");
  CHECK(read_text(folder / "a/b/run/x.txt") == "one");
  CHECK(read_text(folder / "a/b/run/deep/er/y.txt") == "two");
  CHECK(read_text(folder / "a/b/run/figures/z") == "three");
}

TEST_CASE("without a commit nothing is left, but what others have put into the parents") {
  const TempDir folder;
  {
    RunDirectory directory(folder / "a/b/run");
    directory.write_text("x.txt", "one");
  }
  CHECK(listing(folder.path()).empty());
  {
    const RunDirectory directory(folder / "a/b/run");
    write_text(folder / "a/other", "");
  }
  CHECK(listing(folder.path()) == "a");
  CHECK(listing(folder / "a") == "other");
  std::filesystem::create_directory(folder / "empty");
  { const RunDirectory directory(folder / "empty/run"); }
  CHECK(listing(folder.path()) == "a empty");
}

TEST_CASE("nothing is overwritten, not even what comes to exist meanwhile") {
  const TempDir folder;
  write_text(folder / "file", "mine");
  std::filesystem::create_directory(folder / "dir");
  std::filesystem::create_symlink("nowhere", folder / "link");
  for (const char* name : {"file", "dir", "dir/", "link"}) {
    CAPTURE(name);
    CHECK(contains(message_of<UserError>([&] { RunDirectory(folder / name); }), "exists already"));
  }
  {
    RunDirectory late(folder / "late");
    late.write_text("x", "ours");
    std::filesystem::create_directory(folder / "late");  // empty: a plain rename would replace it
    CHECK(!late.commit());
    CHECK(late.final_path() == folder / "late-2");
  }
  CHECK(listing(folder.path()) == "dir file late late-2 link");
  CHECK(listing(folder / "late").empty());
  CHECK(read_text(folder / "late-2/x") == "ours");
  CHECK(read_text(folder / "file") == "mine");
}

TEST_CASE("impossible places are refused with their name") {
  const TempDir folder;
  write_text(folder / "file", "");
  CHECK(contains(message_of<UserError>([] { RunDirectory(""); }), "empty name"));
  for (const std::string name : {"file/run", "file/deep/run"})
    CHECK(contains(message_of<UserError>([&] { RunDirectory(folder / name); }), name));
  CHECK(listing(folder.path()) == "file");
}

TEST_CASE("runs of one name go on beside each other; the first to commit has it, the others a number") {
  const TempDir folder;
  {
    RunDirectory one(folder / "run"), two(folder / "run"), three(folder / "run");
    one.write_text("x", "one");
    two.write_text("x", "two");
    three.write_text("x", "three");
    CHECK(two.commit());
    CHECK(!one.commit());
    CHECK(!three.commit());
    CHECK(three.final_path() == folder / "run-3");
  }
  CHECK(listing(folder.path()) == "run run-2 run-3");
  CHECK(read_text(folder / "run/x") == "two");
  CHECK(read_text(folder / "run-2/x") == "one");
  CHECK(read_text(folder / "run-3/x") == "three");
}

TEST_CASE("a name that nobody chose may be taken from the start") {
  const TempDir folder;
  std::filesystem::create_directory(folder / "run");
  RunDirectory directory(folder / "run", RunDirectory::Taken::number);
  CHECK(!directory.commit());
  CHECK(listing(folder.path()) == "run run-2");
}

TEST_CASE("dots in a path make no directories, and names may be as long as names can be") {
  const TempDir folder;
  { CHECK(RunDirectory(folder / "o/x/.././y/.").commit()); }
  CHECK(listing(folder.path()) == "o");
  CHECK(listing(folder / "o") == "y");
  const std::string longest(255, 'n');
  {
    RunDirectory directory(folder / longest);
    CHECK(directory.commit());
  }
  CHECK(std::filesystem::is_directory(folder / longest));
  // Taken, it has no longer name to go to: nothing is left but the message.
  {
    RunDirectory directory(folder / longest, RunDirectory::Taken::number);
    CHECK(contains(message_of<UserError>([&] { (void)directory.commit(); }), "name"));
  }
  CHECK(listing(folder.path()) == longest + " o");
}

TEST_CASE("an abandoned directory is gone, and whoever writes to it waits") {
  const TempDir folder;
  RunDirectory directory(folder / "a/run");
  directory.write_text("x", "one");
  auto lock = directory.abandon();
  CHECK(listing(folder.path()).empty());
  std::atomic<bool> wrote = false;
  std::thread writer([&] {
    directory.write_text("y", "two");
    wrote = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(!wrote);
  CHECK(listing(folder.path()).empty());
  lock.unlock();  // the program would end here instead
  writer.join();
}

TEST_CASE("a finished directory survives being abandoned") {
  const TempDir folder;
  RunDirectory directory(folder / "a/run");
  directory.write_text("x", "one");
  CHECK(directory.commit());
  (void)directory.abandon();
  CHECK(listing(folder / "a/run") == "x");
  CHECK_THROWS_AS((void)directory.commit(), InternalError);
}

}  // namespace run_room_run_directory_test
