#include <doctest/doctest.h>

#include <ntape/tensor/matrix.hpp>

namespace tensor_matrix_test {

using namespace ntape;

TEST_CASE("a shape counts its entries, compares, and prints as rows x columns") {
  CHECK(Shape{3, 5}.size() == 15);
  CHECK(Shape{}.size() == 0);
  CHECK((Shape{3, 5} == Shape{3, 5}));
  CHECK((Shape{3, 5} != Shape{5, 3}));
  CHECK(to_string(Shape{3, 5}) == "3 x 5");
}

TEST_CASE_TEMPLATE("matrices and stacks are made with the asked shape, not from a list of values", Real,
                   float, double) {
  const auto m = make_matrix<Real>(2, 3);
  CHECK((shape_of(m) == Shape{2, 3}));
  CHECK(m.size() == 6);
  const auto s = make_stack<Real>(4, 2, 3);
  CHECK(s.size() == 24);
  CHECK(s.shape(0) == 4);
  CHECK(s.shape(1) == 2);
  CHECK(s.shape(2) == 3);
  const auto z = zeros<Real>(2, 3);
  CHECK((shape_of(z) == Shape{2, 3}));
  for (const Real v : z) CHECK(v == Real(0));
  CHECK(zeros<Real>(0, 3).size() == 0);
}

TEST_CASE("rows and slices point to their first entry in row-major storage") {
  auto m = make_matrix<double>(3, 4);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = static_cast<double>(k);
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 4; ++j) CHECK(row(m, i)[j] == m(i, j));
  row(m, 2)[1] = -1;
  CHECK(m(2, 1) == -1);

  auto s = make_stack<double>(2, 3, 4);
  for (Index k = 0; k < s.size(); ++k) s.data()[k] = static_cast<double>(k);
  for (Index v = 0; v < 2; ++v)
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j < 4; ++j) CHECK(slice(s, v)[i * 4 + j] == s(v, i, j));
  slice(s, 1)[5] = -1;
  CHECK(s(1, 1, 1) == -1);

  const auto& constant = m;
  CHECK(row(constant, 1) == m.data() + 4);
  const auto& constant_stack = s;
  CHECK(slice(constant_stack, 1) == s.data() + 12);
}

}  // namespace tensor_matrix_test
