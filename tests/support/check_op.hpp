#pragma once

#include <ntape/tape/op.hpp>
#include <string>
#include <vector>

namespace ntape::test {

/// One op on one set of argument shapes.
struct OpCase {
  std::string label;
  OpPtr<double> op;
  OpPtr<float> float_op;  ///< the same mathematics
  struct Argument {
    Shape shape;
    bool batched;
  };
  std::vector<Argument> arguments;
  std::vector<std::vector<Shape>> refused = {};  ///< argument shapes that shape() must refuse
  double kink = 0;                               ///< inputs keep at least this far from zero
};

/// Puts an op through every law of the contract in tape/op.hpp, as doctest checks:
/// forward writes every entry of the promised shape; jvp is the derivative of forward; vjp is its
/// transpose; both add, and treat V directions as V separate ones, to the bit; block() is the default block;
/// rows are independent when, and only when, rows() says so; NaN comes through; float follows double;
/// wrong shapes are refused with the op's name and the shapes.
void check_op(const OpCase& c);

}  // namespace ntape::test
