#include <doctest/doctest.h>

#include <variant>

#include "check_op_parts.hpp"

namespace ntape::test {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// Of central differences. Truncation is h^2/6 times third derivatives along directions of length up to 5: up
// to 1000 for what the cases hold, so 2.4e-9, and more only where the derivative itself is large. Rounding is
// epsilon / h = 6e-11 for values of order 1; a sum of T terms of order 1 is of order sqrt(T) and rounds
// sqrt(T) times at random.
constexpr double kStep = 0x1p-18;
double allowed(const OpCase& c, double derivative) {
  return 1e-8 * (1 + std::abs(derivative)) + kEpsilon * static_cast<double>(c.terms) / kStep;
}

double worst_against_difference(const OpCase& c, const Stack<double>& derivative, const Stack<double>& above,
                                const Stack<double>& below) {
  Excess excess;
  for (Index k = 0; k < derivative.size(); ++k) {
    const double difference = (above.data()[k] - below.data()[k]) / (2 * kStep);
    excess.add(std::abs(derivative.data()[k] - difference), allowed(c, difference));
  }
  return excess.worst();
}

Stack<double> one_of(const Stack<double>& s, Index v) {
  Stack<double> one = make_stack<double>(1, s.shape(1), s.shape(2));
  std::copy_n(slice(s, v), one.size(), one.data());
  return one;
}

// V directions at once are V separate ones, bit for bit; the result is added to what is there; and it is the
// same every time.
Stack<double> checked(const OpCase& c, Direction<double> direction, const Site<double>& site, Arg arg,
                      const Stack<double>& in, Shape shape) {
  const Op<double>& op = *c.ops.f64;
  const Stack<double> together = product(op, direction, site, arg, in, shape);
  CHECK(largest_difference(product(op, direction, site, arg, in, shape), together) == 0);
  for (Index v = 0; v < in.shape(0); ++v)
    CHECK(largest_difference(product(op, direction, site, arg, one_of(in, v), shape), one_of(together, v)) ==
          0);
  Stack<double> added = zero_stack<double>(in.shape(0), shape);
  added.fill(3);
  (op.*direction)(site, arg, in, added);
  for (double& v : added) v -= 3;
  // 3 + v - 3 rounds at the last place of 3 + |v|, once for each of the terms that are added one by one.
  CHECK(largest_difference(added, together) <=
        kEpsilon * (2 + std::sqrt(static_cast<double>(c.terms))) * (3 + largest(together)));
  return together;
}

// The jvp towards one argument against forward, the others held.
void check_jvp(const Place& place, Arg arg, const Stack<double>& tangent, const Stack<double>& pushed) {
  for (Index v = 0; v < tangent.shape(0); ++v) {
    const auto forward_at = [&](double step) {
      Matrices<double> arguments = place.arguments;
      for (Index k = 0; k < arguments[arg].size(); ++k)
        arguments[arg].data()[k] += step * slice(tangent, v)[k];
      const auto value = value_at(*place.c.ops.f64, arguments, shape_of(place.out));
      Stack<double> result = make_stack<double>(1, value.shape(0), value.shape(1));
      std::copy(value.begin(), value.end(), result.begin());
      return result;
    };
    CHECK(worst_against_difference(place.c, one_of(pushed, v), forward_at(kStep), forward_at(-kStep)) <= 1);
  }
}

// Two summations of the same products; the rounding of each grows with the absolute sum of its own.
void check_transposed(const Stack<double>& cotangent, const Stack<double>& pushed,
                      const Stack<double>& pulled, const Stack<double>& tangent) {
  const auto dot = [](const Stack<double>& a, const Stack<double>& b, double& size) {
    double sum = 0;
    for (Index k = 0; k < a.size(); ++k) {
      sum += a.data()[k] * b.data()[k];
      size += std::abs(a.data()[k] * b.data()[k]);
    }
    return sum;
  };
  double size_there = 0, size_back = 0;
  const double there = dot(cotangent, pushed, size_there), back = dot(pulled, tangent, size_back);
  CHECK(std::abs(there - back) <= 1e-13 * std::max(size_there, size_back));
}

// A first cotangent is written over anything and has the values of one added to zeros.
template <class Real>
void check_written(const Op<Real>& op, const Site<Real>& site, Arg arg, const Stack<Real>& cotangent,
                   Shape of_argument) {
  Stack<Real> added = make_stack<Real>(cotangent.shape(0), of_argument.rows, of_argument.cols),
              written = added;
  added.fill(Real(0));
  op.vjp(site, arg, cotangent, added);
  written.fill(Real(std::nan("")));
  op.write_vjp(site, arg, cotangent, written);
  for (Index k = 0; k < added.size(); ++k) {
    const bool same = written.data()[k] == added.data()[k];
    if (!same) CHECK(same);
  }
}

template <class Real>
Stack<Real> dense(const Block<Real>& block, Shape parameter) {
  if (const auto* d = std::get_if<DenseBlock<Real>>(&block)) return d->j;
  const auto& outer = std::get<OuterBlock<Real>>(block);
  Stack<Real> j = make_stack<Real>(outer.d->shape(0), outer.d->shape(1), parameter.size());
  for (Index v = 0; v < j.shape(0); ++v)
    for (Index n = 0; n < j.shape(1); ++n)
      for (Index p = 0; p < j.shape(2); ++p) {
        const Index o = outer.a ? p / parameter.cols : p;
        const Real a = outer.a ? (*outer.a)(n, p % parameter.cols) : Real(1);
        j(v, n, p) = outer.scale * (*outer.d)(v, n, o) * a;
      }
  return j;
}

Stack<double> values(const Stack<Dual<double>>& s) {
  return mapped<double>(s, [](Dual<double> d) { return d.value; });
}
Stack<double> slopes(const Stack<Dual<double>>& s) {
  return mapped<double>(s, [](Dual<double> d) { return d.slope; });
}
const Stack<double>& values(const Stack<double>& s) {
  return s;
}

// Per-example Jacobians exist where a batched op with independent rows takes a batch-free argument.
bool has_block(const OpCase& c, Arg arg) {
  const bool batched = std::any_of(c.arguments.begin(), c.arguments.end(), [](auto& a) { return a.batched; });
  return batched && !c.arguments[arg].batched && c.ops.f64->rows() == Rows::independent;
}

template <class Real>
void check_block(const OpCase& c, const Op<Real>& op, const Site<Real>& site, Arg arg,
                 const Stack<Real>& cotangent) {
  if (!has_block(c, arg)) return;
  const Shape shape = c.arguments[arg].shape;
  const auto own = dense(op.block(site, arg, cotangent), shape);
  const auto standard = dense(op.block_by_examples(site, arg, cotangent), shape);
  // One product of two or three factors either way.
  CHECK(largest_difference(values(own), values(standard)) <= 1e-14 * largest(values(standard)));
  if constexpr (!std::is_floating_point_v<Real>)
    CHECK(largest_difference(slopes(own), slopes(standard)) <= 1e-14 * largest(slopes(standard)));
}

// A direction for every argument at once.
Matrices<double> directions_of(const OpCase& c, std::uint64_t stream) {
  Matrices<double> result;
  for (Arg k = 0; k < c.arguments.size(); ++k)
    result.push_back(normal<double>(c.arguments[k].shape.rows, c.arguments[k].shape.cols, stream + k));
  return result;
}

Stack<double> jvp_of_all(const Place& place, const Matrices<double>& directions) {
  const auto in = pointers(place.arguments);
  Stack<double> sum = zero_stack<double>(1, shape_of(place.out));
  for (Arg arg = 0; arg < directions.size(); ++arg) {
    Stack<double> t = zero_stack<double>(1, shape_of(directions[arg]));
    std::copy(directions[arg].begin(), directions[arg].end(), t.begin());
    place.c.ops.f64->jvp({in, place.out}, arg, t, sum);
  }
  return sum;
}

// |f(x + h v) - f(x) - h J v| is of order h^2 where f is curved: halving h four times divides it by 2^8. From
// 2^-10 to 2^-14 the third order adds less than 1e-3 to the order, and rounding (1e-16 beside 2^-28) less
// than that. Where f is not curved, the remainder is nothing but rounding.
void check_taylor(const Place& place) {
  if (place.out.size() == 0) return;
  const auto directions = directions_of(place.c, 40);
  const auto pushed = jvp_of_all(place, directions);
  const auto remainder = [&](double h) {
    const auto there = value_at(*place.c.ops.f64, moved(place.arguments, directions, h), shape_of(place.out));
    double sum = 0;
    for (Index k = 0; k < there.size(); ++k) {
      const double r = there.data()[k] - place.out.data()[k] - h * pushed.data()[k];
      sum += r * r;
    }
    return std::sqrt(sum / static_cast<double>(there.size()));
  };
  const double far = remainder(0x1p-10), near = remainder(0x1p-14);
  if (place.c.curved)
    CHECK(std::abs(std::log2(far / near) / 4 - 2) <= 0.05);
  else
    CHECK(far <= kEpsilon * static_cast<double>(4 + place.c.terms) * (1 + largest(place.out)));
}

}  // namespace

void check_first_order(const Place& place) {
  const OpCase& c = place.c;
  const auto in = pointers(place.arguments);
  const Site<double> site{in, place.out};
  const Stack<double> cotangent = normal_stack<double>(3, shape_of(place.out), 7);
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    CAPTURE(arg);
    const Shape shape = c.arguments[arg].shape;
    const Stack<double> tangent = normal_stack<double>(3, shape, 8);
    const Stack<double> pushed = checked(c, &Op<double>::jvp, site, arg, tangent, shape_of(place.out));
    const Stack<double> pulled = checked(c, &Op<double>::vjp, site, arg, cotangent, shape);
    check_jvp(place, arg, tangent, pushed);
    check_transposed(cotangent, pushed, pulled, tangent);
    check_written(*c.ops.f64, site, arg, cotangent, shape);
    check_block(c, *c.ops.f64, site, arg, cotangent);
  }
  check_taylor(place);
}

// The arguments move along directions; their slopes are those directions.
void check_second_order(const Place& place) {
  const OpCase& c = place.c;
  const Shape shape = shape_of(place.out);
  const auto directions = directions_of(c, 50);
  Matrices<Dual<double>> dual;
  for (Arg k = 0; k < c.arguments.size(); ++k) {
    dual.push_back(make_matrix<Dual<double>>(c.arguments[k].shape.rows, c.arguments[k].shape.cols));
    for (Index e = 0; e < dual[k].size(); ++e)
      dual[k].data()[e] = {place.arguments[k].data()[e], directions[k].data()[e]};
  }
  const auto out = value_at(*c.ops.dual, dual, shape);
  const auto in = pointers(dual);
  const Site<Dual<double>> site{in, out};

  // The same sums in another order: they round like any sum of so many terms.
  const double rounding = kEpsilon * (8 + static_cast<double>(c.terms));
  const auto pushed = jvp_of_all(place, directions);
  const double value_rounding = rounding * (1 + largest(place.out)),
               slope_rounding = rounding * (1 + largest(pushed));
  Excess value, slope;
  for (Index k = 0; k < out.size(); ++k) {
    value.add(std::abs(out.data()[k].value - place.out.data()[k]), value_rounding);
    slope.add(std::abs(out.data()[k].slope - pushed.data()[k]), slope_rounding);
  }
  CHECK(value.worst() <= 1);
  CHECK(slope.worst() <= 1);

  const auto above = moved(place.arguments, directions, kStep),
             below = moved(place.arguments, directions, -kStep);
  const auto compare = [&](Direction<double> first, Direction<Dual<double>> second, Arg arg,
                           const Stack<double>& given, Shape result) {
    const auto at = [&](const Matrices<double>& arguments) {
      const auto values_there = value_at(*c.ops.f64, arguments, shape);
      const auto in_there = pointers(arguments);
      return product(*c.ops.f64, first, {in_there, values_there}, arg, given, result);
    };
    const auto both = product(*c.ops.dual, second, site, arg,
                              mapped<Dual<double>>(given, [](double v) { return Dual<double>(v); }), result);
    const auto here = at(place.arguments);
    CHECK(largest_difference(values(both), here) <= rounding * (1 + largest(here)));
    CHECK(worst_against_difference(c, slopes(both), at(above), at(below)) <= 1);
  };
  for (Arg arg = 0; arg < c.arguments.size(); ++arg) {
    CAPTURE(arg);
    const Shape of_argument = c.arguments[arg].shape;
    compare(&Op<double>::jvp, &Op<Dual<double>>::jvp, arg, normal_stack<double>(1, of_argument, 60), shape);
    compare(&Op<double>::vjp, &Op<Dual<double>>::vjp, arg, normal_stack<double>(1, shape, 61), of_argument);
    check_written(*c.ops.dual, site, arg,
                  mapped<Dual<double>>(normal_stack<double>(2, shape, 62),
                                       [](double v) { return Dual<double>(v, 1 - v); }),
                  of_argument);
    check_block(c, *c.ops.dual, site, arg,
                mapped<Dual<double>>(normal_stack<double>(2, shape, 62),
                                     [](double v) { return Dual<double>(v, 1 - v); }));
  }
}

}  // namespace ntape::test
