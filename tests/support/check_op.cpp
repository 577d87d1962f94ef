#include "check_op.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/jacobian.hpp>
#include <variant>

#include "matrices.hpp"
#include "temp_dir.hpp"

namespace ntape::test {
namespace {

template <class Real>
using Matrices = std::vector<Matrix<Real>>;

template <class Real>
std::vector<const Matrix<Real>*> pointers(const Matrices<Real>& values) {
  std::vector<const Matrix<Real>*> result;
  for (const auto& v : values) result.push_back(&v);
  return result;
}

Matrices<double> arguments_of(const OpCase& c) {
  Matrices<double> values;
  for (Index k = 0; k < c.arguments.size(); ++k) {
    values.push_back(normal<double>(c.arguments[k].shape.rows, c.arguments[k].shape.cols, 100 + k));
    for (double& v : values.back())
      if (std::abs(v) < c.kink) v += v < 0 ? -c.kink : c.kink;
  }
  return values;
}

Shape promised_shape(const OpCase& c) {
  std::vector<Shape> shapes;
  for (const auto& argument : c.arguments) shapes.push_back(argument.shape);
  return c.op->shape(shapes);
}

template <class Real>
Matrix<Real> value_of(const Op<Real>& op, const Matrices<Real>& arguments, Shape shape) {
  Matrix<Real> out = make_matrix<Real>(shape.rows, shape.cols);
  out.fill(std::numeric_limits<Real>::quiet_NaN());
  op.forward(pointers(arguments), out);
  return out;
}

double dot(const Stack<double>& a, const Stack<double>& b, double& size) {
  double sum = 0;
  for (Index k = 0; k < a.size(); ++k) {
    sum += a.data()[k] * b.data()[k];
    size += std::abs(a.data()[k] * b.data()[k]);
  }
  return sum;
}

Stack<double> zero_stack(Index count, Shape shape) {
  Stack<double> s = make_stack<double>(count, shape.rows, shape.cols);
  s.fill(0);
  return s;
}

Stack<double> one_of(const Stack<double>& s, Index v) {
  Stack<double> one = make_stack<double>(1, s.shape(1), s.shape(2));
  std::copy_n(slice(s, v), one.size(), one.data());
  return one;
}

// Central difference with step h = 1e-5 on values and third derivatives of order 1 to 10: truncation h^2,
// rounding 1e-16 / h, together below 1e-9.
void check_jvp(const OpCase& c, const Matrices<double>& arguments, Arg arg, const Stack<double>& tangent,
               const Stack<double>& pushed) {
  const double h = 1e-5;
  const Shape shape{pushed.shape(1), pushed.shape(2)};
  for (Index v = 0; v < tangent.shape(0); ++v) {
    Matrices<double> above = arguments, below = arguments;
    for (Index k = 0; k < above[arg].size(); ++k) {
      above[arg].data()[k] += h * slice(tangent, v)[k];
      below[arg].data()[k] -= h * slice(tangent, v)[k];
    }
    const auto high = value_of(*c.op, above, shape), low = value_of(*c.op, below, shape);
    for (Index k = 0; k < high.size(); ++k) {
      const double difference = (high.data()[k] - low.data()[k]) / (2 * h);
      CHECK(std::abs(slice(pushed, v)[k] - difference) < 1e-8 * (1 + std::abs(difference)));
    }
  }
}

using Direction = void (Op<double>::*)(const Site<double>&, Arg, const Stack<double>&, Stack<double>&) const;

// V directions at once are V separate ones, bit for bit, and the result is added to what is there.
Stack<double> checked(const OpCase& c, Direction direction, const Site<double>& site, Arg arg,
                      const Stack<double>& in, Shape out_shape) {
  Stack<double> together = zero_stack(in.shape(0), out_shape);
  (c.op.get()->*direction)(site, arg, in, together);
  for (Index v = 0; v < in.shape(0); ++v) {
    Stack<double> alone = zero_stack(1, out_shape);
    (c.op.get()->*direction)(site, arg, one_of(in, v), alone);
    CHECK(largest_difference(alone, one_of(together, v)) == 0);
  }
  Stack<double> added = zero_stack(in.shape(0), out_shape);
  added.fill(3);
  (c.op.get()->*direction)(site, arg, in, added);
  for (double& v : added) v -= 3;
  // 3 + v - 3 rounds at the last place of 3 + |v|, a few times where v is itself a sum.
  CHECK(largest_difference(added, together) < 1e-14 * (3 + largest(together)));
  return together;
}

Stack<double> dense(const Block<double>& block, Shape parameter) {
  if (const auto* d = std::get_if<DenseBlock<double>>(&block)) return d->j;
  const auto& outer = std::get<OuterBlock<double>>(block);
  Stack<double> j = make_stack<double>(outer.d->shape(0), outer.d->shape(1), parameter.size());
  for (Index v = 0; v < j.shape(0); ++v)
    for (Index n = 0; n < j.shape(1); ++n)
      for (Index p = 0; p < j.shape(2); ++p) {
        const Index o = outer.a ? p / parameter.cols : p;
        const double a = outer.a ? (*outer.a)(n, p % parameter.cols) : 1.0;
        j(v, n, p) = outer.scale * (*outer.d)(v, n, o) * a;
      }
  return j;
}

void check_derivatives(const OpCase& c, const Matrices<double>& arguments, const Matrix<double>& out) {
  const auto in = pointers(arguments);
  const Site<double> site{in, out};
  bool batched = false;
  for (const auto& argument : c.arguments) batched = batched || argument.batched;
  const Stack<double> cotangent = normal_stack<double>(3, shape_of(out), 7);
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    CAPTURE(arg);
    const Shape shape = c.arguments[arg].shape;
    const Stack<double> tangent = normal_stack<double>(3, shape, 8);
    const Stack<double> pushed = checked(c, &Op<double>::jvp, site, arg, tangent, shape_of(out));
    const Stack<double> pulled = checked(c, &Op<double>::vjp, site, arg, cotangent, shape);
    check_jvp(c, arguments, arg, tangent, pushed);
    double size = 0;
    const double there = dot(cotangent, pushed, size), back = dot(pulled, tangent, size);
    // Two summations of the same products; rounding grows with their absolute sum.
    CHECK(std::abs(there - back) <= 1e-13 * size);
    if (batched && !c.arguments[arg].batched && c.op->rows() == Rows::independent) {
      const auto own = dense(c.op->block(site, arg, cotangent), shape);
      const auto standard = dense(c.op->Op<double>::block(site, arg, cotangent), shape);
      CHECK(largest_difference(own, standard) <= 1e-14 * largest(standard));
    }
  }
}

void check_rows(const OpCase& c, const Matrices<double>& arguments, const Matrix<double>& out) {
  bool crossed = false;
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    if (!c.arguments[arg].batched || out.shape(0) < 2) continue;
    Matrices<double> moved = arguments;
    for (Index j = 0; j < moved[arg].shape(1); ++j) moved[arg](1, j) += 0.5;
    const auto other = value_of(*c.op, moved, shape_of(out));
    for (Index n = 0; n < out.shape(0); ++n)
      for (Index j = 0; j < out.shape(1); ++j)
        if (n != 1 && other(n, j) != out(n, j)) crossed = true;
  }
  if (out.size() > 0 && out.shape(0) > 1) CHECK(crossed == (c.op->rows() == Rows::mixed));
}

void check_nan(const OpCase& c, const Matrices<double>& arguments, Shape shape) {
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    if (arguments[arg].size() == 0 || shape.size() == 0) continue;
    Matrices<double> broken = arguments;
    broken[arg].data()[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(largest(value_of(*c.op, broken, shape))));
  }
}

void check_float(const OpCase& c, const Matrices<double>& arguments, const Matrix<double>& out) {
  Matrices<float> narrow;
  Index terms = 1;
  for (const auto& a : arguments) {
    Matrix<float> m = make_matrix<float>(a.shape(0), a.shape(1));
    std::transform(a.begin(), a.end(), m.begin(), [](double v) { return static_cast<float>(v); });
    narrow.push_back(std::move(m));
    terms = std::max(terms, a.shape(1));
  }
  // A sum of `terms` products, each rounded to 6e-8; random signs, so 8 sqrt(terms) covers it.
  const double tolerance = 6e-8 * 8 * std::sqrt(static_cast<double>(terms));
  CHECK(largest_difference(value_of(*c.float_op, narrow, shape_of(out)), out) <=
        tolerance * (1 + largest(out)));
}

void check_refusals(const OpCase& c) {
  for (const auto& shapes : c.refused) {
    const std::string message = message_of<ShapeError>([&] { (void)c.op->shape(shapes); });
    CAPTURE(message);
    CHECK(contains(message, c.op->name()));
    if (shapes.size() == c.arguments.size())
      for (const Shape s : shapes) CHECK(contains(message, to_string(s)));
  }
}

}  // namespace

void check_op(const OpCase& c) {
  CAPTURE(c.label);
  const Matrices<double> arguments = arguments_of(c);
  const Shape shape = promised_shape(c);
  const Matrix<double> out = value_of(*c.op, arguments, shape);
  REQUIRE(shape_of(out) == shape);
  REQUIRE(std::isfinite(largest(out)));
  check_derivatives(c, arguments, out);
  check_rows(c, arguments, out);
  check_nan(c, arguments, shape);
  check_float(c, arguments, out);
  check_refusals(c);
}

}  // namespace ntape::test
