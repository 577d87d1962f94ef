#pragma once

#include <functional>

#include "check_op.hpp"

/// Every op, activation and objective of the library once: what check_op looks at, and what other tests draw
/// from. A test of the ops room fails when one is missing here.
namespace ntape::test {

/// An op that takes a value [rows x columns] and brings its other arguments along.
struct OpRecipe {
  std::string label;
  /// Every batched argument is rows x columns; the first argument is, too. A case whose arguments are all
  /// batch-free is one that the library allows on batch-free values only.
  std::function<OpCase(Index rows, Index columns)> at;
  Index least_columns = 0;
  /// False for one that only check_op may have: the free functions refuse what it does.
  bool recordable = true;
};

[[nodiscard]] const std::vector<OpRecipe>& op_recipes();

struct ObjectiveCase {
  std::string name;
  std::function<Matrix<double>(Index rows, Index columns)> targets;
  struct Refused {
    Matrix<double> targets;
    std::string message;  ///< a part of it
  };
  std::vector<Refused> refused = {};
};

[[nodiscard]] const std::vector<ObjectiveCase>& objective_cases();

}  // namespace ntape::test
