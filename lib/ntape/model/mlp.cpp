#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/normalize.hpp>

namespace ntape {
namespace {

constexpr std::uint64_t kParameterStream = 0;

}  // namespace

template <class Real>
Mlp<Real>::Mlp(Architecture architecture) : architecture_(std::move(architecture)) {
  architecture_.validate();
  for (Index l = 1; l < architecture_.depth(); ++l)
    activations_.push_back(activation_op<Real>(architecture_.activation_of(l)));
  // Refused even where no hidden layer uses it.
  if (architecture_.activations.empty()) (void)activation_op<Real>(architecture_.activation);
}

template <class Real>
Parameters<Real> Mlp<Real>::initialize(Seed seed) const requires std::floating_point<Real> {
  Parameters<Real> theta;
  std::uint64_t first = 0;
  const auto draw = [&](std::string name, Index layer, Index rows, Index cols, double deviation) {
    Matrix<Real> value = make_matrix<Real>(rows, cols);
    fill_normal<Real>(seed, kParameterStream, first, {value.data(), value.size()});
    first += value.size();
    if (deviation != 1)
      for (Real& v : value) v = static_cast<Real>(static_cast<double>(v) * deviation);
    theta.entries.push_back({std::move(name), layer, std::move(value)});
  };
  for (Index l = 0; l < architecture_.depth(); ++l) {
    draw('W' + std::to_string(l), l, architecture_.widths[l + 1], architecture_.widths[l],
         architecture_.weight_deviation(l));
    draw('b' + std::to_string(l), l, 1, architecture_.widths[l + 1], architecture_.bias_deviation());
  }
  return theta;
}

template <class Real>
void Mlp<Real>::require_fit(const Parameters<Real>& theta) const {
  if (theta.entries.size() != 2 * architecture_.depth())
    throw ShapeError("the network has " + std::to_string(2 * architecture_.depth()) +
                     " parameter matrices, given " + std::to_string(theta.entries.size()));
  for (Index e = 0; e < theta.entries.size(); ++e) {
    const Index l = e / 2;
    const Shape need = e % 2 == 0 ? Shape{architecture_.widths[l + 1], architecture_.widths[l]}
                                  : Shape{1, architecture_.widths[l + 1]};
    const Shape given = shape_of(theta.entries[e].value);
    if (given != need)
      throw ShapeError(theta.entries[e].name + " is " + to_string(given) + "; the network needs " +
                       to_string(need));
  }
}

template <class Real>
MlpVars Mlp<Real>::record(Tape<Real>& tape, const Parameters<Real>& theta, Var x) const {
  require_fit(theta);
  const Shape inputs = shape_of(tape.value(x));
  if (inputs.cols != architecture_.widths.front())
    throw ShapeError("the inputs are " + to_string(inputs) + "; the network takes " +
                     std::to_string(architecture_.widths.front()) + " columns");
  Var alpha = x;
  for (Index l = 0; l < architecture_.depth(); ++l) {
    const Var w = tape.parameter(theta.entries[2 * l].value);
    const Var b = tape.parameter(theta.entries[2 * l + 1].value);
    const Var z = affine(tape, alpha, w, b, static_cast<Real>(architecture_.weight_multiplier(l)),
                         static_cast<Real>(architecture_.bias_multiplier()));
    if (l + 1 == architecture_.depth()) return {z, alpha};
    const Var s = tape.record(activations_[l], {architecture_.layer_norm ? layer_norm(tape, z) : z});
    alpha = architecture_.adds_previous(l + 1) ? add(tape, alpha, s) : s;
  }
  throw InternalError("a network without layers");
}

namespace {

// a_from / a_to for W_l and b_l, in the order of theta.
std::vector<double> multiplier_ratios(const Architecture& from, const Architecture& to) {
  Architecture same = to;
  same.parametrization = from.parametrization;
  if (same != from) throw UserError("convert: the two networks differ in more than their parametrization");
  std::vector<double> ratios;
  const auto add = [&](double numerator, double denominator, const std::string& name) {
    if (denominator == 0)
      throw UserError("convert: the multiplier of " + name +
                      " is 0, so no value of it gives the same network");
    ratios.push_back(numerator / denominator);
  };
  for (Index l = 0; l < from.depth(); ++l) {
    add(from.weight_multiplier(l), to.weight_multiplier(l), 'W' + std::to_string(l));
    add(from.bias_multiplier(), to.bias_multiplier(), 'b' + std::to_string(l));
  }
  return ratios;
}

template <class Real>
void require_entries(const Parameters<Real>& theta, Index count) {
  if (theta.entries.size() != count)
    throw ShapeError("the network has " + std::to_string(count) + " parameter matrices, given " +
                     std::to_string(theta.entries.size()));
}

}  // namespace

template <class Real>
Parameters<Real> convert(const Parameters<Real>& theta, const Architecture& from, const Architecture& to) {
  const std::vector<double> ratios = multiplier_ratios(from, to);
  require_entries(theta, ratios.size());
  Parameters<Real> result = theta;
  for (Index e = 0; e < ratios.size(); ++e)
    for (Real& v : result.entries[e].value) v = static_cast<Real>(static_cast<double>(v) * ratios[e]);
  return result;
}

template <class Real>
Parameters<Real> kernel_weights(const Parameters<Real>& theta, const Architecture& from,
                                const Architecture& to) {
  const std::vector<double> ratios = multiplier_ratios(to, from);
  require_entries(theta, ratios.size());
  Parameters<Real> result = theta;
  for (Index e = 0; e < ratios.size(); ++e)
    result.entries[e].value.fill(static_cast<Real>(ratios[e] * ratios[e]));
  return result;
}

std::vector<double> rate_factors(const Architecture& from, const Architecture& to) {
  std::vector<double> factors = multiplier_ratios(from, to);
  for (double& f : factors) f *= f;
  return factors;
}

template <class Real>
Matrix<Real> evaluate(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& x) {
  Tape<Real> tape;
  return tape.value(model.record(tape, theta, tape.input(x)).output);
}

#define NTAPE_INSTANTIATE(Real) \
  template class Mlp<Real>;     \
  template Matrix<Real> evaluate(const Mlp<Real>&, const Parameters<Real>&, const Matrix<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE
#define NTAPE_INSTANTIATE(Real)                                                                         \
  template Parameters<Real> convert(const Parameters<Real>&, const Architecture&, const Architecture&); \
  template Parameters<Real> kernel_weights(const Parameters<Real>&, const Architecture&, const Architecture&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
