#include <cmath>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/ops/mean_square.hpp>
#include <ntape/tape/sweep.hpp>
#include <ntape/train/descent.hpp>

namespace ntape {
namespace {

template <class Real>
class Silent final : public Observer<Real> {
 public:
  bool observe(const TrainingState<Real>&) override { return true; }
};

template <class Real>
void require_fit(const Mlp<Real>& model, const data::Dataset<Real>& data, const DescentOptions& options) {
  const auto& widths = model.architecture().widths;
  if (!(std::isfinite(options.rate) && options.rate > 0))
    throw UserError("the rate is " + std::to_string(options.rate) + "; it must be positive and finite");
  if (!options.rate_factors.empty() && options.rate_factors.size() != 2 * model.architecture().depth())
    throw UserError("the network has " + std::to_string(2 * model.architecture().depth()) +
                    " parameter matrices and " + std::to_string(options.rate_factors.size()) +
                    " rate factors; give one for each");
  if (data.x.shape(0) == 0) throw UserError("training needs at least one example, given 0");
  if (data.x.shape(1) != widths.front())
    throw ShapeError("the inputs are " + to_string(shape_of(data.x)) + "; the network takes " +
                     std::to_string(widths.front()) + " columns");
  if (shape_of(data.y) != Shape{data.x.shape(0), widths.back()})
    throw ShapeError("the targets are " + to_string(shape_of(data.y)) + "; the network and inputs need " +
                     to_string(Shape{data.x.shape(0), widths.back()}));
}

// What growth of the loss is called divergence: far beyond any transient of a stable run, far below overflow.
constexpr double kDivergence = 1e12;

}  // namespace

template <class Real>
DescentResult gradient_descent(const Mlp<Real>& model, Parameters<Real>& theta,
                               const data::Dataset<Real>& data, const DescentOptions& options,
                               Observer<Real>& observer) {
  require_fit(model, data, options);
  Tape<Real> tape;
  const Var f = model.record(tape, theta, tape.input(data.x)).output;
  const Matrix<Real>& outputs = tape.value(f);
  ReverseSweep<Real> sweep;
  Stack<Real> cotangent = make_stack<Real>(1, outputs.shape(0), outputs.shape(1));

  DescentResult result;
  result.loss = mean_square(outputs, data.y);
  const double limit = kDivergence * (1 + result.loss);
  const auto state = [&] {
    return TrainingState<Real>{result.steps, options.rate * static_cast<double>(result.steps), result.loss,
                               theta, outputs};
  };
  bool go_on = observer.observe(state());
  while (go_on && result.steps < options.steps) {
    mean_square_cotangent(outputs, data.y, cotangent);
    sweep.run(tape, f, cotangent);
    for (Index e = 0; e < theta.entries.size(); ++e) {
      const Stack<Real>& gradient = sweep.cotangent(tape.parameters()[e]);
      Real* w = theta.entries[e].value.data();
      const Real* g = gradient.data();
      const Real rate = static_cast<Real>(
          options.rate_factors.empty() ? options.rate : options.rate * options.rate_factors[e]);
      for (Index k = 0; k < gradient.size(); ++k) w[k] -= rate * g[k];
    }
    tape.replay();
    const double loss = mean_square(outputs, data.y);
    if (!(loss <= limit)) {
      result.diverged = true;
      char losses[80];
      std::snprintf(losses, sizeof losses, "the loss went from %.4g to %.4g", result.loss, loss);
      result.message = "training diverged at step " + std::to_string(result.steps + 1) + ": " + losses;
      return result;
    }
    ++result.steps;
    result.loss = loss;
    go_on = observer.observe(state());
  }
  observer.finish(state());
  return result;
}

template <class Real>
DescentResult gradient_descent(const Mlp<Real>& model, Parameters<Real>& theta,
                               const data::Dataset<Real>& data, const DescentOptions& options) {
  Silent<Real> silent;
  return gradient_descent(model, theta, data, options, silent);
}

#define NTAPE_INSTANTIATE(Real)                                                                            \
  template DescentResult gradient_descent(const Mlp<Real>&, Parameters<Real>&, const data::Dataset<Real>&, \
                                          const DescentOptions&, Observer<Real>&);                         \
  template DescentResult gradient_descent(const Mlp<Real>&, Parameters<Real>&, const data::Dataset<Real>&, \
                                          const DescentOptions&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
