#pragma once

#include <CLI/CLI.hpp>
#include <ntape/data/split.hpp>

namespace ntape::tools {

/// Examples beside the training set: of files, or held out of the training source.
struct TestOptions {
  std::string inputs, targets;
  Index examples = 0;    ///< held out; 0: none
  std::string checksum;  ///< empty: any will do
};
void add_test(CLI::App& app, TestOptions& test);

/// The training data as load gives them, and the test data: empty where none are asked for, without targets
/// where none are given. Classes select and encode labels of test targets as those of training.
/// Throws UserError as load and load_split, and for test data that have not the checksum.
[[nodiscard]] data::Split load_with_test(const data::SourceOptions& source, const TestOptions& test);

}  // namespace ntape::tools
