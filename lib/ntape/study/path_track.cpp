#include <algorithm>
#include <ntape/ops/objective.hpp>
#include <ntape/study/path_track.hpp>

namespace ntape {
namespace {

PathPrediction::Slope slope_of(const std::string& name, const Matrix<double>& y) {
  return [cost = objective<double>(name), y](const Matrix<double>& f) {
    Stack<double> slope = make_stack<double>(1, f.shape(0), f.shape(1));
    cost->cotangent(f, y, slope);
    Matrix<double> u = make_matrix<double>(f.shape(0), f.shape(1));
    std::copy(slope.begin(), slope.end(), u.begin());
    return u;
  };
}

}  // namespace

template <class Real>
PathTrack<Real>::PathTrack(const Matrix<double>& y, const DescentOptions& options)
    : options_(options), path_(options.rate, options.momentum, slope_of(options.objective, y)) {}

template <class Real>
Matrix<double> PathTrack<Real>::product(const TrainingState<Real>& state, const Matrix<double>& u) {
  Stack<Real> seed = make_stack<Real>(1, u.shape(0), u.shape(1));
  std::copy(u.begin(), u.end(), seed.begin());
  reverse_.run(state.tape, state.output, seed);
  const auto& parameters = state.tape.parameters();
  const std::vector<Index> entries = entries_of(state.tape, state.theta);
  pulled_.resize(parameters.size());
  for (Index p = 0; p < parameters.size(); ++p) {
    pulled_[p] = reverse_.cotangent(parameters[p]);
    if (options_.rate_factors.empty()) continue;
    // Entries with rates of their own: the kernel is J D J^T.
    for (Real& v : pulled_[p]) v *= static_cast<Real>(options_.rate_factors[entries[p]]);
  }
  const Stack<Real>& pushed = forward_.run(state.tape, state.output, pulled_);
  Matrix<double> result = make_matrix<double>(u.shape(0), u.shape(1));
  std::copy(pushed.begin(), pushed.end(), result.begin());
  return result;
}

template <class Real>
bool PathTrack<Real>::observe(const TrainingState<Real>& state) {
  const Matrix<double> f = state.outputs;
  path_.arrive(f);
  if (state.step < options_.steps) path_.depart([&](const Matrix<double>& u) { return product(state, u); });
  return true;
}

template class PathTrack<float>;
template class PathTrack<double>;

}  // namespace ntape
