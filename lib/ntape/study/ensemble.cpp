#include <omp.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/study/ensemble.hpp>
#include <ntape/study/spread.hpp>

namespace ntape::study {
namespace {

// Evaluates the network that is trained on other inputs, at the steps asked for.
template <class Real>
class OutputTrack final : public Observer<Real> {
 public:
  // take(t, outputs, loss) is told the outputs at steps[t]; it returns whether to go on.
  using Take = std::function<bool(Index t, const Matrix<Real>& outputs, double loss)>;

  OutputTrack(const Mlp<Real>& model, const Parameters<Real>& theta, const Matrix<Real>& inputs,
              const std::vector<Index>& steps, Take take)
      : output_(model(tape_, theta, tape_.input(inputs))), steps_(steps), take_(std::move(take)) {}

  bool observe(const TrainingState<Real>& state) override {
    if (state.step != steps_[next_]) return true;
    tape_.replay();
    return take_(next_++, tape_.value(output_), state.loss) && next_ < steps_.size();
  }

 private:
  Tape<Real> tape_;
  Var output_;
  const std::vector<Index>& steps_;
  Take take_;
  Index next_ = 0;
};

struct Places {
  Stack<double>& values;
  Matrix<double>& losses;
};

// Returns why the network was stopped, or nothing.
template <class Real>
std::string train_network(const EnsemblePlan& plan, const data::Dataset<Real>& data,
                          const Matrix<Real>& inputs, Index s, Places out) {
  const Mlp<Real> model(plan.architecture);
  Parameters<Real> theta = model.initialize(Seed{plan.first_seed + s});
  std::string why;
  OutputTrack<Real> track(
      model, theta, inputs, plan.steps, [&](Index t, const Matrix<Real>& outputs, double loss) {
        std::copy(outputs.begin(), outputs.end(), &out.values(t, s, 0));
        out.losses(t, s) = loss;
        if (std::all_of(outputs.begin(), outputs.end(), [](Real v) { return std::isfinite(v); })) return true;
        why = "its outputs overflowed at step " + std::to_string(plan.steps[t]);
        return false;
      });
  DescentOptions descent = plan.descent;
  descent.steps = plan.steps.back();
  const DescentResult result = gradient_descent(model, theta, data, descent, track);
  return result.diverged ? result.message : why;
}

// The networks that were not stopped, moved together.
void leave_out(const std::vector<std::string>& why, const EnsemblePlan& plan, EnsembleOutputs& result) {
  std::vector<Index> kept;
  for (Index s = 0; s < plan.networks; ++s) {
    const std::uint64_t seed = plan.first_seed + s;
    if (why[s].empty()) {
      kept.push_back(s);
      result.seeds.push_back(seed);
    } else {
      result.stopped.push_back("seed " + std::to_string(seed) + ": " + why[s]);
    }
  }
  if (kept.empty())
    throw UserError("every network was stopped, the first one thus: " + result.stopped.front());
  if (kept.size() == plan.networks) return;
  const Index steps = plan.steps.size(), size = result.at.size();
  Stack<double> values = make_stack<double>(steps, kept.size(), size);
  Matrix<double> losses = make_matrix<double>(steps, kept.size());
  for (Index t = 0; t < steps; ++t)
    for (Index k = 0; k < kept.size(); ++k) {
      std::copy_n(&result.values(t, kept[k], 0), size, &values(t, k, 0));
      losses(t, k) = result.losses(t, kept[k]);
    }
  result.values = std::move(values);
  result.losses = std::move(losses);
}

// Bytes that one network takes while it trains: theta with room for gradients and velocity, and values with
// cotangents of both sets of inputs.
double network_bytes(const EnsemblePlan& plan, Index examples, Index inputs) {
  const double real = plan.precision == Precision::f32 ? sizeof(float) : sizeof(double);
  double units = 0;
  for (const Index width : plan.architecture.widths) units += static_cast<double>(width);
  return real * (3 * static_cast<double>(plan.architecture.parameter_count()) +
                 units * (4 * static_cast<double>(examples) + 2 * static_cast<double>(inputs)));
}

template <class Real>
void train_all(const EnsemblePlan& plan, const data::Dataset<double>& exact, const Matrix<double>& inputs,
               Index places, const std::function<void(std::uint64_t)>& progress,
               std::vector<std::string>& why, EnsembleOutputs& result) {
  const auto data = data::cast<Real>(exact);
  const Matrix<Real> at =
      data::cast<Real>(data::Dataset<double>{inputs, zeros<double>(0, 0), "inputs of an ensemble", ""}).x;
  spread(plan.networks, places, [&](Index s) {
    why[s] = train_network<Real>(plan, data, at, s, {result.values, result.losses});
    if (progress) progress(1);
  });
}

void require_plan(const EnsemblePlan& plan, const data::Dataset<double>& data, const Matrix<double>& inputs) {
  plan.architecture.validate();
  data::validate(data);
  if (plan.networks == 0) throw UserError("an ensemble of 0 networks was asked for; at least 1 is needed");
  if (plan.first_seed > std::numeric_limits<std::uint64_t>::max() - (plan.networks - 1))
    throw UserError(std::to_string(plan.networks) + " seeds from " + std::to_string(plan.first_seed) +
                    " on are asked for, and the last one must be below 2^64");
  if (plan.steps.empty() ||
      std::adjacent_find(plan.steps.begin(), plan.steps.end(), std::greater_equal<>()) != plan.steps.end())
    throw UserError("the steps at which an ensemble is looked at must be ascending, at least one");
  const std::vector<Index>& widths = plan.architecture.widths;
  if (data.x.shape(1) != widths.front() || data.y.shape(1) != widths.back())
    throw ShapeError("the data have " + std::to_string(data.x.shape(1)) + " inputs and " +
                     std::to_string(data.y.shape(1)) + " outputs; the networks have " +
                     std::to_string(widths.front()) + " and " + std::to_string(widths.back()));
  if (inputs.shape(1) != widths.front() || inputs.shape(0) == 0)
    throw ShapeError("the inputs of an ensemble are " + to_string(shape_of(inputs)) +
                     "; at least one row of " + std::to_string(widths.front()) + " is needed");
}

}  // namespace

EnsembleOutputs train_ensemble(const EnsemblePlan& plan, const data::Dataset<double>& data,
                               const Matrix<double>& inputs,
                               const std::function<void(std::uint64_t)>& progress) {
  require_plan(plan, data, inputs);
  EnsembleOutputs result;
  result.steps = plan.steps;
  result.at = {inputs.shape(0), plan.architecture.widths.back()};
  const double kept = sizeof(double) * static_cast<double>(plan.steps.size()) *
                      static_cast<double>(plan.networks) * static_cast<double>(result.at.size());
  const double one = network_bytes(plan, data.x.shape(0), inputs.shape(0));
  const double available = run::available_memory();
  run::require_memory(kept + one, "outputs and networks of this size", available);
  const double fit = std::min((available - kept) / one, static_cast<double>(omp_get_max_threads()));
  result.values = make_stack<double>(plan.steps.size(), plan.networks, result.at.size());
  result.losses = make_matrix<double>(plan.steps.size(), plan.networks);
  std::vector<std::string> why(plan.networks);
  // Fewer networks than threads train one after another, with all threads inside.
  const auto threads = static_cast<Index>(omp_get_max_threads());
  const Index places = plan.networks < threads ? 1 : static_cast<Index>(fit);
  if (plan.precision == Precision::f32)
    train_all<float>(plan, data, inputs, places, progress, why, result);
  else
    train_all<double>(plan, data, inputs, places, progress, why, result);
  leave_out(why, plan, result);
  return result;
}

}  // namespace ntape::study
