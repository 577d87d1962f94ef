#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/ensemble.hpp>

namespace ntape {
namespace {

Matrix<double> product(const Matrix<double>& a, linalg::Op op_a, const Matrix<double>& b, linalg::Op op_b) {
  auto c = make_matrix<double>(a.shape(op_a == linalg::Op::plain ? 0 : 1),
                               b.shape(op_b == linalg::Op::plain ? 1 : 0));
  linalg::gemm(1.0, linalg::view(a), op_a, linalg::view(b), op_b, 0.0, c.data(), c.shape(1));
  return c;
}

double largest_diagonal(const Matrix<double>& m) {
  double top = 0;
  for (Index i = 0; i < m.shape(0); ++i) top = std::max(top, std::abs(m(i, i)));
  return top;
}

// What rounding makes of variances that are sums of terms of this size, over n modes, `condition` being how
// much training until then amplifies an error of the kernel.
double rounding_of(double terms, Index n, double condition) {
  return static_cast<double>(n) * std::numeric_limits<double>::epsilon() * terms * condition;
}

Matrix<double> checked(const Matrix<double>& ntk, const Matrix<double>& nngp, const Matrix<double>& y) {
  if (shape_of(ntk) != shape_of(nngp))
    throw ShapeError("EnsemblePrediction: the NTK is " + to_string(shape_of(ntk)) + " and the NNGP " +
                     to_string(shape_of(nngp)));
  return zeros<double>(y.shape(0), y.shape(1));
}

}  // namespace

EnsemblePrediction::EnsemblePrediction(const Matrix<double>& ntk, const Matrix<double>& nngp,
                                       const Matrix<double>& y)
    : mean_(ntk, checked(ntk, nngp, y), y), start_(nngp) {
  const Matrix<double>& v = mean_.factor().vectors();
  const auto half = product(v, linalg::Op::plain, nngp, linalg::Op::plain);
  modes_ =
      std::make_shared<const Matrix<double>>(product(half, linalg::Op::plain, v, linalg::Op::transposed));
}

Gaussian EnsemblePrediction::at(const Moment& moment) const {
  const KernelFactor& factor = mean_.factor();
  const Index n = factor.size();
  const double rounding = rounding_of(largest_diagonal(start_), n, 1);
  if (moment.time() == 0) return make_gaussian(mean_.at(moment), start_, rounding);
  std::vector<double> decay(n);
  for (Index k = 0; k < n; ++k) decay[k] = factor.response(k, moment, mean_.examples()).decay;
  Matrix<double> modes = *modes_;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) modes(i, j) *= decay[i] * decay[j];
  const auto half = product(factor.vectors(), linalg::Op::transposed, modes, linalg::Op::plain);
  return make_gaussian(mean_.at(moment),
                       product(half, linalg::Op::plain, factor.vectors(), linalg::Op::plain), rounding);
}

EnsembleElsewhere EnsemblePrediction::elsewhere(const Matrix<double>& ntk, const Matrix<double>& nngp,
                                                const Matrix<double>& nngp_there) const {
  if (shape_of(ntk) != shape_of(nngp) || shape_of(nngp_there) != Shape{ntk.shape(0), ntk.shape(0)})
    throw ShapeError("EnsemblePrediction: at other inputs the NTK is " + to_string(shape_of(ntk)) +
                     ", the NNGP against the training set " + to_string(shape_of(nngp)) + " and there " +
                     to_string(shape_of(nngp_there)));
  const Index outputs = mean_.at(Moment::flow(0)).shape(1);
  const Index per = mean_.factor().size() == mean_.examples() ? 1 : outputs;
  return {mean_.elsewhere(ntk, zeros<double>(ntk.shape(0) / per, outputs)), modes_,
          mean_.factor().cross_components(nngp), nngp_there};
}

EnsembleElsewhere::EnsembleElsewhere(LazyElsewhere mean, std::shared_ptr<const Matrix<double>> modes,
                                     Matrix<double> across, Matrix<double> start)
    : mean_(std::move(mean)),
      modes_(std::move(modes)),
      across_(std::move(across)),
      start_(std::move(start)) {}

// Q = 1/N kappa V^T gain
EnsembleElsewhere::Gains EnsembleElsewhere::gains(const Moment& moment) const {
  const KernelFactor& factor = mean_.factor();
  const double examples = static_cast<double>(mean_.examples());
  Gains g{mean_.cross_components(), 0};
  for (Index k = 0; k < factor.size(); ++k) {
    const double gain = factor.response(k, moment, mean_.examples()).gain / examples;
    g.steepest = std::max(g.steepest, gain);
    for (Index m = 0; m < g.q.shape(0); ++m) g.q(m, k) *= gain;
  }
  return g;
}

std::vector<double> EnsembleElsewhere::variances(const Moment& moment) const {
  const Matrix<double> q = gains(moment).q;
  const auto spread = product(q, linalg::Op::plain, *modes_, linalg::Op::plain);
  std::vector<double> result(start_.shape(0));
  for (Index m = 0; m < result.size(); ++m) {
    double trained = 0, mixed = 0;
    for (Index k = 0; k < q.shape(1); ++k) {
      trained += spread(m, k) * q(m, k);
      mixed += q(m, k) * across_(m, k);
    }
    result[m] = start_(m, m) + (trained - 2 * mixed);
  }
  return result;
}

Gaussian EnsembleElsewhere::at(const Moment& moment) const {
  const KernelFactor& factor = mean_.factor();
  const Index n = factor.size(), there = start_.shape(0);
  const double start = largest_diagonal(start_);
  if (moment.time() == 0) return make_gaussian(mean_.at(moment), start_, rounding_of(start, n, 1));
  const auto [q, steepest] = gains(moment);
  const auto spread = product(q, linalg::Op::plain, *modes_, linalg::Op::plain);
  const auto trained = product(spread, linalg::Op::plain, q, linalg::Op::transposed);
  const auto mixed = product(q, linalg::Op::plain, across_, linalg::Op::transposed);
  Matrix<double> covariance = start_;
  for (Index i = 0; i < there; ++i)
    for (Index j = 0; j < there; ++j) covariance(i, j) += trained(i, j) - (mixed(i, j) + mixed(j, i));
  const double terms = start + largest_diagonal(trained) + 2 * largest_diagonal(mixed);
  const double condition = std::max(1.0, steepest * std::max(factor.eigenvalues().back(), 0.0));
  return make_gaussian(mean_.at(moment), std::move(covariance), rounding_of(terms, n, condition));
}

}  // namespace ntape
