#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/classes.hpp>

#include "../support/temp_dir.hpp"

namespace data_classes_test {

using namespace ntape;
using namespace ntape::data;
using ntape::test::contains;
using ntape::test::message_of;

namespace {

const std::vector<int> kLabels{3, 1, 2, 1, 3, 3, 2, 1};

std::string error(const ClassOptions& options, const std::vector<int>& labels = kLabels) {
  return message_of<UserError>([&] { (void)encode_labels<double>(labels, options, "source"); });
}

}  // namespace

TEST_CASE_TEMPLATE("classes: two named classes are -1 and +1", Real, float, double) {
  const auto e = encode_labels<Real>(kLabels, {.examples = 4, .classes = {3, 1}}, "s");
  CHECK(e.rows == std::vector<Index>{0, 1, 3, 4});
  REQUIRE(shape_of(e.targets) == Shape{4, 1});
  const std::vector<Real> expected{-1, 1, 1, -1};
  for (Index i = 0; i < 4; ++i) CHECK(e.targets(i, 0) == expected[i]);
  const auto swapped = encode_labels<Real>(kLabels, {.examples = 4, .classes = {1, 3}}, "s");
  CHECK(swapped.rows == e.rows);
  for (Index i = 0; i < 4; ++i) CHECK(swapped.targets(i, 0) == -expected[i]);
  CHECK(encode_labels<Real>(kLabels, {.classes = {1, 3}}, "s").rows.size() == 6);
}

TEST_CASE_TEMPLATE("classes: the one-hot code is centred", Real, float, double) {
  for (const std::vector<int>& named : std::vector<std::vector<int>>{{}, {1, 2, 3}, {2, 3, 1}}) {
    const auto e = encode_labels<Real>(kLabels, {.classes = named}, "s");
    const std::vector<int> order = named.empty() ? std::vector<int>{1, 2, 3} : named;
    CHECK(e.classes == order);
    REQUIRE(shape_of(e.targets) == Shape{kLabels.size(), 3});
    for (Index i = 0; i < kLabels.size(); ++i) {
      Real sum = 0;
      for (Index c = 0; c < 3; ++c) {
        const Real share = Real(1) / Real(3);
        CHECK(e.targets(i, c) == (order[c] == kLabels[i] ? Real(1) - share : -share));
        sum += e.targets(i, c);
      }
      CHECK(std::abs(sum) < Real(1e-6));
    }
  }
  // Two classes that occur but are not named: still one-hot.
  const std::vector<int> two{5, 4};
  const auto e = encode_labels<Real>(two, {}, "s");
  REQUIRE(shape_of(e.targets) == Shape{2, 2});
  CHECK(e.targets(0, 0) == Real(-0.5));
  CHECK(e.targets(0, 1) == Real(0.5));
}

TEST_CASE("classes: all classes of the source count, also those beyond the examples taken") {
  const auto e = encode_labels<double>(kLabels, {.examples = 2}, "s");
  CHECK(e.rows == std::vector<Index>{0, 1});
  CHECK(shape_of(e.targets) == Shape{2, 3});
}

TEST_CASE("classes: impossible selections") {
  CHECK(error({.classes = {1, 2}}) == "");
  CHECK(contains(error({.classes = {1, 2, 1}}), "class 1 is named twice"));
  CHECK(contains(error({.classes = {2}}), "at least two classes"));
  CHECK(contains(error({}, {4, 4}), "the only class is 4"));
  CHECK(contains(error({}, {}), "at least two classes"));
  CHECK(contains(error({.classes = {1, 9}}), "class 9 has no example; the classes are 1, 2, 3"));
  const std::string few = error({.examples = 6, .classes = {1, 2}});
  CHECK(contains(few, "6 examples of classes 1, 2"));
  CHECK(contains(few, "there are 5"));
  CHECK(contains(few, "'source'"));
  CHECK(error({.examples = 5, .classes = {1, 2}}) == "");
}

TEST_CASE_TEMPLATE("classes: images become rows in [0, 1]", Real, float, double) {
  const LabelledImages images{3, 1, 2, {0, 255, 51, 102, 10, 20}, {4, 6, 5}};
  const auto d = from_labels<Real>(images, {.classes = {4, 5}}, "pictures");
  REQUIRE(shape_of(d.x) == Shape{2, 2});
  CHECK(d.x(0, 0) == Real(0));
  CHECK(d.x(0, 1) == Real(1));
  CHECK(d.x(1, 0) == Real(10) / Real(255));
  CHECK(d.x(1, 1) == Real(20) / Real(255));
  CHECK(d.y(0, 0) == Real(-1));
  CHECK(d.y(1, 0) == Real(1));
  CHECK(d.name == "pictures");
  const LabelledImages broken{3, 1, 2, {0, 255}, {4, 6, 5}};
  CHECK_THROWS_AS((void)from_labels<Real>(broken, {.classes = {4, 5}}), ShapeError);
}

TEST_CASE("classes: a centred one-hot code is told from other targets") {
  const LabelledImages images{3, 1, 1, {0, 1, 2}, {4, 6, 5}};
  Matrix<double> y = from_labels<double>(images, {}, "pictures").y;
  CHECK(is_centred_one_hot(y));
  y(1, 0) += 1e-3;
  CHECK_FALSE(is_centred_one_hot(y));
  CHECK_FALSE(is_centred_one_hot({{2 / 3., 2 / 3., -1 / 3.}}));
  CHECK_FALSE(is_centred_one_hot({{0.}, {0.}}));
}

}  // namespace data_classes_test
