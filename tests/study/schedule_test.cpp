#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/study/schedule.hpp>

#include "support/temp_dir.hpp"

namespace study_schedule_test {

using namespace ntape;
using namespace ntape::test;
using study::tracked_steps;
using Steps = std::vector<Index>;

TEST_CASE("the three forms") {
  CHECK(tracked_steps("log:4", 1000) == Steps{0, 1, 10, 100, 1000});
  CHECK(tracked_steps("log:1", 1000) == Steps{0, 1000});
  CHECK(tracked_steps("log:12", 3) == Steps{0, 1, 2, 3});
  CHECK(tracked_steps("every:4", 10) == Steps{0, 4, 8, 10});
  CHECK(tracked_steps("every:99", 10) == Steps{0, 10});
  CHECK(tracked_steps("7,3,3", 10) == Steps{0, 3, 7, 10});
  CHECK(tracked_steps("0", 10) == Steps{0, 10});
}

TEST_CASE("no training has its start") {
  for (const char* spec : {"log:12", "every:3", "0"}) CHECK(tracked_steps(spec, 0) == Steps{0});
}

TEST_CASE("always ascending, from 0 to the last step, and never more than asked for") {
  for (const Index last : {1, 2, 10, 200, 4000})
    for (const Index count : {1, 2, 5, 30}) {
      const Steps steps = tracked_steps("log:" + std::to_string(count), last);
      CHECK(steps.front() == 0);
      CHECK(steps.back() == last);
      CHECK(std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end());
      CHECK(steps.size() <= count + 1);
    }
}

TEST_CASE("numbers far beyond the steps are all steps, at once") {
  const std::string huge = "18446744073709551615";
  CHECK(tracked_steps("log:" + huge, 5) == Steps{0, 1, 2, 3, 4, 5});
  CHECK(tracked_steps("every:" + huge, 5) == Steps{0, 5});
  // At the bound where the points are no longer computed one by one, nothing changes.
  CHECK(tracked_steps("log:" + std::to_string(64 * 201), 200) ==
        tracked_steps("log:" + std::to_string(64 * 201 - 1), 200));
}

TEST_CASE("what is not understood is refused with the forms") {
  for (const char* spec : {"", "often", "log", "log:", "log:0", "log:-3", "log:3x", "log: 3", "every:0",
                           "every:", "1,,2", "1,", ",1", "1;2", "-1", "1.5", "99999999999999999999999"}) {
    CAPTURE(spec);
    CHECK(contains(message_of<UserError>([&] { (void)tracked_steps(spec, 10); }),
                   "log:N, every:K or a list of steps like 0,10,100"));
  }
  CHECK(contains(message_of<UserError>([] { (void)tracked_steps("3,11", 10); }), "step 11"));
  CHECK(contains(message_of<UserError>([] { (void)tracked_steps("every:1", 1'000'000); }), "1000001 steps"));
  CHECK(contains(message_of<UserError>([] { (void)tracked_steps("log:9999999", 10'000'000); }),
                 "9999999 steps"));
}

}  // namespace study_schedule_test
