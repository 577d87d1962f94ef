#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/stopping.hpp>
#include <numeric>

namespace ntape {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of one mode, all outputs together.
double squares(const Matrix<double>& residual, Index mode) {
  double sum = 0;
  for (Index c = 0; c < residual.shape(1); ++c) sum += residual(mode, c) * residual(mode, c);
  return sum;
}

double half_mean_square(const Matrix<double>& f, const Matrix<double>& y) {
  double sum = 0;
  for (Index k = 0; k < f.size(); ++k) sum += (f.data()[k] - y.data()[k]) * (f.data()[k] - y.data()[k]);
  return sum / (2 * static_cast<double>(f.shape(0)));
}

}  // namespace

std::vector<LazyComponent> leading_components(const LazyPrediction& prediction, Index count) {
  const KernelFactor& factor = prediction.factor();
  const double examples = static_cast<double>(prediction.examples());
  double all = 0;
  for (Index k = 0; k < factor.size(); ++k) all += squares(prediction.residual(), k);
  std::vector<LazyComponent> components;
  for (Index k = factor.size(); k-- > 0 && components.size() < count;) {
    const double part = squares(prediction.residual(), k);
    const double rate = std::max(factor.eigenvalues()[k], 0.0) / examples;
    components.push_back({rate, factor.is_null(k) ? kInfinity : 1 / rate, std::sqrt(part / examples),
                          all > 0 ? part / all : 0});
  }
  return components;
}

Matrix<double> residual_components(const LazyPrediction& prediction, const std::vector<Moment>& moments,
                                   Index count) {
  const KernelFactor& factor = prediction.factor();
  const Index n = factor.size(), kept = std::min(count, n);
  auto table = make_matrix<double>(moments.size(), kept);
  for (Index m = 0; m < moments.size(); ++m)
    for (Index k = 0; k < kept; ++k) {
      const Index mode = n - 1 - k;
      const double decay = factor.response(mode, moments[m], prediction.examples()).decay;
      table(m, k) = std::abs(decay) * std::sqrt(squares(prediction.residual(), mode) /
                                                static_cast<double>(prediction.examples()));
    }
  return table;
}

StoppingTime early_stopping(const std::function<double(const Moment&)>& loss, double least, double most) {
  constexpr double kPerDecade = 16;
  StoppingTime best{0, loss(Moment::flow(0)), 0, loss(Moment::flow(kInfinity))};
  best.loss_at_start = best.loss;
  if (best.loss_at_end < best.loss)
    best = {kInfinity, best.loss_at_end, best.loss_at_start, best.loss_at_end};
  if (!(least > 0 && most >= least && std::isfinite(most))) return best;
  // In x = log t; the grid is evaluated once.
  const auto at = [&](double x) { return loss(Moment::flow(std::exp(x))); };
  const double from = std::log(least), decades = std::log10(most / least);
  const Index intervals = static_cast<Index>(std::ceil(kPerDecade * decades)) + 2;
  const double step = std::log(10) / kPerDecade;
  double lowest = kInfinity, where = from;
  for (Index i = 0; i <= intervals; ++i) {
    const double x = from + step * static_cast<double>(i), value = at(x);
    if (value < lowest) {
      lowest = value;
      where = x;
    }
  }
  // Half of the digits of a double in x are all that a minimum of values in double can have.
  constexpr int kBits = std::numeric_limits<double>::digits / 2;
  std::uintmax_t rounds = 100;
  const auto found = boost::math::tools::brent_find_minima(at, where - step, where + step, kBits, rounds);
  // Among several minima Brent may end in a worse one than the grid has seen.
  const auto [x, value] = found.second < lowest ? found : std::pair(where, lowest);
  // What is a rounding better than the start or the end is not better.
  constexpr double kBetter = 1e-9;
  if (value < best.loss * (1 - kBetter)) {
    best.time = std::exp(x);
    best.loss = value;
  }
  return best;
}

namespace {

// Over the times at which this prediction moves.
StoppingTime stopping_of(const LazyElsewhere& there, const Matrix<double>& y,
                         const std::function<double(const Moment&)>& loss) {
  const KernelFactor& factor = there.factor();
  if (shape_of(there.at(Moment::flow(0))) != shape_of(y))
    throw ShapeError("early_stopping: outputs are " + to_string(shape_of(there.at(Moment::flow(0)))) +
                     " and targets are " + to_string(shape_of(y)));
  const double examples = static_cast<double>(there.examples());
  double slowest = 0;
  for (Index k = 0; k < factor.size() && slowest == 0; ++k)
    if (!factor.is_null(k)) slowest = factor.eigenvalues()[k] / examples;
  const double fastest = factor.eigenvalues().back() / examples;
  if (slowest == 0) return early_stopping(loss, 0, 0);
  // Null modes that these inputs feel move on, and are trusted until a hundredth of the time they are left
  // out.
  const double trusted = factor.late(there.examples()) / 100;
  const bool felt = there.moved_by_null_modes(Moment::flow(trusted)) > 0;
  return early_stopping(loss, .01 / fastest, felt ? std::max(30 / slowest, trusted) : 30 / slowest);
}

}  // namespace

StoppingTime early_stopping(const LazyElsewhere& there, const Matrix<double>& y) {
  return stopping_of(there, y, [&](const Moment& moment) { return half_mean_square(there.at(moment), y); });
}

StoppingTime early_stopping(const EnsembleElsewhere& there, const Matrix<double>& y) {
  return stopping_of(there.mean(), y, [&](const Moment& moment) {
    const std::vector<double> variances = there.variances(moment);
    // Of every output one of its own (full kernels), or the same for all outputs of an example.
    const double all = std::accumulate(variances.begin(), variances.end(), 0.0) *
                       static_cast<double>(y.size() / variances.size());
    return half_mean_square(there.mean().at(moment), y) + all / (2 * static_cast<double>(y.shape(0)));
  });
}

}  // namespace ntape
