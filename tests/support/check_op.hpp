#pragma once

#include <ntape/tape/op.hpp>
#include <string>
#include <vector>

namespace ntape::test {

/// One op in every precision that the laws look at.
struct OpTriple {
  OpPtr<double> f64;
  OpPtr<float> f32;
  OpPtr<Dual<double>> dual;
};

/// The three from one factory: every_real([]<class Real>() { return linear_op(static_cast<Real>(0.7)); })
template <class Make>
[[nodiscard]] OpTriple every_real(Make make) {
  return {make.template operator()<double>(), make.template operator()<float>(),
          make.template operator()<Dual<double>>()};
}

/// What an argument of an op may hold: any number, or numbers not below 1.
enum class Domain { real, positive };

struct Argument {
  Shape shape;
  bool batched;
  Domain domain = Domain::real;
};

/// One op on one set of argument shapes.
struct OpCase {
  std::string label;
  OpTriple ops;
  std::vector<Argument> arguments;
  std::vector<std::vector<Shape>> refused = {};  ///< argument shapes that shape() must refuse
  double kink = 0;                               ///< arguments keep at least this far from zero
  bool curved = true;  ///< whether the op is nonlinear in its arguments taken together, away from kinks
  Index terms = 1;     ///< of the longest sum in the op and its derivatives; rounding grows with it
};

/// Values for argument `position` of a case, in its domain and away from its kink; a pure function of the
/// case and the stream. `Real` is float, double, or a Dual without slope.
[[nodiscard]] Matrix<double> argument_values(const OpCase& c, Arg position, std::uint64_t stream = 0);

/// Puts an op through every law of the contract in tape/op.hpp, as doctest checks:
/// forward writes every entry of the promised shape; jvp is the derivative of forward, by central differences
/// and by the order of Taylor's remainder; vjp is its transpose; both add, give the same bits every time, and
/// treat V directions as V separate ones, to the bit; block() is the default block; rows are independent
/// when, and only when, rows() says so; NaN comes through; float follows double; wrong shapes are refused
/// with the op's name and the shapes. With dual numbers, forward carries the jvp, and jvp and vjp carry the
/// derivatives of themselves: what second order is made of.
void check_op(const OpCase& c);

}  // namespace ntape::test
