#include <doctest/doctest.h>

#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/dataset.hpp>

#include "../support/temp_dir.hpp"

namespace data_dataset_test {

using namespace ntape;
using namespace ntape::data;
using ntape::test::contains;
using ntape::test::message_of;

namespace {

Dataset<double> sample() {
  Dataset<double> d{make_matrix<double>(4, 8), make_matrix<double>(4, 1), "sample", "a sample"};
  for (Index i = 0; i < d.x.size(); ++i) d.x.data()[i] = 0.25 * static_cast<double>(i);
  for (Index i = 0; i < d.y.size(); ++i) d.y.data()[i] = -static_cast<double>(i);
  return d;
}

}  // namespace

TEST_CASE("dataset: the checksum is FNV-1a over shapes and values") {
  // Shapes 0 x 0 twice: 32 zero bytes. Multiplying by the prime 32 times from the offset basis.
  const Dataset<double> empty{make_matrix<double>(0, 0), make_matrix<double>(0, 0), "", ""};
  unsigned long long hash = 14695981039346656037ULL;
  for (int i = 0; i < 32; ++i) hash *= 1099511628211ULL;
  CHECK(checksum(empty).substr(0, 8) == "fnv1a64:");
  CHECK(checksum(empty).size() == 8 + 16);
  CHECK(std::stoull(checksum(empty).substr(8), nullptr, 16) == hash);
}

TEST_CASE("dataset: the checksum sees every value and the shape, and not the name") {
  const Dataset<double> d = sample();
  Dataset<double> named = d;
  named.name = "other";
  CHECK(checksum(named) == checksum(d));
  CHECK(checksum(cast<float>(d)) == checksum(d));  // these values are exact in float
  for (Index i = 0; i < d.x.size(); ++i) {
    Dataset<double> changed = d;
    changed.x.data()[i] += 1e-12;
    CHECK(checksum(changed) != checksum(d));
  }
  Dataset<double> target = d;
  target.y(3, 0) = 3.0;
  CHECK(checksum(target) != checksum(d));
  Dataset<double> reshaped = d;
  reshaped.x.reshape({8, 4});
  CHECK(checksum(reshaped) != checksum(d));
}

TEST_CASE("dataset: the first number that is not finite is named") {
  Dataset<double> d = sample();
  CHECK_NOTHROW(validate(d));
  d.y(2, 0) = -std::numeric_limits<double>::infinity();
  CHECK(contains(message_of<UserError>([&] { check_finite(d); }),
                 "targets row 2, column 0 (counted from 0) is -inf"));
  d.x(3, 7) = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(message_of<UserError>([&] { validate(d); }),
                 "inputs row 3, column 7 (counted from 0) is nan"));
}

TEST_CASE("dataset: shapes that are no dataset are refused") {
  Dataset<double> d = sample();
  d.y = zeros<double>(3, 1);
  const std::string counts = message_of<UserError>([&] { validate(d); });
  CHECK(contains(counts, "4 inputs and 3 targets"));
  d = {zeros<double>(0, 2), zeros<double>(0, 1), "none", ""};
  CHECK(contains(message_of<UserError>([&] { validate(d); }), "at least one example"));
  d = {zeros<double>(2, 2), zeros<double>(2, 0), "none", ""};
  CHECK_THROWS_AS(validate(d), UserError);
}

TEST_CASE("dataset: cast rounds, keeps the names and refuses overflow") {
  Dataset<double> d = sample();
  d.x(0, 0) = 0.1;
  const Dataset<float> f = cast<float>(d);
  CHECK(f.x(0, 0) == 0.1F);
  CHECK(f.y(3, 0) == -3.0F);
  CHECK(f.name == "sample");
  CHECK(f.description == "a sample");
  CHECK(cast<double>(f).x(0, 0) == static_cast<double>(0.1F));
  d.x(1, 1) = 1e300;
  CHECK(contains(message_of<UserError>([&] { (void)cast<float>(d); }),
                 "row 1, column 1 (counted from 0) is inf"));
}

}  // namespace data_dataset_test
