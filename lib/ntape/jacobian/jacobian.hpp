#pragma once

#include <memory>
#include <ntape/tape/sweep.hpp>
#include <vector>

namespace ntape {

/// d f_c(x_n) / d theta for N examples and C outputs, as blocks per parameter and use; never N x P.
///
/// A parameter used several times has several uses; its Jacobian is their sum. Blocks point into the tape
/// and into the sweep kept here, so a Jacobian is good until its tape is replayed, extended or destroyed.
template <class Real>
struct Jacobian {
  struct Use {
    Index parameter;  ///< position in Tape::parameters()
    Block<Real> block;
  };

  Index examples = 0;
  Index outputs = 0;
  std::vector<Shape> parameters;
  std::vector<Use> uses;
  const Tape<Real>* tape = nullptr;
  std::uint64_t generation = 0;
  std::unique_ptr<ReverseSweep<Real>> sweep;
  /// How the sweep was run: from which output and seeds, to which nodes.
  Var output = {};
  Stack<Real> seed = {};
  std::vector<char> needed = {};

  /// Throws InternalError when the tape has moved on since this Jacobian was taken.
  void require_current() const;
};

/// The name of the first op on the way from y to a parameter that mixes examples; empty when there is none.
template <class Real>
[[nodiscard]] std::string mixing_op(const Tape<Real>& tape, Var y);

/// One reverse sweep with C unit seeds gives all N C rows, the rows of every op being independent.
/// y is [N x C] batched. `selected`: a flag per parameter of the tape, in its order; empty takes all, and the
/// sweep goes no deeper than the selected ones need. A parameter that reaches the batched ops through
/// batch-free ops (scaled, transposed, normalized, tied) gets the dense rows at the end of those ops, pulled
/// back through their ordinary vjp: [C N x p] for each such value on the way.
/// Throws UserError when an op on the way mixes rows (naming it). Cost: C reverse sweeps.
template <class Real>
[[nodiscard]] Jacobian<Real> per_example_jacobian(const Tape<Real>& tape, Var y,
                                                  std::span<const char> selected = {});

/// Brings a Jacobian up to date with its tape, which was replayed, on whatever matrices are bound now. No
/// heap allocation. Throws InternalError unless all blocks are outer products, which they are when
/// is_structured, or when the tape was extended.
template <class Real>
void refresh(Jacobian<Real>& j);

/// Whether every parameter below y is used by batched ops directly, and as an outer product: the Jacobian
/// then costs no memory of its own beyond cotangents, and d sum_n r_n f(x_n) is a product of matrices a use.
template <class Real>
[[nodiscard]] bool is_structured(const Tape<Real>& tape, Var y);

}  // namespace ntape
