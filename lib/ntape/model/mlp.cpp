#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>

namespace ntape {
namespace {

constexpr std::uint64_t kParameterStream = 0;

}  // namespace

template <class Real>
Mlp<Real>::Mlp(Architecture architecture) : architecture_(std::move(architecture)) {
  architecture_.validate();
  activation_ = activation_op<Real>(architecture_.activation);
}

template <class Real>
Parameters<Real> Mlp<Real>::initialize(Seed seed) const requires std::floating_point<Real> {
  Parameters<Real> theta;
  std::uint64_t first = 0;
  const auto draw = [&](std::string name, Index layer, Index rows, Index cols) {
    Matrix<Real> value = make_matrix<Real>(rows, cols);
    fill_normal<Real>(seed, kParameterStream, first, {value.data(), value.size()});
    first += value.size();
    theta.entries.push_back({std::move(name), layer, std::move(value)});
  };
  for (Index l = 0; l < architecture_.depth(); ++l) {
    draw("W" + std::to_string(l), l, architecture_.widths[l + 1], architecture_.widths[l]);
    draw("b" + std::to_string(l), l, 1, architecture_.widths[l + 1]);
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
    const double scale = architecture_.weight_scale / std::sqrt(static_cast<double>(architecture_.widths[l]));
    const Var z =
        affine(tape, alpha, w, b, static_cast<Real>(scale), static_cast<Real>(architecture_.bias_scale));
    if (l + 1 == architecture_.depth()) return {z, alpha};
    alpha = tape.record(activation_, {z});
  }
  throw InternalError("a network without layers");
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

}  // namespace ntape
