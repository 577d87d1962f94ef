#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/cases.hpp"
#include "support/check_op_parts.hpp"
#include "support/instrumented.hpp"

namespace ops_laws_test {

using namespace ntape;

// 255, 256, 257: around the edge of a product's tile, in columns and in rows. 65537: past 16 bits, and long
// sums (not where they take a minute). No example and no column are shapes like any other.
TEST_CASE("every op keeps the laws of an op") {
  for (const auto& recipe : test::op_recipes())
    for (const Shape s : {Shape{0, 3}, Shape{2, 0}, Shape{1, 1}, Shape{5, 3}, Shape{3, 255}, Shape{3, 256},
                          Shape{2, 257}, Shape{257, 2}, Shape{1, test::kInstrumented ? 1025 : 65537}}) {
      if (s.cols < recipe.least_columns) continue;
      CAPTURE(s.rows);
      CAPTURE(s.cols);
      test::check_op(recipe.at(s.rows, s.cols));
    }
}

TEST_CASE(
    "forward, jvp and vjp, added or written, allocate nothing, so that a replayed step does not either") {
  for (const auto& recipe : test::op_recipes()) {
    CAPTURE(recipe.label);
    const auto c = recipe.at(5, 3);
    test::Matrices<double> arguments;
    for (Arg k = 0; k < c.arguments.size(); ++k) arguments.push_back(test::argument_values(c, k));
    const auto in = test::pointers(arguments);
    std::vector<Shape> shapes;
    for (const auto& a : arguments) shapes.push_back(shape_of(a));
    const Op<double>& op = *c.ops.f64;
    Matrix<double> out = test::value_at(op, arguments, op.shape(shapes));
    Stack<double> u = test::normal_stack<double>(2, shape_of(out), 1), pushed = u;
    for (Arg k = 0; k < arguments.size(); ++k) {
      Stack<double> t = test::normal_stack<double>(2, shapes[k], 2), pulled = t;
      const std::size_t before = test::allocations();
      op.forward(in, out);
      op.jvp({in, out}, k, t, pushed);
      op.vjp({in, out}, k, u, pulled);
      op.write_vjp({in, out}, k, u, pulled);
      CHECK(test::allocations() == before);
    }
  }
}

}  // namespace ops_laws_test
