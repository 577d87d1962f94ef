#pragma once

#include <algorithm>
#include <limits>

#include "check_op.hpp"
#include "matrices.hpp"

/// What the files of check_op share.
namespace ntape::test {

template <class Real>
using Matrices = std::vector<Matrix<Real>>;

template <class Real>
std::vector<const Matrix<Real>*> pointers(const Matrices<Real>& values) {
  std::vector<const Matrix<Real>*> result;
  for (const auto& v : values) result.push_back(&v);
  return result;
}

/// op(arguments), in storage that was all NaN before.
template <class Real>
Matrix<Real> value_at(const Op<Real>& op, const Matrices<Real>& arguments, Shape shape) {
  Matrix<Real> out = make_matrix<Real>(shape.rows, shape.cols);
  out.fill(Real(std::numeric_limits<double>::quiet_NaN()));
  op.forward(pointers(arguments), out);
  return out;
}

template <class Real>
Stack<Real> zero_stack(Index count, Shape shape) {
  Stack<Real> s = make_stack<Real>(count, shape.rows, shape.cols);
  s.fill(Real(0));
  return s;
}

/// A matrix or stack with each entry converted by `f`.
template <class To, class From, class F>
Matrix<To> mapped(const Matrix<From>& from, F f) {
  Matrix<To> to = make_matrix<To>(from.shape(0), from.shape(1));
  std::transform(from.begin(), from.end(), to.begin(), f);
  return to;
}
template <class To, class From, class F>
Stack<To> mapped(const Stack<From>& from, F f) {
  Stack<To> to = make_stack<To>(from.shape(0), from.shape(1), from.shape(2));
  std::transform(from.begin(), from.end(), to.begin(), f);
  return to;
}

/// What jvp or vjp adds to zeros of `shape`.
template <class Real>
using Direction = void (Op<Real>::*)(const Site<Real>&, Arg, const Stack<Real>&, Stack<Real>&) const;
template <class Real>
Stack<Real> product(const Op<Real>& op, Direction<Real> direction, const Site<Real>& site, Arg arg,
                    const Stack<Real>& in, Shape shape) {
  Stack<Real> out = zero_stack<Real>(in.shape(0), shape);
  (op.*direction)(site, arg, in, out);
  return out;
}

/// arguments + step * directions
inline Matrices<double> moved(Matrices<double> arguments, const Matrices<double>& directions, double step) {
  for (Index k = 0; k < arguments.size(); ++k)
    for (Index e = 0; e < arguments[k].size(); ++e) arguments[k].data()[e] += step * directions[k].data()[e];
  return arguments;
}

/// The largest ratio of an error to what is allowed; NaN once an error was NaN.
class Excess {
 public:
  void add(double error, double allowed) {
    const double ratio = error / allowed;
    if (!(ratio <= worst_) && !std::isnan(worst_)) worst_ = ratio;
  }
  [[nodiscard]] double worst() const { return worst_; }

 private:
  double worst_ = 0;
};

/// What the laws of derivatives look at: an op where its arguments have these values.
struct Place {
  const OpCase& c;
  Matrices<double> arguments;
  Matrix<double> out;
};

void check_first_order(const Place& place);
void check_second_order(const Place& place);

}  // namespace ntape::test
