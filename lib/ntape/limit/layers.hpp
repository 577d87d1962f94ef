#pragma once

#include <memory>
#include <ntape/limit/rule.hpp>
#include <ntape/model/architecture.hpp>
#include <vector>

/// The recursion along single examples: all of it that does not depend on pairs.
namespace ntape::limit {

/// Sigma^{l+1} = forward A^l + bias, and what the parameters W^l, b^l add to Theta: weight A^l + shift.
/// Scaled as the quantities of layer l are.
struct LayerFactors {
  double forward, bias, weight, shift;
};

/// What a number can lose, absolute, where it is below what doubles hold in full: some thousand of the least
/// of them, for the operations of a dual.
constexpr double kLost = 0x1p-1064;

/// Examples at one hidden layer, a column per quantity. Relative errors are of variances.
struct ExampleColumns {
  using Numbers = std::vector<double>;
  Numbers variance;        ///< what the dual takes, after layer_norm if there is one
  Numbers variance_error;  ///< relative
  Numbers sum_error;       ///< of Sigma^l(x,x), relative
  Numbers deviation;       ///< its square root
  Numbers inverse;         ///< 1 / sqrt(p + e) with layer_norm, 1 without
  Numbers inverse_error;
  Numbers size;         ///< sqrt(K(p,p,p))
  Numbers slope_size;   ///< sqrt(K'(p,p,p))
  Numbers value_slack;  ///< what the variance's error does to s(u), root mean square: half of it, relative,
                        ///< times the stretch
  Numbers slope_slack;  ///< the same of s'(u)
  Numbers smooth;       ///< sqrt(p) times the curvature
  Numbers moving;  ///< what the variance's error does to jumps of s' away from 0: half of it, relative, times
                   ///< the sensitivity's `moving`
  Numbers steepest;                       ///< the sensitivity's
  Numbers mean, mean_error;               ///< mu, of s at this layer; residual networks only
  Numbers before, before_error;           ///< m^{l-1}
  Numbers root_previous, previous_error;  ///< sqrt(A^{l-1}(x,x)) and the relative error of its square
  Numbers activation;                     ///< A^l(x,x)
  Numbers activation_error;               ///< relative
  Numbers root_activation;                ///< sqrt(A^l(x,x))
  Numbers root_error;                     ///< its error, absolute
  Numbers dead;                           ///< 1 where Sigma^{l+1}(x,x) is 0, 0 elsewhere
  Numbers next_slack;  ///< relative error of A^l(x,x) times bias / Sigma^{l+1}: its part in the gap's
  /// Reciprocals of size, of root_activation (0 where there is none) and of sqrt(Sigma^{l+1}(x,x)), scaled as
  /// in this layer (1 where there is none): they spare every pair its quotients.
  Numbers inverse_size, inverse_root_activation, inverse_root_next;

  explicit ExampleColumns(std::size_t count);
  [[nodiscard]] double bytes() const;

 private:
  [[nodiscard]] std::vector<Numbers*> columns();
};

struct HiddenLayer {
  std::shared_ptr<const DualRule> rule;
  std::unique_ptr<PreparedDual> prepared;
  bool residual, layer_norm;
  double unit;           ///< what everything is multiplied by on entering this layer: a power of two
  LayerFactors factors;  ///< from this layer to the next
  double jump;           ///< the jumps of s' together
  bool moving;           ///< whether there are any away from 0
  bool smooth;           ///< whether s' does anything but jump
  ExampleColumns examples;
};

/// All hidden layers. `exponent`: the results are to be multiplied by 2^exponent.
struct Layers {
  LayerFactors first;
  std::vector<HiddenLayer> hidden;
  int exponent = 0;
};

/// For examples whose |x|^2 / n_0 is `squares`, with relative error `square_error`. Throws UserError when an
/// activation is neither among `duals` nor known by its name.
[[nodiscard]] Layers run_examples(const Architecture& architecture, const std::vector<double>& squares,
                                  double square_error, double tolerance, const Duals& duals);

/// e in layer_norm, as the tape's op has it.
constexpr double kLayerNormEpsilon = 1e-5;

}  // namespace ntape::limit
