#include "check_op.hpp"

#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>

#include "check_op_parts.hpp"
#include "temp_dir.hpp"

namespace ntape::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Shape promised_shape(const OpCase& c) {
  std::vector<Shape> shapes;
  for (const auto& argument : c.arguments) shapes.push_back(argument.shape);
  return c.ops.f64->shape(shapes);
}

void check_rows(const Place& place) {
  const OpCase& c = place.c;
  const Matrix<double>& out = place.out;
  bool crossed = false, batched = false;
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    if (!c.arguments[arg].batched || c.arguments[arg].shape.rows < 2) continue;
    batched = true;
    Matrices<double> changed = place.arguments;
    for (Index j = 0; j < changed[arg].shape(1); ++j) changed[arg](1, j) += 0.5;
    const auto other = value_at(*c.ops.f64, changed, shape_of(out));
    for (Index n = 0; n < out.shape(0); ++n)
      for (Index j = 0; j < out.shape(1); ++j)
        if (n != 1 && other(n, j) != out(n, j)) crossed = true;
  }
  if (batched && out.size() > 0) CHECK(crossed == (c.ops.f64->rows() == Rows::mixed));
}

// A NaN reaches every output that the entry moves; and, should the op be flat where the entry is, an argument
// that is all NaN leaves a trace.
void check_nan(const Place& place) {
  const OpCase& c = place.c;
  const Shape shape = shape_of(place.out);
  const auto in = pointers(place.arguments);
  const Site<double> site{in, place.out};
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    const Matrix<double>& argument = place.arguments[arg];
    if (argument.size() == 0 || shape.size() == 0) continue;
    Matrices<double> broken = place.arguments;
    broken[arg].fill(kNaN);
    CHECK(std::isnan(largest(value_at(*c.ops.f64, broken, shape))));
    for (const Index entry : {Index{0}, argument.size() / 2, argument.size() - 1}) {
      broken[arg] = argument;
      broken[arg].data()[entry] = kNaN;
      const auto value = value_at(*c.ops.f64, broken, shape);
      auto unit = zero_stack<double>(1, shape_of(argument));
      unit.data()[entry] = 1;
      const auto reached = product(*c.ops.f64, &Op<double>::jvp, site, arg, unit, shape);
      Index lost = 0;
      for (Index k = 0; k < value.size(); ++k)
        if (reached.data()[k] != 0 && !std::isnan(value.data()[k])) ++lost;
      CAPTURE(entry);
      CHECK(lost == 0);
    }
  }
}

void check_refusals(const OpCase& c) {
  for (const auto& shapes : c.refused) {
    const std::string message = message_of<ShapeError>([&] { (void)c.ops.f64->shape(shapes); });
    CAPTURE(message);
    CHECK(contains(message, c.ops.f64->name()));
    if (shapes.size() == c.arguments.size())
      for (const Shape s : shapes) CHECK(contains(message, to_string(s)));
  }
}

// A sum of `terms` products, each rounded to 6e-8; random signs, so 8 sqrt(terms) covers it.
void check_near(const OpCase& c, const Stack<float>& narrow, const Stack<double>& wide) {
  const double tolerance = 6e-8 * 8 * std::sqrt(static_cast<double>(c.terms));
  CHECK(largest_difference(narrow, wide) <= tolerance * (1 + largest(wide)));
}

template <class M>
Stack<typename M::value_type> as_stack(const M& m) {
  auto s = make_stack<typename M::value_type>(1, m.shape(0), m.shape(1));
  std::copy(m.begin(), m.end(), s.begin());
  return s;
}

void check_float(const Place& place) {
  const OpCase& c = place.c;
  const auto to_float = [](double v) { return static_cast<float>(v); };
  Matrices<float> narrow;
  for (const auto& a : place.arguments) narrow.push_back(mapped<float>(a, to_float));
  // Double precision at the very numbers that float sees: what differs is the arithmetic alone.
  Matrices<double> wide;
  for (const auto& a : narrow) wide.push_back(mapped<double>(a, [](float v) { return double{v}; }));
  const Shape shape = shape_of(place.out);
  const auto narrow_out = value_at(*c.ops.f32, narrow, shape);
  const auto wide_out = value_at(*c.ops.f64, wide, shape);
  check_near(c, as_stack(narrow_out), as_stack(wide_out));
  const auto narrow_in = pointers(narrow);
  const auto wide_in = pointers(wide);
  const Site<float> narrow_site{narrow_in, narrow_out};
  const Site<double> wide_site{wide_in, wide_out};
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    CAPTURE(arg);
    const Shape of_argument = c.arguments[arg].shape;
    const auto t = normal_stack<float>(1, of_argument, 31), u = normal_stack<float>(1, shape, 32);
    const auto to_double = [](float v) { return double{v}; };
    check_near(c, product(*c.ops.f32, &Op<float>::jvp, narrow_site, arg, t, shape),
               product(*c.ops.f64, &Op<double>::jvp, wide_site, arg, mapped<double>(t, to_double), shape));
    check_near(
        c, product(*c.ops.f32, &Op<float>::vjp, narrow_site, arg, u, of_argument),
        product(*c.ops.f64, &Op<double>::vjp, wide_site, arg, mapped<double>(u, to_double), of_argument));
  }
}

}  // namespace

Matrix<double> argument_values(const OpCase& c, Arg position, std::uint64_t stream) {
  const Argument& argument = c.arguments[position];
  Matrix<double> values =
      normal<double>(argument.shape.rows, argument.shape.cols, 100 + 16 * stream + position);
  for (double& v : values) {
    if (argument.domain == Domain::positive) v = 1 + std::abs(v);
    if (std::abs(v) < c.kink) v += v < 0 ? -c.kink : c.kink;
  }
  return values;
}

void check_op(const OpCase& c) {
  CAPTURE(c.label);
  Matrices<double> arguments;
  for (Arg k = 0; k < c.arguments.size(); ++k) arguments.push_back(argument_values(c, k));
  const Shape shape = promised_shape(c);
  const Place place{c, arguments, value_at(*c.ops.f64, arguments, shape)};
  REQUIRE(shape_of(place.out) == shape);
  REQUIRE(std::isfinite(largest(place.out)));
  CHECK(largest_difference(value_at(*c.ops.f64, arguments, shape), place.out) == 0);
  check_first_order(place);
  check_second_order(place);
  check_rows(place);
  check_nan(place);
  check_float(place);
  check_refusals(c);
}

}  // namespace ntape::test
