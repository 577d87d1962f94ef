#include <doctest/doctest.h>

#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/data/files.hpp>
#include <ntape/io/npz.hpp>

#include "../support/temp_dir.hpp"

namespace data_files_test {

using namespace ntape;
using namespace ntape::data;
using ntape::test::contains;
using ntape::test::message_of;
using ntape::test::TempDir;
using ntape::test::write_text;

namespace {

using Values = std::vector<double>;
using Extents = std::vector<Index>;

Values values_of(const Matrix<double>& m) {
  return {m.data(), m.data() + m.size()};
}

struct Files {
  TempDir dir;

  Dataset<double> npz(const Extents& xs, const Values& x, const Extents& ys, const Values& y,
                      const ClassOptions& options = {}) const {
    io::NpzWriter writer(dir / "d.npz");
    writer.add<double>("x", xs, x);
    writer.add<double>("y", ys, y);
    writer.close();
    return from_npz(dir / "d.npz", options);
  }
  Dataset<double> csv(const std::string& text, const ClassOptions& options = {}) const {
    write_text(dir / "d.csv", text);
    return from_csv(dir / "d.csv", options);
  }
  std::string csv_error(const std::string& text, const ClassOptions& options = {}) const {
    return message_of<UserError>([&] { (void)csv(text, options); });
  }
};

}  // namespace

TEST_CASE("npz data: targets of rank 1 and 2, first examples") {
  const Files files;
  const auto column = files.npz({3, 2}, {1, 2, 3, 4, 5, 6}, {3}, {7, 8, 9});
  CHECK(shape_of(column.x) == Shape{3, 2});
  CHECK(values_of(column.x) == Values{1, 2, 3, 4, 5, 6});
  CHECK(shape_of(column.y) == Shape{3, 1});
  CHECK(values_of(column.y) == Values{7, 8, 9});
  const auto wide = files.npz({3, 1}, {1, 2, 3}, {3, 2}, {1, 2, 3, 4, 5, 6}, {.examples = 2});
  CHECK(values_of(wide.x) == Values{1, 2});
  CHECK(shape_of(wide.y) == Shape{2, 2});
  CHECK(values_of(wide.y) == Values{1, 2, 3, 4});
}

TEST_CASE("npz data: classes select and encode labels") {
  const Files files;
  const auto d = files.npz({4, 1}, {10, 11, 12, 13}, {4}, {2, 0, 1, 0}, {.examples = 0, .classes = {0, 2}});
  CHECK(values_of(d.x) == Values{10, 11, 13});
  CHECK(values_of(d.y) == Values{1, -1, -1});
  const auto labels = [&](const Extents& shape, const Values& y) {
    return message_of<UserError>([&] { (void)files.npz({2, 1}, {1, 2}, shape, y, {.classes = {0, 1}}); });
  };
  CHECK(labels({2, 1}, {0, 1}) == "");
  CHECK(contains(labels({2}, {0, 0.5}), "row 1"));
  CHECK(contains(labels({2}, {0, 1e300}), "integer labels"));
  CHECK(contains(labels({2, 2}, {0, 1, 0, 1}), "one column"));
  CHECK(contains(labels({2}, {0, 0}), "class 1 has no example"));
}

TEST_CASE("npz data: errors") {
  const Files files;
  const auto error = [&](const Extents& xs, const Values& x, const Extents& ys, const Values& y,
                         Index n = 0) {
    return message_of<UserError>([&] { (void)files.npz(xs, x, ys, y, {.examples = n}); });
  };
  CHECK(error({2, 1}, {1, 2}, {2}, {1, 2}, 2) == "");
  CHECK(contains(error({2, 1}, {1, 2}, {2}, {1, 2}, 3), "3 examples are asked for, and there are 2"));
  CHECK(contains(error({2}, {1, 2}, {2}, {1, 2}), "d.npz:x' has shape (2,)"));
  CHECK(contains(error({2, 1}, {1, 2}, {2, 1, 1}, {1, 2}), "d.npz:y' has shape (2, 1, 1)"));
  CHECK(contains(error({2, 1}, {1, 2}, {3}, {1, 2, 3}), "2 inputs and 3 targets"));
  CHECK(contains(error({0, 1}, {}, {0}, {}), "at least one example"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(error({2, 1}, {1, nan}, {2}, {1, 2}), "inputs row 1, column 0 (counted from 0) is nan"));
  io::NpzWriter writer(files.dir / "no_y.npz");
  writer.add<double>("x", {1, 1}, Values{1});
  writer.close();
  CHECK(contains(message_of<UserError>([&] { (void)from_npz(files.dir / "no_y.npz"); }), "no array 'y'"));
}

TEST_CASE("npy data") {
  const TempDir dir;
  const Extents xs{3, 2}, ys{3};
  const Values x{1, 2, 3, 4, 5, 6}, y{0, 1, 0};
  io::write_npy(dir / "x.npy", std::span<const Index>(xs), std::span<const double>(x));
  io::write_npy(dir / "y.npy", std::span<const Index>(ys), std::span<const double>(y));
  const auto d = from_npy(dir / "x.npy", dir / "y.npy", {.examples = 2});
  CHECK(values_of(d.x) == Values{1, 2, 3, 4});
  CHECK(values_of(d.y) == Values{0, 1});
  CHECK(values_of(from_npy(dir / "x.npy", dir / "y.npy", {.classes = {0, 1}}).y) == Values{-1, 1, -1});
  CHECK(contains(message_of<UserError>([&] { (void)from_npy(dir / "y.npy", dir / "y.npy"); }),
                 "y.npy' has shape"));
  CHECK(contains(message_of<UserError>([&] { (void)from_npy(dir / "x.npy", dir / "z.npy"); }), "z.npy"));
}

TEST_CASE("csv data: the forms that are read") {
  const Files files;
  const Values x{1, -2.5, 3e2, 0.125}, y{7, 8};
  for (const char* text :
       {"1,-2.5,7\n3e2,.125,8\n", "1,-2.5,7\n3e2,.125,8", "a,b,target\n1,-2.5,7\n3e2,.125,8\n",
        "1,-2.5,7\r\n3e2,.125,8\r\n", "1,-2.5,7\n3e2,.125,8\n\n \r\n", " 1 ,\t-2.5, +7\n+3e2, 0.125 ,8\n",
        "\xEF\xBB\xBF"
        "1,-2.5,7\n3e2,.125,8\n"}) {
    CAPTURE(text);
    const auto d = files.csv(text);
    CHECK(shape_of(d.x) == Shape{2, 2});
    CHECK(values_of(d.x) == x);
    CHECK(shape_of(d.y) == Shape{2, 1});
    CHECK(values_of(d.y) == y);
  }
  CHECK(values_of(files.csv("1,2\n3,4\n5,6\n", {.examples = 2}).y) == Values{2, 4});
  const auto classes = files.csv("1,0\n2,1\n3,2\n", {.classes = {2, 0}});
  CHECK(values_of(classes.x) == Values{1, 3});
  CHECK(values_of(classes.y) == Values{1, -1});
}

TEST_CASE("csv data: errors name the line and the column") {
  const Files files;
  CHECK(contains(files.csv_error("1,2,3\n4,5\n"), "line 2 has 2 columns, and the first line has 3"));
  CHECK(contains(files.csv_error("a,b\n1,2,3\n"), "line 2 has 3 columns, and the first line has 2"));
  CHECK(contains(files.csv_error("1,2\n3,x\n"), "line 2, column 2 (counted from 1) is 'x'"));
  CHECK(contains(files.csv_error("1,2\n3,4 5\n"), "is '4 5'"));
  CHECK(contains(files.csv_error("1,2\n,5\n"), "line 2, column 1 (counted from 1) is ''"));
  CHECK(contains(files.csv_error("1,2\n3,\n"), "line 2, column 2 (counted from 1) is ''"));
  CHECK(contains(files.csv_error("1,b\n3,4\n"), "line 1, column 2 (counted from 1) is 'b'"));
  CHECK(contains(files.csv_error("a,b\nc,d\n"), "line 2, column 1"));
  CHECK(contains(files.csv_error("1,2\n3,nan\n"), "finite"));
  CHECK(contains(files.csv_error("1,2\n3,1e999\n"), "out of the range"));
  CHECK(contains(files.csv_error("1,2\n+-3,4\n"), "is '+-3'"));
  CHECK(contains(files.csv_error("1,2\n\n3,4\n"), "line 2 is blank"));
  CHECK(contains(files.csv_error("1\n2\n"), "at least one input"));
  CHECK(contains(files.csv_error("a,b\n"), "no example"));
  CHECK(contains(files.csv_error(""), "no example"));
  CHECK(contains(files.csv_error("1,2\n", {.examples = 2}), "there are 1"));
  CHECK(contains(files.csv_error("1,0.5\n", {.classes = {0, 1}}), "integer labels"));
  CHECK(contains(message_of<UserError>([&] { (void)from_csv(files.dir / "absent.csv"); }), "absent.csv"));
}

}  // namespace data_files_test
