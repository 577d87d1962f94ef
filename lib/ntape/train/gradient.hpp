#pragma once

#include <ntape/model/network.hpp>
#include <ntape/ops/objective.hpp>

namespace ntape {

/// The gradient of an objective of a recorded output with respect to theta, shaped as theta; entries that the
/// tape does not hold have gradient zero. y [N x C] are the targets. Throws as entries_of and the objective.
template <class Real>
[[nodiscard]] Parameters<Real> gradient_of(const Tape<Real>& tape, Var output, const Parameters<Real>& theta,
                                           const Matrix<Real>& y, const std::string& objective_name);

/// d C(f(theta, x), y) / d theta, shaped as theta. Cost: one evaluation and one reverse sweep.
template <class Real, Network<Real> F>
[[nodiscard]] Parameters<Real> gradient(const F& f, const Parameters<Real>& theta, const Matrix<Real>& x,
                                        const Matrix<Real>& y,
                                        const std::string& objective_name = "mean_square") {
  Tape<Real> tape;
  const Var output = f(tape, theta, tape.input(x));
  return gradient_of(tape, output, theta, y, objective_name);
}

/// H v, H the Hessian of C(f(theta, x), y) in theta, v shaped as theta: the slope of the gradient along v,
/// from one sweep over dual numbers (Pearlmutter 1994). Cost: about three gradients.
template <class Real, Network<Dual<Real>> F>
[[nodiscard]] Parameters<Real> hessian_vector_product(const F& f, const Parameters<Real>& theta,
                                                      const Parameters<Real>& v, const Matrix<Real>& x,
                                                      const Matrix<Real>& y,
                                                      const std::string& objective_name = "mean_square") {
  const auto moving = gradient(f, along(theta, v), fixed(x), fixed(y), objective_name);
  Parameters<Real> product = theta;
  for (Index e = 0; e < product.entries.size(); ++e)
    product.entries[e].value = slopes(moving.entries[e].value);
  return product;
}

}  // namespace ntape
