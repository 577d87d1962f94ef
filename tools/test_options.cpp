#include "test_options.hpp"

#include <filesystem>
#include <ntape/base/errors.hpp>

#include "options.hpp"

namespace ntape::tools {
namespace {

data::Dataset<double> load_test(const data::SourceOptions& source, const TestOptions& test) {
  if (!test.targets.empty())
    return data::load({.classes = source.classes, .inputs = test.inputs, .targets = test.targets});
  return {read_inputs(test.inputs), zeros<double>(0, 0),
          std::filesystem::path(test.inputs).filename().string(), "test inputs"};
}

}  // namespace

void add_test(CLI::App& app, TestOptions& test) {
  auto* inputs = app.add_option("--test-inputs", test.inputs,
                                "M x n_0: compare networks with their frozen kernels there, too")
                     ->type_name("Z.npy");
  app.add_option("--test-targets", test.targets, "M or M x n_L, for a loss there")
      ->type_name("T.npy")
      ->needs(inputs);
  app.add_option("--test-examples", test.examples, "instead: the next M examples of the same source")
      ->transform(whole_number(1))
      ->type_name("M")
      ->excludes(inputs);
  app.add_option("--test-checksum", test.checksum,
                 "stop unless the test data have it; saved configs ask for it")
      ->type_name("SUM");
  for (const char* name : {"--test-inputs", "--test-targets", "--test-examples", "--test-checksum"})
    app.get_option(name)->group("Data");
}

data::Split load_with_test(const data::SourceOptions& source, const TestOptions& test) {
  if (test.inputs.empty() && test.examples == 0) {
    if (!test.checksum.empty())
      throw UserError(
          "a checksum of test data is given with --test-checksum, and no test data; give "
          "--test-inputs or --test-examples");
    return {data::load(source), {}};
  }
  data::Split split = test.examples > 0 ? data::load_split(source, test.examples)
                                        : data::Split{data::load(source), load_test(source, test)};
  const std::string sum = data::checksum(split.test);
  if (!test.checksum.empty() && test.checksum != sum)
    throw UserError("the test data have the checksum " + sum + ", and those with " + test.checksum +
                    " are needed: they have changed since, or are made differently here; without "
                    "test-checksum in the config any will do");
  return split;
}

}  // namespace ntape::tools
