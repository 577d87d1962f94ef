#pragma once

#include <ntape/tape/tape.hpp>
#include <string>
#include <vector>

namespace ntape {

/// The elementwise op of that name:
///
///   identity              x
///   relu                  max(x, 0); relu'(0) = 0
///   leaky_relu(a)         x for x > 0, a x otherwise; derivative a at 0
///   abs                   |x|; abs'(0) = 0
///   elu, elu(a)           x for x > 0, a (e^x - 1) otherwise, a = 1 when not given; derivative a at 0
///   gelu                  x Phi(x), Phi the distribution function of the standard normal (the exact one)
///   erf, tanh, sin, cos   as in <cmath>
///   sigmoid               1 / (1 + e^-x)
///   softplus              log(1 + e^x)
///   silu                  x sigmoid(x)
///   gaussian              e^(-x^2)
///   square                x^2
///   polynomial(c0,c1,...) c0 + c1 x + c2 x^2 + ...: 2 to 16 coefficients, the last not zero
///
/// NaN comes through every one of them; nothing overflows but what is really larger than the largest number;
/// infinite inputs give the limit where there is one. Throws UserError: for an unknown name, listing
/// known_activations(); for parameters that are missing, too many or not finite numbers.
template <class Real>
[[nodiscard]] OpPtr<Real> activation_op(const std::string& name);

/// activation_op(name) applied to x, entry by entry: result of x's shape, batched as x is. Throws as
/// activation_op. Cost: a few flops per entry, 30 to 90 for those that are not piecewise polynomials
/// (tensor/elementwise.hpp; dual numbers call <cmath>). Those are right to 4 units in the last place, and
/// so are their slopes.
template <class Real>
Var activation(Tape<Real>& tape, const std::string& name, Var x);

/// Every activation once, in the form that activation_op takes; numbers in parentheses are examples.
[[nodiscard]] const std::vector<std::string>& known_activations();

}  // namespace ntape
