#pragma once

#include <concepts>
#include <ntape/model/parameters.hpp>
#include <ntape/tape/tape.hpp>
#include <vector>

namespace ntape {

/// Anything that records a network: f(tape, theta, x) gives the output [N x C]. A generic lambda
/// `[](auto& tape, const auto& theta, Var x) { ... }` is one for every Real; so is an Mlp<Real>.
template <class F, class Real>
concept Network = requires(const F& f, Tape<Real>& tape, const Parameters<Real>& theta, Var x) {
  { f(tape, theta, x) } -> std::same_as<Var>;
};

/// The entry of theta that each parameter of the tape is, by address, in the tape's order.
/// Throws UserError for a parameter that is none: one recorded from elsewhere, or from a copy.
template <class Real>
[[nodiscard]] std::vector<Index> entries_of(const Tape<Real>& tape, const Parameters<Real>& theta);

}  // namespace ntape
