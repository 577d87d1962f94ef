#include <algorithm>
#include <cmath>
#include <map>
#include <ntape/limit/layers.hpp>
#include <ntape/limit/rules_by_name.hpp>

namespace ntape::limit {
namespace {

// The factors of W^l, b^l, A and Sigma being in units of 2^exponent.
LayerFactors factors(const Architecture& a, Index l, int exponent) {
  const double inputs = static_cast<double>(a.widths[l]);
  double forward = a.weight_scale * a.weight_scale;
  if (a.parametrization == Parametrization::mean_field && l + 1 == a.depth()) forward /= inputs;
  const double bias = a.bias_scale * a.bias_scale;
  const bool standard = a.parametrization == Parametrization::standard;
  return {forward, std::ldexp(bias, -exponent), standard ? inputs : forward,
          std::ldexp(standard ? 1 : bias, -exponent)};
}

// Follows all examples from layer to layer.
class Walk {
 public:
  Walk(const Architecture& architecture, double tolerance) : a_(architecture), tolerance_(tolerance) {}

  Layers operator()(const std::vector<double>& squares, double square_error) {
    Layers layers{factors(a_, 0, 0), {}, 0};
    for (const double s : squares) {
      const double p = layers.first.forward * s + layers.first.bias;
      now_.push_back({p, square_error + 4 * kEpsilon, 0, 0, 0, 0});
    }
    for (Index l = 1; l < a_.depth(); ++l) layers.hidden.push_back(layer(l));
    layers.exponent = exponent_;
    return layers;
  }

 private:
  struct Example {
    double p, p_error;        // Sigma^l(x,x), relative error
    double a, a_error;        // A^{l-1}(x,x), relative error
    double mean, mean_error;  // m^{l-1}
  };

  HiddenLayer layer(Index l) {
    HiddenLayer layer{rule(a_.activation_of(l)), nullptr, a_.adds_previous(l), a_.layer_norm, 1, {}, {}};
    layer.unit = rescale(!layer.layer_norm && layer.rule->degree() == 1.0);
    layer.factors = factors(a_, l, exponent_);
    std::vector<double> variances;
    for (const Example& e : now_) {
      layer.examples.push_back(enter(*layer.rule, e));
      variances.push_back(layer.examples.back().variance);
    }
    layer.prepared = layer.rule->prepare(variances, tolerance_);
    for (std::size_t i = 0; i < now_.size(); ++i) leave(layer, i);
    return layer;
  }

  // Equal activations share a rule, and what it has computed.
  std::shared_ptr<const DualRule> rule(const std::string& name) {
    auto& found = rules_[name];
    if (!found) found = rule_by_name(name);
    return found;
  }

  // A homogeneous layer takes any scale: one near 1 keeps depth from overflowing. Others need the true one.
  double rescale(bool homogeneous) {
    int change = -exponent_;
    if (homogeneous) {
      double most = 0;
      for (const Example& e : now_) most = std::max(most, e.p);
      change = most > 0 && std::isfinite(most) ? std::ilogb(most) / 2 * 2 : 0;
      if (std::abs(change) < 64) return 1;
    }
    if (change == 0) return 1;
    // Even, because means scale with its root.
    const double unit = std::ldexp(1, -change), root = std::ldexp(1, -change / 2);
    for (Example& e : now_) {
      e.p *= unit;
      e.a *= unit;
      e.mean *= root;
      e.mean_error *= root;
    }
    exponent_ += change;
    return unit;
  }

  ExampleAt enter(const DualRule& rule, const Example& e) const {
    ExampleAt at{};
    at.variance = e.p;
    at.variance_error = e.p_error;
    at.inverse = 1;
    if (a_.layer_norm) {
      const double sum = e.p + kLayerNormEpsilon;
      at.inverse = 1 / std::sqrt(sum);
      at.inverse_error = e.p_error * e.p / sum / 2 + kEpsilon;
      at.variance = e.p / sum;
      at.variance_error = e.p_error * kLayerNormEpsilon / sum + 2 * kEpsilon;
    }
    at.sensitivity = rule.sensitivity(at.variance);
    at.before = e.mean;
    at.before_error = e.mean_error;
    return at;
  }

  void leave(HiddenLayer& layer, std::size_t i) {
    Example& e = now_[i];
    ExampleAt& at = layer.examples[i];
    const double gap = 0;
    DualValue d{};
    double unused = 0;
    layer.prepared->row(i, i, 1, &at.variance, &gap,
                        {&d.value, &d.slope, &d.value_bound, &d.slope_bound, &unused});
    at.size = std::sqrt(std::max(d.value, 0.0));
    at.slope_size = std::sqrt(std::max(d.slope, 0.0));
    // dE[s^2] = E[u s s'] dp/p
    double error = at.variance_error * at.sensitivity.stretch * at.size + d.value_bound;
    at.activation = d.value;
    if (a_.residual) {
      at.mean = layer.rule->mean(at.variance);
      at.mean_error = at.variance_error * at.sensitivity.stretch / 2 + 16 * kEpsilon * at.size;
    }
    if (layer.residual) {
      at.activation += e.a + 2 * e.mean * at.mean;
      error += e.a * e.a_error + 2 * (e.mean_error * std::abs(at.mean) + std::abs(e.mean) * at.mean_error);
      e.mean += at.mean;
      e.mean_error += at.mean_error;
    } else {
      e.mean = at.mean;
      e.mean_error = at.mean_error;
    }
    const LayerFactors& f = layer.factors;
    at.activation_error = at.activation > 0 ? error / at.activation + 2 * kEpsilon : 0;
    at.next = f.forward * at.activation + f.bias;
    e.a = at.activation;
    e.a_error = at.activation_error;
    e.p_error = at.next > 0 ? f.forward * at.activation * at.activation_error / at.next + 4 * kEpsilon : 0;
    e.p = at.next;
  }

  const Architecture& a_;
  double tolerance_;
  std::vector<Example> now_;
  std::map<std::string, std::shared_ptr<const DualRule>> rules_;
  int exponent_ = 0;
};

}  // namespace

Layers run_examples(const Architecture& architecture, const std::vector<double>& squares, double square_error,
                    double tolerance) {
  return Walk(architecture, tolerance)(squares, square_error);
}

}  // namespace ntape::limit
