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

/// One example at one hidden layer. Relative errors are of variances.
struct ExampleAt {
  double variance;        ///< what the dual takes, after layer_norm if there is one
  double variance_error;  ///< relative
  double inverse;         ///< 1 / sqrt(p + e) with layer_norm, 1 without
  double inverse_error;   ///< relative
  double size;            ///< sqrt(K(p,p,p))
  double slope_size;      ///< sqrt(K'(p,p,p))
  Sensitivity sensitivity;
  double mean, mean_error;      ///< mu, of s at this layer; residual networks only
  double before, before_error;  ///< m^{l-1}
  double activation;            ///< A^l(x,x)
  double activation_error;      ///< relative
  double next;                  ///< Sigma^{l+1}(x,x), scaled as in this layer
};

struct HiddenLayer {
  std::shared_ptr<const DualRule> rule;
  std::unique_ptr<PreparedDual> prepared;
  bool residual, layer_norm;
  double unit;           ///< what everything is multiplied by on entering this layer: a power of two
  LayerFactors factors;  ///< from this layer to the next
  std::vector<ExampleAt> examples;
};

/// All hidden layers. `exponent`: the results are to be multiplied by 2^exponent.
struct Layers {
  LayerFactors first;
  std::vector<HiddenLayer> hidden;
  int exponent = 0;
};

/// For examples whose |x|^2 / n_0 is `squares`, with relative error `square_error`.
[[nodiscard]] Layers run_examples(const Architecture& architecture, const std::vector<double>& squares,
                                  double square_error, double tolerance);

/// e in layer_norm, as the tape's op has it.
constexpr double kLayerNormEpsilon = 1e-5;

}  // namespace ntape::limit
