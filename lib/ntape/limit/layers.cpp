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

double relative(double error, double x) {
  return x > 0 ? error / x : 0;
}

// Of sqrt(x): from d/dx sqrt(x) at the least that x can be, and nothing is off by more than its error.
double root_error(double x, double error) {
  return error < x / 2 ? error / (2 * std::sqrt(x - error)) : 2 * std::sqrt(error);
}

double reciprocal(double x) {
  const double r = 1 / x;
  return std::isfinite(r) ? r : 0;
}

double nearby(double derived, double most, double variance) {
  return variance > 0 ? std::min(2 * derived, most) : most;
}

// Variances below it have lost digits, or may have.
constexpr double kVanishing = 1e-290;

// Follows all examples from layer to layer.
class Walk {
 public:
  Walk(const Architecture& architecture, double tolerance, const Duals& duals)
      : a_(architecture), tolerance_(tolerance) {
    for (const auto& [name, dual] : duals) rules_[name] = dual.shared_rule();
  }

  Layers operator()(const std::vector<double>& squares, double square_error) {
    Layers layers{factors(a_, 0, 0), {}, 0};
    for (const double s : squares) {
      const double p = layers.first.forward * s + layers.first.bias;
      const double off = layers.first.forward * (s * square_error + kLost) + kLost;
      now_.push_back({p, relative(off, p) + 4 * kEpsilon, off, 0, 0, 0, 0, 0});
    }
    for (Index l = 1; l < a_.depth(); ++l) layers.hidden.push_back(layer(l));
    layers.exponent = exponent_;
    return layers;
  }

 private:
  struct Example {
    double p, p_error, p_off;  // Sigma^l(x,x), relative and absolute error
    double a, a_error, a_off;  // A^{l-1}(x,x), likewise
    double mean, mean_error;   // m^{l-1}
  };

  HiddenLayer layer(Index l) {
    HiddenLayer layer{
        rule(a_.activation_of(l)),  nullptr, a_.adds_previous(l), a_.layer_norm, 1, {}, 0, false, false,
        ExampleColumns(now_.size())};
    layer.unit = rescale(!layer.layer_norm && layer.rule->degree() == 1.0);
    layer.factors = factors(a_, l, exponent_);
    layer.jump = layer.rule->jump();
    std::vector<double> variances(now_.size()), errors(now_.size());
    for (std::size_t i = 0; i < now_.size(); ++i) enter(layer.examples, i, variances[i], errors[i]);
    layer.prepared = layer.rule->prepare(variances, tolerance_);
    for (std::size_t i = 0; i < now_.size(); ++i) leave(layer, i, variances[i], errors[i]);
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
      // units are doubles themselves
      change = most > 0 && std::isfinite(most) ? std::clamp(std::ilogb(most) / 2 * 2, -1000, 1000) : 0;
      if (std::abs(change) < 64) return 1;
    }
    if (change == 0) return 1;
    // Even, because means scale with its root.
    const double unit = std::ldexp(1, -change), root = std::ldexp(1, -change / 2);
    for (Example& e : now_) {
      e.p *= unit;
      e.a *= unit;
      e.p_off = e.p_off * unit + kLost;
      e.a_off = e.a_off * unit + kLost;
      e.p_error = std::max(e.p_error, relative(kLost, e.p));
      e.a_error = std::max(e.a_error, relative(kLost, e.a));
      e.mean *= root;
      e.mean_error *= root;
    }
    exponent_ += change;
    return unit;
  }

  void enter(ExampleColumns& at, std::size_t i, double& variance, double& error) const {
    const Example& e = now_[i];
    variance = e.p;
    error = e.p_error;
    at.inverse[i] = 1;
    if (a_.layer_norm) {
      const double sum = e.p + kLayerNormEpsilon;
      at.inverse[i] = 1 / std::sqrt(sum);
      at.inverse_error[i] = e.p_error * e.p / sum / 2 + kEpsilon;
      variance = e.p / sum;
      error = e.p_error * kLayerNormEpsilon / sum + 2 * kEpsilon;
    }
    at.variance[i] = variance;
    at.variance_error[i] = error;
    at.sum_error[i] = e.p_error;
    at.deviation[i] = std::sqrt(variance);
    at.before[i] = e.mean;
    at.before_error[i] = e.mean_error;
    at.root_previous[i] = std::sqrt(e.a);
    at.previous_error[i] = e.a_error;
  }

  void leave(HiddenLayer& layer, std::size_t i, double variance, double variance_error) {
    Example& e = now_[i];
    ExampleColumns& at = layer.examples;
    const Sensitivity s = layer.rule->sensitivity(variance);
    const double gap = 0;
    DualValue d{};
    double unused = 0;
    layer.prepared->row(i, i, 1, &variance, &gap,
                        {&d.value, &d.slope, &d.value_bound, &d.slope_bound, &unused});
    at.size[i] = std::sqrt(std::max(d.value, 0.0));
    at.inverse_size[i] = reciprocal(at.size[i]);
    at.slope_size[i] = std::sqrt(std::max(d.slope, 0.0));
    at.value_slack[i] = variance_error * s.stretch / 2;
    at.slope_slack[i] = variance_error * s.curving_stretch / 2;
    // Where the error is no small part of the variance: u moves by at most the root of the error, and by at
    // most twice what the derivative says.
    if (variance < kVanishing) {
      const double off = 2 * std::sqrt(e.p_off) * at.inverse[i];
      at.value_slack[i] = nearby(at.value_slack[i], off * s.slope, variance);
      at.slope_slack[i] = nearby(at.slope_slack[i], off * s.curvature, variance);
      at.size[i] += at.value_slack[i];
    }
    at.smooth[i] = at.deviation[i] * s.curvature;
    at.moving[i] = variance_error * s.moving / 2;
    at.steepest[i] = s.steepest;
    layer.moving = layer.moving || s.moving > 0;
    layer.smooth = layer.smooth || at.smooth[i] > 0;
    // dE[s^2] = E[u s s'] dp/p
    double a = d.value, error = 2 * at.value_slack[i] * at.size[i] + d.value_bound + kLost;
    if (a_.residual) {
      at.mean[i] = layer.rule->mean(variance);
      at.mean_error[i] = at.value_slack[i] + 16 * kEpsilon * at.size[i];
    }
    if (layer.residual) {
      a += e.a + 2 * e.mean * at.mean[i];
      error += std::max(e.a * e.a_error, e.a_off) +
               2 * (e.mean_error * std::abs(at.mean[i]) + std::abs(e.mean) * at.mean_error[i]);
    } else {
      e.mean = e.mean_error = 0;
    }
    e.mean += at.mean[i];
    e.mean_error += at.mean_error[i];
    const LayerFactors& f = layer.factors;
    const double next = f.forward * a + f.bias;
    e.a = at.activation[i] = a;
    error += 2 * kEpsilon * a;
    e.a_error = at.activation_error[i] = relative(error, a);
    e.a_off = error;
    e.p = next;
    e.p_off = f.forward * error + kLost;
    e.p_error = next > 0 ? relative(e.p_off, next) + 4 * kEpsilon : 0;
    at.root_activation[i] = std::sqrt(a);
    at.inverse_root_activation[i] = reciprocal(at.root_activation[i]);
    at.root_error[i] = root_error(a, error);
    at.inverse_root_next[i] = next > 0 ? 1 / std::sqrt(next) : 1;
    at.dead[i] = next > 0 ? 0 : 1;
    at.next_slack[i] = next > 0 ? f.bias / next * e.a_error : 0;
  }

  const Architecture& a_;
  double tolerance_;
  std::vector<Example> now_;
  std::map<std::string, std::shared_ptr<const DualRule>> rules_;
  int exponent_ = 0;
};

}  // namespace

std::vector<ExampleColumns::Numbers*> ExampleColumns::columns() {
  return {&variance,
          &variance_error,
          &sum_error,
          &deviation,
          &inverse,
          &inverse_error,
          &size,
          &slope_size,
          &value_slack,
          &slope_slack,
          &smooth,
          &moving,
          &steepest,
          &mean,
          &mean_error,
          &before,
          &before_error,
          &root_previous,
          &previous_error,
          &activation,
          &activation_error,
          &root_activation,
          &root_error,
          &dead,
          &next_slack,
          &inverse_size,
          &inverse_root_next,
          &inverse_root_activation};
}
ExampleColumns::ExampleColumns(std::size_t count) {
  for (Numbers* column : columns()) column->assign(count, 0.0);
}
double ExampleColumns::bytes() const {
  const std::size_t count = sizeof *this / sizeof(Numbers);
  return static_cast<double>(count * variance.size() * sizeof(double));
}

Layers run_examples(const Architecture& architecture, const std::vector<double>& squares, double square_error,
                    double tolerance, const Duals& duals) {
  return Walk(architecture, tolerance, duals)(squares, square_error);
}

}  // namespace ntape::limit
