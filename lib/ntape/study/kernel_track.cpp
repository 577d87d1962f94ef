#include <algorithm>
#include <cmath>
#include <ntape/study/kernel_track.hpp>

namespace ntape {
namespace {

// Summed in double: see Snapshot::weight_changes.
template <class Real>
std::optional<double> relative_change(const Matrix<Real>& now, const Matrix<Real>& start) {
  double moved = 0, squares = 0;
  for (Index k = 0; k < start.size(); ++k) {
    const double from = static_cast<double>(start.data()[k]);
    const double by = static_cast<double>(now.data()[k]) - from;
    moved += by * by;
    squares += from * from;
  }
  if (squares == 0) return moved == 0 ? std::optional<double>(0) : std::nullopt;
  return std::sqrt(moved / squares);
}

template <class Real>
std::vector<std::optional<double>> weight_changes(const Parameters<Real>& now,
                                                  const Parameters<Real>& start) {
  std::vector<std::optional<double>> changes;
  const std::vector<char> weights = select_weights(start);
  for (Index k = 0; k < weights.size(); ++k)
    if (weights[k]) changes.push_back(relative_change(now.entries[k].value, start.entries[k].value));
  return changes;
}

}  // namespace

template <class Real>
KernelTrack<Real>::KernelTrack(const Mlp<Real>& model, const Matrix<Real>& x, std::vector<Index> steps,
                               Sink sink)
    : model_(model), x_(x), steps_(std::move(steps)), sink_(std::move(sink)) {
  std::sort(steps_.begin(), steps_.end());
}

template <class Real>
KernelTrack<Real>::KernelTrack(const Mlp<Real>& model, const Matrix<Real>& x, std::vector<Index> steps)
    : KernelTrack(model, x, std::move(steps), {}) {}

template <class Real>
KernelWithShares<Real> KernelTrack<Real>::kernels_at(const TrainingState<Real>& state) const {
  if (state.reads(x_)) {
    const Jacobian<Real>& j = state.jacobian();
    return kernel_of(j, j, state.theta, KernelForm::trace);
  }
  return network_kernel(model_, state.theta, x_, x_, KernelOptions<Real>{.form = KernelForm::trace});
}

template <class Real>
bool KernelTrack<Real>::observe(const TrainingState<Real>& state) {
  if (state.step == 0) start_ = state.theta;
  if (!std::binary_search(steps_.begin(), steps_.end(), state.step)) return true;
  const auto kernels = kernels_at(state);
  Snapshot snapshot;
  snapshot.step = state.step;
  snapshot.time = state.time;
  snapshot.loss = state.loss;
  snapshot.parameter_change = distance(state.theta, start_);
  snapshot.weight_changes = weight_changes(state.theta, start_);
  snapshot.kernel = cast<double>(kernels.kernel);
  for (const auto& layer : kernels.layers) snapshot.layers.push_back(cast<double>(layer));
  snapshot.outputs = make_matrix<double>(state.outputs.shape(0), state.outputs.shape(1));
  std::copy(state.outputs.begin(), state.outputs.end(), snapshot.outputs.begin());
  if (sink_) return sink_(std::move(snapshot));
  snapshots_.push_back(std::move(snapshot));
  return true;
}

template class KernelTrack<float>;
template class KernelTrack<double>;

}  // namespace ntape
