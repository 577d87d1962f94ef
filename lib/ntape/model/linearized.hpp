#pragma once

#include <functional>
#include <memory>
#include <ntape/model/network.hpp>

namespace ntape {

/// The linearization of a network around theta_0 (Lee et al. 2019, equation 5):
///
///   f_lin(theta, x) = f(theta_0, x) + J_0(x) (theta - theta_0),  J_0 = df/dtheta at theta_0.
///
/// It is a Network, so whatever trains, evaluates or watches networks does so with it: gradient descent on it
/// is training in parameter space of what a frozen kernel Theta_0 does in function space. J_0 is never
/// formed: values are a pushforward, gradients a pullback on the tape of f at theta_0.
template <class Real>
class Linearized {
 public:
  /// Records f(tape, theta, x): see Network.
  using Record = std::function<Var(Tape<Real>&, const Parameters<Real>&, Var)>;

  /// theta_0 is copied.
  Linearized(Record f, const Parameters<Real>& start)
      : f_(std::move(f)), start_(std::make_shared<const Parameters<Real>>(start)) {}

  [[nodiscard]] const Parameters<Real>& start() const { return *start_; }

  /// Records f_lin(theta, x) as one op on x and theta. Throws ShapeError when theta is not shaped as theta_0,
  /// and as f. x must not depend on parameters: a derivative towards it throws UserError.
  /// Cost: one evaluation of f now, and again when x has changed; then a forward sweep for every evaluation
  /// and a reverse sweep for every gradient, each about twice an evaluation. Memory beside f's own: theta_0,
  /// theta - theta_0, and tangents and cotangents of every value. The per-example Jacobian of it is dense and
  /// costs a reverse sweep an example.
  Var operator()(Tape<Real>& tape, const Parameters<Real>& theta, Var x) const;

 private:
  Record f_;
  std::shared_ptr<const Parameters<Real>> start_;
};

/// f around theta_0, which is copied with f: `gradient_descent(linearize(model, theta), theta, data,
/// options)`.
template <class Real, Network<Real> F>
[[nodiscard]] Linearized<Real> linearize(const F& f, const Parameters<Real>& start) {
  return Linearized<Real>(f, start);
}

}  // namespace ntape
