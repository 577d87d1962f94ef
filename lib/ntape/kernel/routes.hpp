#pragma once

#include <iosfwd>
#include <ntape/jacobian/gram.hpp>

namespace ntape {

/// How J1 J2^T is made. All give the same kernel up to rounding.
enum class Route {
  automatic,  ///< the fewest flops (see RouteCost) of those that are possible and store at most 1 GiB of
              ///< dense rows
  factored,   ///< Grams of activations times Grams of cotangents, layer by layer
  dense,      ///< each parameter's dense rows contracted: knows no structure
  products,   ///< columns Theta e = J1 (J2^T e), matrix-free; the only one when an op mixes examples
};

[[nodiscard]] const char* name_of(Route route);

template <class Real>
struct RouteOptions {
  Route route = Route::automatic;
  GramOptions<Real> gram = {};
  /// A flag per parameter of the tape, in its order: those that count. Empty: all.
  std::vector<char> selected = {};
  /// Where to say which route was taken and why. Null: nowhere.
  std::ostream* explain = nullptr;
};

/// The kernel of y1 (on tape1) against y2 (on tape2), split by parameter group (see GramOptions). The tapes
/// hold evaluations of one network at one theta: equal parameters in equal order. Pass the same tape and
/// output twice for a symmetric kernel. Throws UserError when factored or dense is asked for and an op mixes
/// examples, ShapeError when parameters or outputs differ or options do not fit.
/// Cost: factored and dense, see gram_by_group; products, N2 C reverse and forward sweeps (times groups), in
/// chunks of directions that hold at most about 64 MiB of parameters.
template <class Real>
[[nodiscard]] std::vector<Matrix<Real>> kernel_by_group(const Tape<Real>& tape1, Var y1,
                                                        const Tape<Real>& tape2, Var y2,
                                                        const RouteOptions<Real>& options);

}  // namespace ntape
