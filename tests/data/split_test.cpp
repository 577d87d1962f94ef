#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/data/split.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace data_split_test {

using namespace ntape;
using namespace ntape::test;

TEST_CASE("held-out examples follow those of training, which are what they are without them") {
  const TempDir folder;
  const std::string file = (folder / "d.csv").string();
  write_text(file, "1,2,3\n4,5,6\n7,8,9\n10,11,12\n13,14,15\n");
  for (const data::SourceOptions& options : {data::SourceOptions{},
                                             {.spec = "sphere:3", .examples = 5, .seed = Seed{4}},
                                             {.spec = file, .examples = 2}}) {
    CAPTURE(options.spec);
    const auto split = data::load_split(options, 3);
    const auto alone = data::load(options);
    CHECK(data::checksum(split.train) == data::checksum(alone));
    CHECK(split.train.description == alone.description);
    data::SourceOptions more = options;
    more.examples = alone.x.shape(0) + 3;
    const auto all = data::load(more);
    REQUIRE(shape_of(split.test.x) == Shape{3, alone.x.shape(1)});
    REQUIRE(shape_of(split.test.y) == Shape{3, 1});
    for (Index i = 0; i < 3; ++i) {
      for (Index j = 0; j < all.x.shape(1); ++j) CHECK(split.test.x(i, j) == all.x(alone.x.shape(0) + i, j));
      CHECK(split.test.y(i, 0) == all.y(alone.x.shape(0) + i, 0));
    }
  }
  // All of a file: the last ones are held out.
  const auto split = data::load_split({.spec = file}, 2);
  CHECK(split.train.x.shape(0) == 3);
  CHECK(split.test.x(0, 0) == 10);
  CHECK(split.test.y(1, 0) == 15);
}

TEST_CASE("what cannot be held out is refused") {
  const TempDir folder;
  const std::string file = (folder / "d.csv").string();
  write_text(file, "1,2,3\n4,5,6\n");
  const auto refusal = [](const data::SourceOptions& options, Index count) {
    return message_of<UserError>([&] { (void)data::load_split(options, count); });
  };
  CHECK(contains(refusal({}, 0), "at least 1"));
  CHECK(contains(refusal({.spec = "circle"}, 4), "circle"));
  CHECK(contains(refusal({.spec = file}, 2), "none is left for training"));
  CHECK(!refusal({.spec = file, .examples = 1}, 2).empty());
}

}  // namespace data_split_test
