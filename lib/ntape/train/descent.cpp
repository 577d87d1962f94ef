#include <cmath>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/train/descent.hpp>
#include <ntape/train/update.hpp>

namespace ntape {
namespace {

// What growth of the loss is called divergence: far beyond any transient of a stable run, far below overflow.
constexpr double kDivergence = 1e12;

std::string in_words(double loss) {
  if (std::isnan(loss)) return "nan";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", loss);
  return text;
}

}  // namespace

void require_descent(const DescentOptions& options, Index examples, Index entries) {
  if (!(std::isfinite(options.rate) && options.rate > 0))
    throw UserError("the rate is " + std::to_string(options.rate) + "; it must be positive and finite");
  if (!(options.momentum >= 0 && options.momentum < 1))
    throw UserError("the momentum is " + std::to_string(options.momentum) +
                    "; it must be at least 0 and less than 1");
  if (!options.rate_factors.empty() && options.rate_factors.size() != entries)
    throw UserError("the network has " + std::to_string(entries) + " parameter matrices and " +
                    std::to_string(options.rate_factors.size()) + " rate factors; give one for each");
  if (examples == 0) throw UserError("training needs at least one example, given 0");
}

template <class Real>
DescentResult descend(Tape<Real>& tape, Var f, Parameters<Real>& theta, const Matrix<Real>& y,
                      const DescentOptions& options, Observer<Real>& observer) {
  const Matrix<Real>& outputs = tape.value(f);
  require_descent(options, outputs.shape(0), theta.entries.size());
  if (shape_of(y) != shape_of(outputs))
    throw ShapeError("the targets are " + to_string(shape_of(y)) + "; the network and inputs need " +
                     to_string(shape_of(outputs)));
  const auto cost = objective<Real>(options.objective);
  detail::Update<Real> update(tape, f, theta, options);
  Stack<Real> cotangent = make_stack<Real>(1, outputs.shape(0), outputs.shape(1));

  DescentResult result;
  result.loss = cost->value(outputs, y);
  const double limit = kDivergence * (1 + result.loss);
  const auto state = [&] {
    return TrainingState<Real>{result.steps,
                               options.rate * static_cast<double>(result.steps),
                               result.loss,
                               theta,
                               outputs,
                               tape,
                               f,
                               [&update]() -> const Jacobian<Real>& { return update.jacobian(); }};
  };
  if (!std::isfinite(result.loss)) {
    result.diverged = true;
    result.message = "training cannot begin: the loss is " + in_words(result.loss);
    return result;
  }
  bool go_on = observer.observe(state());
  while (go_on && result.steps < options.steps) {
    cost->cotangent(outputs, y, cotangent);
    update.step(cotangent);
    tape.replay();
    const double loss = cost->value(outputs, y);
    if (!(loss <= limit)) {
      result.diverged = true;
      result.message = "training diverged at step " + std::to_string(result.steps + 1) +
                       ": the loss went from " + in_words(result.loss) + " to " + in_words(loss);
      return result;
    }
    ++result.steps;
    result.loss = loss;
    go_on = observer.observe(state());
  }
  observer.finish(state());
  return result;
}

template DescentResult descend(Tape<float>&, Var, Parameters<float>&, const Matrix<float>&,
                               const DescentOptions&, Observer<float>&);
template DescentResult descend(Tape<double>&, Var, Parameters<double>&, const Matrix<double>&,
                               const DescentOptions&, Observer<double>&);

}  // namespace ntape
