#include <doctest/doctest.h>

#include <cstring>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>

#include "support/matrices.hpp"

namespace jacobian_gram_window_test {

using namespace ntape;
using test::normal;

namespace {

// Two layers, the second weight used plainly and transposed, so that it has an outer and a dense block; C
// outputs.
template <class Real>
struct Net {
  Matrix<Real> x, w, b, v;
  Tape<Real> tape;
  Var output;
  Jacobian<Real> j;

  Net(Index examples, Index outputs, std::uint64_t stream)
      : x(normal<Real>(examples, 3, stream)),
        w(normal<Real>(9, 3, 2)),
        b(normal<Real>(1, 9, 3)),
        v(normal<Real>(outputs, 9, 4)) {
    const Var input = tape.input(x), weight = tape.parameter(w), bias = tape.parameter(b);
    const Var last = tape.parameter(v);
    const Var h = activation(tape, "tanh", affine(tape, input, weight, bias));
    const Var y = linear(tape, h, last);
    const Var again = linear(tape, linear(tape, y, transpose(tape, last)), last);
    output = again;
    j = per_example_jacobian(tape, output);
  }
};

// Whether the window of `whole`, a kernel of that form on n1 x n2 examples, is `part`, bit for bit.
template <class Real>
bool is_part(const Matrix<Real>& part, const Matrix<Real>& whole, KernelForm form, Index outputs,
             const GramWindow& at, Index n1) {
  const Index c = form == KernelForm::trace ? 1 : outputs, d = form == KernelForm::full ? outputs : 1;
  for (Index n = 0; n < at.count1; ++n)
    for (Index k = 0; k < c; ++k) {
      const bool diagonal = form == KernelForm::diagonal;
      const Index from = diagonal ? k * n1 + at.first1 + n : (at.first1 + n) * c + k;
      const Index to = diagonal ? k * at.count1 + n : n * c + k;
      if (std::memcmp(row(part, to), row(whole, from) + at.first2 * d, at.count2 * d * sizeof(Real)) != 0)
        return false;
    }
  return true;
}

}  // namespace

// Ragged in both directions, outputs that do not divide a tile, windows of several sizes on and off the
// diagonal: every window must have the bits of the whole.
TEST_CASE_TEMPLATE("a window of a kernel has the bits of the whole kernel there", Real, float, double) {
  constexpr Index kN1 = 1000, kN2 = 743;
  for (const Index outputs : {Index{1}, Index{3}}) {
    const Net<Real> one(kN1, outputs, 1), other(kN2, outputs, 7);
    for (const KernelForm form : {KernelForm::full, KernelForm::diagonal, KernelForm::trace}) {
      const GramOptions<Real> options{.form = form};
      const auto square = gram(one.j, one.j, form), cross = gram(one.j, other.j, form);
      for (GramWindow at : {GramWindow{0, 256, 0, 256, kN2}, GramWindow{768, 232, 256, 256, kN2},
                            GramWindow{512, 488, 0, 512, kN2}, GramWindow{256, 256, 512, 231, kN2}}) {
        CAPTURE(outputs);
        CAPTURE(static_cast<int>(form));
        CAPTURE(at.first1);
        CHECK(is_part(gram_window(one.j, other.j, options, at).front(), cross, form, outputs, at, kN1));
      }
      for (GramWindow at : {GramWindow{0, 256, 0, 256, kN1}, GramWindow{768, 232, 256, 256, kN1},
                            GramWindow{512, 488, 0, 512, kN1}, GramWindow{512, 488, 512, 488, kN1}}) {
        CAPTURE(outputs);
        CAPTURE(static_cast<int>(form));
        CAPTURE(at.first1);
        CHECK(is_part(gram_window(one.j, one.j, options, at).front(), square, form, outputs, at, kN1));
      }
    }
  }
}

TEST_CASE("a window that is not inside, or not on the grid, is refused") {
  const Net<double> net(300, 1, 1);
  for (const GramWindow at :
       {GramWindow{0, 301, 0, 256, 300}, GramWindow{256, 45, 0, 256, 300}, GramWindow{0, 256, 1, 1, 300},
        GramWindow{512, 0, 0, 0, 300}, GramWindow{0, 255, 0, 256, 300}})
    CHECK_THROWS_AS((void)gram_window(net.j, net.j, GramOptions<double>{}, at), ShapeError);
}

}  // namespace jacobian_gram_window_test
