#include <doctest/doctest.h>

#include <ntape/run/progress.hpp>
#include <sstream>

#include "support/temp_dir.hpp"

namespace run_room_progress_test {

using namespace ntape::test;
using ntape::run::Progress;
using ntape::run::ProgressMode;

namespace {

struct Shown {
  std::ostringstream out;
  double now = 1000;
  std::string take() {
    std::string text = out.str();
    out.str("");
    return text;
  }
};

}  // namespace

TEST_CASE("a bar is rewritten in place, with an estimate from the time spent") {
  Shown shown;
  Progress progress("work", 100, ProgressMode::bar, shown.out, [&] { return shown.now; });
  shown.now += 10;
  progress.advance(25);
  CHECK(shown.take() == "\rwork [#######                       ]  25%  about 30 s left\x1b[K");
  shown.now += 0.05;
  progress.advance(1);
  CHECK(shown.take().empty());  // ten times a second is enough
  shown.now += 229.95;
  progress.advance(24);
  CHECK(shown.take() == "\rwork [###############               ]  50%  about 4 min 00 s left\x1b[K");
  shown.now += 1;
  progress.advance(49);
  CHECK(contains(shown.take(), " 99%  "));  // not 100% before the end
  shown.now += 1;
  progress.finish();
  CHECK(shown.take() == "\rwork [##############################] 100%  done in 4 min 02 s\x1b[K\n");
}

TEST_CASE("lines: one a tenth at most, and the last") {
  Shown shown;
  Progress progress("work", 1000, ProgressMode::lines, shown.out, [&] { return shown.now; });
  std::string all;
  for (int k = 0; k < 1000; ++k) {
    shown.now += 0.05;
    progress.advance();
    all += shown.take();
  }
  CHECK(all.starts_with("work  10%  about 45 s left\nwork  20%  about 40 s left\n"));
  CHECK(std::count(all.begin(), all.end(), '\n') == 9);
  progress.finish();
  CHECK(shown.take() == "work 100%  done in 50 s\n");
  CHECK(all.find_first_of("\r\x1b") == std::string::npos);
}

TEST_CASE("short work has its last line only") {
  Shown shown;
  Progress progress("work", 10, ProgressMode::lines, shown.out, [&] { return shown.now; });
  for (int k = 0; k < 10; ++k) progress.advance();
  CHECK(shown.take().empty());
  progress.finish();
  CHECK(shown.take() == "work 100%  done in 0 s\n");
}

TEST_CASE("quiet prints nothing, and no work is no division by zero") {
  Shown shown;
  {
    Progress quiet("work", 10, ProgressMode::quiet, shown.out);
    quiet.advance(5);
    quiet.finish();
  }
  CHECK(shown.take().empty());
  Progress nothing("work", 0, ProgressMode::lines, shown.out, [&] { return shown.now; });
  nothing.finish();
  CHECK(shown.take() == "work 100%  done in 0 s\n");
}

TEST_CASE("more than the total stays at the end") {
  Shown shown;
  Progress progress("work", 10, ProgressMode::bar, shown.out, [&] { return shown.now; });
  progress.advance(1000);
  CHECK(contains(shown.take(), "[##############################] 100%"));
}

TEST_CASE("work that fails leaves its bar on a line of its own") {
  Shown shown;
  {
    Progress progress("work", 10, ProgressMode::bar, shown.out, [&] { return shown.now; });
    progress.advance(5);
  }
  CHECK(shown.take().ends_with("\x1b[K\n"));
  {
    const Progress unused("work", 10, ProgressMode::bar, shown.out, [&] { return shown.now; });
  }
  CHECK(shown.take().empty());
}

}  // namespace run_room_progress_test
