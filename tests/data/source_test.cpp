#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/data/idx.hpp>
#include <ntape/data/source.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/io/npz.hpp>

#include "../support/temp_dir.hpp"

namespace data_source_test {

using namespace ntape;
using namespace ntape::data;
using ntape::test::contains;
using ntape::test::message_of;
using ntape::test::TempDir;
using ntape::test::write_text;

namespace {

std::string error(const SourceOptions& options) {
  return message_of<UserError>([&] { (void)load(options); });
}

SourceOptions named(const std::string& spec, Index examples = 0, std::vector<int> classes = {}) {
  SourceOptions options;
  options.spec = spec;
  options.examples = examples;
  options.classes = std::move(classes);
  return options;
}

}  // namespace

TEST_CASE("source: synthetic sets, their defaults and their seed") {
  CHECK(checksum(load({})) == checksum(gaussian_product<double>()));
  CHECK(load(named("gaussian-product")).x.shape(0) == 128);
  CHECK(load(named("circle")).x.shape(0) == 64);
  CHECK(shape_of(load(named("sphere:5")).x) == Shape{128, 5});
  CHECK(checksum(load(named("circle", 9))) == checksum(circle<double>({.examples = 9})));
  for (const char* spec : {"gaussian-product", "sphere:3"}) {
    SourceOptions options = named(spec, 10);
    const std::string zero = checksum(load(options));
    CHECK(checksum(load(options)) == zero);
    CHECK(load(options).x.shape(0) == 10);
    CHECK(load(options).name == spec);
    options.seed = Seed{1};
    CHECK(checksum(load(options)) != zero);
  }
}

TEST_CASE("source: what it takes at least is known before anything is made or read") {
  CHECK(least_bytes({}) == 2 * 8 * 128 * 2.0);
  CHECK(least_bytes(named("circle", 10)) == 2 * 8 * 10 * 2.0);
  CHECK(least_bytes(named("sphere:1000000000", 3)) == 2 * 8 * 3e9);
  CHECK(least_bytes(named("sphere:18446744073709551615")) > 1e22);
  const TempDir dir;
  write_text(dir / "d.csv", "1,0\n2,1\n3,0\n");
  CHECK(least_bytes(named((dir / "d.csv").string())) == 12);
  CHECK(least_bytes(named("idx:" + (dir / "d.csv").string() + "," + (dir / "d.csv").string())) == 24);
  SourceOptions arrays;
  arrays.inputs = arrays.targets = (dir / "d.csv").string();
  CHECK(least_bytes(arrays) == 48);
  CHECK(least_bytes(named("none.npz")) == 0);
}

TEST_CASE("source: files") {
  const TempDir dir;
  write_text(dir / "d.csv", "1,0\n2,1\n3,0\n");
  CHECK(load(named((dir / "d.csv").string())).x.shape(0) == 3);
  CHECK(load(named((dir / "d.csv").string(), 2, {0, 1})).y(1, 0) == 1.0);

  io::NpzWriter writer(dir / "d.npz");
  writer.add<double>("x", {2, 1}, std::vector<double>{1, 2});
  writer.add<double>("y", {2}, std::vector<double>{3, 4});
  writer.close();
  CHECK(load(named((dir / "d.npz").string())).y(1, 0) == 4.0);

  const Matrix<double> m = zeros<double>(4, 2);
  io::write_npy(dir / "x.npy", m);
  SourceOptions npy;
  npy.inputs = npy.targets = (dir / "x.npy").string();
  CHECK(shape_of(load(npy).y) == Shape{4, 2});
  npy.spec = "circle";
  CHECK(contains(error(npy), "only one may be"));
  npy.spec.clear();
  npy.targets.clear();
  CHECK(contains(error(npy), "only inputs are given"));
  npy.targets.swap(npy.inputs);
  CHECK(contains(error(npy), "only targets are given"));

  write_text(dir / "i", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01\xFF\x00", 18));
  write_text(dir / "l", std::string("\0\0\x08\x01\0\0\0\x02\x05\x06", 10));
  const auto pair = load(named("idx:" + (dir / "i").string() + "," + (dir / "l").string(), 0, {5, 6}));
  CHECK(pair.x(0, 0) == 1.0);
  CHECK(pair.x(1, 0) == 0.0);
  CHECK(pair.y(0, 0) == -1.0);
  CHECK(pair.y(1, 0) == 1.0);
}

TEST_CASE("source: Fashion-MNIST") {
  const std::string missing = message_of<UserError>([] { (void)fashion_mnist_paths(); });
  if (!missing.empty()) {
    CHECK(error(named("fashion-mnist")) == missing);
    MESSAGE("skipped: " << missing);
    return;
  }
  const auto two = load(named("fashion-mnist", 0, {0, 1}));
  CHECK(shape_of(two.x) == Shape{256, 784});
  CHECK(shape_of(two.y) == Shape{256, 1});
  CHECK(shape_of(load(named("fashion-mnist", 20)).y) == Shape{20, 10});
  CHECK(contains(error(named("fashion-mnist", 12001, {0, 1})), "there are 12000"));
}

TEST_CASE("source: what is not understood") {
  const std::string unknown = error(named("mnst"));
  for (const char* known : {"'mnst'", "circle", "gaussian-product", "sphere:D", "fashion-mnist",
                            "idx:IMAGES,LABELS", "FILE.npz", "FILE.csv"}) {
    CHECK(contains(unknown, known));
  }
  for (const char* spec : {"sphere:", "sphere:x", "sphere:3x", "sphere:-3", "sphere:99999999999999999999"}) {
    CAPTURE(spec);
    CHECK(contains(error(named(spec)), "sphere:D needs an integer"));
  }
  CHECK(contains(error(named("sphere:1")), "at least 2"));
  for (const char* spec : {"idx:", "idx:a", "idx:a,", "idx:,b", "idx:a,b,c"}) {
    CAPTURE(spec);
    CHECK(contains(error(named(spec)), "needs two files"));
  }
  for (const char* spec : {"", "circle", "gaussian-product", "sphere:3"}) {
    CAPTURE(spec);
    CHECK(contains(error(named(spec, 0, {0, 1})), "has no labels"));
  }
}

TEST_CASE("a resolved source names its defaults and its paths from the root, and loads the same") {
  const TempDir folder;
  write_text(folder / "d.csv", "1,2,3\n4,5,6\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const data::SourceOptions csv = data::resolved({.spec = "d.csv"}, data::load({.spec = "d.csv"}));
  std::filesystem::current_path(before);
  CHECK(csv.spec == (folder / "d.csv").string());
  CHECK(csv.examples == 2);
  CHECK(data::checksum(data::load(csv)) == data::checksum(data::load({.spec = (folder / "d.csv").string()})));

  const data::SourceOptions standard = data::resolved({}, data::load({}));
  CHECK(standard.spec == "gaussian-product");
  CHECK(standard.examples == 128);
  CHECK(data::checksum(data::load(standard)) == data::checksum(data::load({})));

  const data::Dataset<double> some{zeros<double>(3, 2), zeros<double>(3, 1), "", ""};
  const std::string here = before.string();
  const data::SourceOptions pair = data::resolved({.inputs = "x.npy", .targets = "/y.npy"}, some);
  CHECK(pair.inputs == here + "/x.npy");
  CHECK(pair.targets == "/y.npy");
  CHECK(pair.spec.empty());
  CHECK(data::resolved({.spec = "idx:i,l"}, some).spec == "idx:" + here + "/i," + here + "/l");
  CHECK(data::resolved({.spec = "sphere:3"}, some).spec == "sphere:3");
}

}  // namespace data_source_test
