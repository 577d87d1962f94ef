#pragma once

#include <deque>
#include <ntape/tape/op.hpp>
#include <vector>

namespace ntape {

/// A value on a tape, named by its position in recorded order.
struct Var {
  Index index = 0;
  friend bool operator==(Var, Var) = default;
};

/// One recorded evaluation, in recorded order, which is a topological order.
///
/// A node is *batched* (a row per example) or *batch-free* (parameters, and what is computed from them
/// alone). Leaves are bound, not copied: the tape reads the caller's matrices, which must outlive it, so a
/// network recorded once is replayed on whatever they hold now, allocating nothing.
template <class Real>
class Tape {
 public:
  struct Node {
    OpPtr<Real> op;  ///< null for a leaf
    std::vector<Var> args;
    std::vector<const Matrix<Real>*> in;  ///< the values of args
    const Matrix<Real>* value = nullptr;  ///< storage of the tape, or the caller's for a leaf
    bool batched = false;
    bool needs_cotangent = false;  ///< a parameter lies at or below this node

    [[nodiscard]] Site<Real> site() const { return {in, *value}; }
  };

  Tape() = default;
  // Nodes, sweeps and Jacobians point into a tape, so it stays where it is.
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A batched leaf: a row per example.
  Var input(const Matrix<Real>& x);
  Var input(const Matrix<Real>&& x) = delete;
  /// A batch-free leaf, differentiated with respect to. Binding the same matrix again gives the same leaf: a
  /// parameter used many times is one parameter.
  Var parameter(const Matrix<Real>& w);
  Var parameter(const Matrix<Real>&& w) = delete;
  /// A batch-free leaf that is held fixed: a frozen parameter.
  Var constant(const Matrix<Real>& w);
  Var constant(const Matrix<Real>&& w) = delete;
  /// Evaluates the op and appends it. Throws ShapeError from the op's own shape rule, UserError when an
  /// argument is not on this tape, or is batched where the op needs it batch-free.
  Var record(OpPtr<Real> op, std::vector<Var> args);

  /// Lets a leaf read another matrix of the same shape. Throws ShapeError otherwise, UserError when that
  /// would make two parameters one.
  void bind(Var leaf, const Matrix<Real>& to);
  void bind(Var leaf, const Matrix<Real>&& to) = delete;
  /// Evaluates every op again on what the leaves hold now. No heap allocation. Blocks and Jacobians taken
  /// from the tape before are out of date afterwards.
  void replay();

  [[nodiscard]] const Matrix<Real>& value(Var v) const { return *node(v).value; }
  [[nodiscard]] const Node& node(Var v) const;
  [[nodiscard]] Index size() const { return nodes_.size(); }
  /// In the order they were recorded.
  [[nodiscard]] const std::vector<Var>& parameters() const { return parameters_; }
  /// Counts replays and new nodes, so that what was derived from an earlier state can tell.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  Var append(Node node);
  void evaluate(Index i);

  std::vector<Node> nodes_;
  std::deque<Matrix<Real>> storage_;    // deque: addresses stay when the tape grows
  std::vector<Matrix<Real>*> outputs_;  // per node; null for a leaf
  std::vector<Var> parameters_;
  std::uint64_t generation_ = 0;
};

}  // namespace ntape
