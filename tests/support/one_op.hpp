#pragma once

#include <ntape/tape/tape.hpp>

namespace ntape::test {

/// What `record(tape, a, b, ...)` computes from these matrices, each an input (a row per example).
template <class Record, class... Matrices>
[[nodiscard]] Matrix<double> of_inputs(Record&& record, const Matrices&... in) {
  Tape<double> tape;
  return tape.value(record(tape, tape.input(in)...));
}

/// The same with parameters: batch-free leaves.
template <class Record, class... Matrices>
[[nodiscard]] Matrix<double> of_parameters(Record&& record, const Matrices&... in) {
  Tape<double> tape;
  return tape.value(record(tape, tape.parameter(in)...));
}

/// A row per example first, one batch-free value second.
template <class Record>
[[nodiscard]] Matrix<double> of_both(Record&& record, const Matrix<double>& input,
                                     const Matrix<double>& parameter) {
  Tape<double> tape;
  const Var x = tape.input(input);
  return tape.value(record(tape, x, tape.parameter(parameter)));
}

}  // namespace ntape::test
