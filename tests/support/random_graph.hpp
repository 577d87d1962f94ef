#pragma once

#include <cstdint>
#include <memory>
#include <ntape/tape/tape.hpp>
#include <random>
#include <vector>

namespace ntape::test {

/// A network drawn from the op table by a seeded generator: ops of every kind, some values used many times,
/// parameters shared between ops or reached through batch-free ops, C = 1 .. 5 outputs. Every op on the way
/// keeps rows independent.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed, Index examples);

  /// Records the network on inputs [examples x input_columns]; returns its output.
  Var record(Tape<double>& tape, const Matrix<double>& x) const;

  [[nodiscard]] Index input_columns() const { return input_columns_; }
  [[nodiscard]] Index parameters() const { return parameters_.size(); }

 private:
  struct Step {
    OpPtr<double> op;
    std::vector<Index> args;  // nodes of the graph: 0 is the input, then parameters and steps as they came
  };
  struct Node {
    Shape shape;
    bool batched;
  };

  Index draw(Index count);
  bool chance(double probability);
  Index add_parameter(Shape shape);
  Index add_step(OpPtr<double> op, std::vector<Index> args);
  Index batch_free(Shape shape);
  bool add_random_op();
  void keep_small();

  std::mt19937_64 engine_;
  Index examples_;
  Index input_columns_;
  std::vector<Node> nodes_;
  std::vector<int> kind_;  // per node: -1 the input, -2 a parameter, otherwise a step
  std::vector<Index> at_;  // position in parameters_ or steps_
  std::vector<std::unique_ptr<Matrix<double>>> parameters_;
  std::vector<Step> steps_;
  Index output_ = 0;
};

}  // namespace ntape::test
