#pragma once

#include <functional>
#include <ntape/tape/tape.hpp>
#include <optional>
#include <vector>

namespace ntape {

/// Reverse sweeps over one tape. Holds a cotangent per node and reuses it from sweep to sweep, so that
/// repeated sweeps of one shape allocate no cotangents.
template <class Real>
class ReverseSweep {
 public:
  /// Called where a batched op consumes a batch-free argument; returns whether it took care of that
  /// argument (then no vjp towards it is made).
  using BatchFreeUse =
      std::function<bool(Var node, Arg arg, const Site<Real>&, const Stack<Real>& cotangent)>;

  /// Pulls `seed` [V x rows x cols of y] back from y to every node below it that needs a cotangent; with
  /// `needed` (a flag per node, see leading_to), to those flagged only. Throws ShapeError when the seed does
  /// not fit y. Cost per V: about twice the forward evaluation.
  void run(const Tape<Real>& tape, Var y, const Stack<Real>& seed, const BatchFreeUse& on_use = {},
           std::span<const char> needed = {});

  /// Multiplies row n of the cotangent of every batched value by weights[n]. Where rows are independent, this
  /// is what a sweep from the seed with its rows so multiplied gives. Throws ShapeError for another number of
  /// them.
  void scale_examples(const Tape<Real>& tape, std::span<const Real> weights);

  /// Whether the last run gave v a cotangent.
  [[nodiscard]] bool reached(Var v) const { return v.index < reached_.size() && reached_[v.index]; }
  /// The cotangent of v after run(); zeros when y does not depend on v. Throws InternalError when v needs
  /// none.
  [[nodiscard]] const Stack<Real>& cotangent(Var v) const;

 private:
  std::vector<Stack<Real>> cotangents_;
  std::vector<char> reached_;
};

/// Forward sweeps over one tape: tangents of parameters to those of a value. Memory is kept as by
/// ReverseSweep.
template <class Real>
class ForwardSweep {
 public:
  /// `tangents`: [V x rows x cols] for every parameter, in the tape's parameter order; they are not copied.
  /// Returns J t [V x rows x cols of y], good until the next run. Throws ShapeError when they do not fit.
  /// Cost per V: about twice the evaluation.
  const Stack<Real>& run(const Tape<Real>& tape, Var y, std::span<const Stack<Real>> tangents);

 private:
  std::vector<Stack<Real>> own_;
  std::vector<const Stack<Real>*> at_;
};

/// A flag per node: whether one of the selected parameters (a flag per parameter, in the tape's order; empty
/// selects all) lies at or below it. Throws ShapeError for another number of flags.
template <class Real>
[[nodiscard]] std::vector<char> leading_to(const Tape<Real>& tape, std::span<const char> selected);

/// J^T u for every parameter, in the tape's parameter order: stacks [V x rows x cols].
template <class Real>
[[nodiscard]] std::vector<Stack<Real>> pullback(const Tape<Real>& tape, Var y, const Stack<Real>& seed);

/// J t for parameter tangents t, given in the tape's parameter order as stacks [V x rows x cols];
/// returns [V x rows x cols of y]. Throws ShapeError when the tangents do not fit.
template <class Real>
[[nodiscard]] Stack<Real> pushforward(const Tape<Real>& tape, Var y,
                                      const std::vector<Stack<Real>>& tangents);

}  // namespace ntape
