#include <doctest/doctest.h>

#include "support/cases.hpp"

using namespace ntape;

// 255, 256, 257: around the edge of a product's tile, in columns and in rows. 65537: past 16 bits, and long
// sums. No example and no column are shapes like any other.
TEST_CASE("every op keeps the laws of an op") {
  for (const auto& recipe : test::op_recipes())
    for (const Shape s : {Shape{0, 3}, Shape{2, 0}, Shape{1, 1}, Shape{5, 3}, Shape{3, 255}, Shape{3, 256},
                          Shape{2, 257}, Shape{257, 2}, Shape{1, 65537}}) {
      if (s.cols < recipe.least_columns) continue;
      CAPTURE(s.rows);
      CAPTURE(s.cols);
      test::check_op(recipe.at(s.rows, s.cols));
    }
}
