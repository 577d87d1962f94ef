#pragma once

#include <iosfwd>
#include <ntape/tape/tape.hpp>
#include <string>

namespace ntape {

/// A line a node: index, op and arguments, shape, bytes of the value, flops of one evaluation; then the sums.
template <class Real>
std::ostream& operator<<(std::ostream& out, const Tape<Real>& tape);

/// The same as a Graphviz graph: a box an op, an ellipse a leaf, batch-free nodes grey.
template <class Real>
void write_graphviz(std::ostream& out, const Tape<Real>& tape);

/// Empty when every value on the tape is finite; otherwise a sentence that names the first node in recorded
/// order whose value is not, with the entry: the leaf that came in broken, or the op that broke.
template <class Real>
[[nodiscard]] std::string first_not_finite(const Tape<Real>& tape);

/// Throws UserError with that sentence.
template <class Real>
void require_finite(const Tape<Real>& tape);

}  // namespace ntape
