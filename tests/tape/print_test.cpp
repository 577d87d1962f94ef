#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/tape/print.hpp>
#include <sstream>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace tape_print_test {

using namespace ntape;
using test::contains;
using test::normal;

namespace {

struct Small {
  Matrix<double> x = normal<double>(5, 3, 1), w = normal<double>(4, 3, 2), b = normal<double>(1, 4, 3);
  Tape<double> tape;
  Small() {
    const Var input = tape.input(x), weight = tape.parameter(w), bias = tape.constant(b);
    activation(tape, "tanh", affine(tape, input, weight, bias));
  }
};

}  // namespace

TEST_CASE("a tape prints a line a node, with shapes, bytes and flops") {
  Small s;
  std::ostringstream text;
  text << s.tape;
  const std::string lines = text.str();
  CHECK(contains(lines, "%1 = parameter  4 x 3  96 bytes  batch-free"));
  CHECK(contains(lines, "%2 = constant  1 x 4"));
  // 2 N i o for the product and 2 N o for the bias
  CHECK(contains(lines, "%3 = affine(%0, %1, %2)  5 x 4  160 bytes  160 flops"));
  CHECK(contains(lines, "%4 = tanh(%3)  5 x 4  160 bytes  20 flops"));
  CHECK(contains(lines, "5 nodes, 320 bytes of values, 180 flops"));
  CHECK(static_cast<Index>(std::count(lines.begin(), lines.end(), '\n')) == s.tape.size() + 1);
}

TEST_CASE("a tape is a Graphviz graph with an edge an argument") {
  Small s;
  std::ostringstream text;
  write_graphviz(text, s.tape);
  const std::string graph = text.str();
  CHECK(graph.starts_with("digraph tape {"));
  for (const char* part : {"n0 -> n3;", "n1 -> n3;", "n2 -> n3;", "n3 -> n4;", "%3 affine\\n5 x 4"})
    CHECK(contains(graph, part));
  CHECK(std::count(graph.begin(), graph.end(), '>') == 4);
}

TEST_CASE("the first value that is not finite is named") {
  Small s;
  CHECK(first_not_finite(s.tape).empty());
  require_finite(s.tape);
  s.w(2, 1) = std::numeric_limits<double>::max();
  s.x(3, 1) = 10;  // 1e308 * 10 overflows in the product, at row 3, column 2
  s.tape.replay();
  const std::string defect = first_not_finite(s.tape);
  CHECK(contains(defect, "%3 = affine(%0, %1, %2)"));
  CHECK(contains(defect, "column 2"));
  CHECK(test::message_of<UserError>([&] { require_finite(s.tape); }) == defect);
  s.x(1, 2) = std::numeric_limits<double>::quiet_NaN();
  s.tape.replay();
  CHECK(contains(first_not_finite(s.tape), "%0 = input, 5 x 3, is not finite at row 1, column 2"));
}

}  // namespace tape_print_test
