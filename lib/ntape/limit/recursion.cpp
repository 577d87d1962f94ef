#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/recursion.hpp>

namespace ntape {
namespace {

// One summation order for every pair, so that equal rows give bit-equal variances and covariances and a
// diagonal is seen as one (p q - c^2 = 0 exactly). Eight running sums vectorize.
double inner_product(const double* a, const double* b, Index n) {
  double partial[8] = {};
  const Index whole = n / 8 * 8;
  for (Index k = 0; k < whole; k += 8)
    for (Index j = 0; j < 8; ++j) partial[j] += a[k + j] * b[k + j];
  for (Index k = whole; k < n; ++k) partial[k - whole] += a[k] * b[k];
  double sum = 0;
  for (const double p : partial) sum += p;
  return sum;
}

struct Recursion {
  limit::Dual dual;
  double weight_variance;
  double bias_variance;
  Index depth;

  struct Pair {
    double ntk;
    double nngp;
  };
  // p, q: the variances of the two pre-activations in layer 1; c: their covariance.
  [[nodiscard]] Pair operator()(double p, double c, double q) const {
    double theta = c;
    for (Index l = 1; l < depth; ++l) {
      const limit::DualValue d = dual(p, c, q);
      const bool same = p == q && c == p;
      p = weight_variance * dual(p, p, p).value + bias_variance;
      q = weight_variance * dual(q, q, q).value + bias_variance;
      c = same ? p : weight_variance * d.value + bias_variance;
      theta = weight_variance * d.slope * theta + c;
    }
    return {theta, c};
  }
};

void require_inputs(const Architecture& architecture, const Matrix<double>& x) {
  if (x.shape(0) == 0) throw UserError("the limit kernel needs at least one example, given 0");
  if (x.shape(1) != architecture.widths.front())
    throw ShapeError("the inputs are " + to_string(shape_of(x)) + "; the network takes " +
                     std::to_string(architecture.widths.front()) + " columns");
}

LimitKernels compute(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2) {
  architecture.validate();
  require_inputs(architecture, x);
  require_inputs(architecture, x2);
  if (!architecture.is_plain())
    throw UserError(
        "the infinite-width limit is known for plain networks in the NTK parametrization only: one "
        "activation, "
        "no residual connections, no layer_norm");
  if (!has_limit(architecture.activation))
    throw UserError("the infinite-width limit of '" + architecture.activation +
                    "' is not known yet; it is for relu, erf, identity");
  const bool symmetric = &x == &x2;
  const Index n1 = x.shape(0), n2 = x2.shape(0), n0 = x.shape(1);
  const Recursion recursion{limit::Dual(architecture.activation),
                            architecture.weight_scale * architecture.weight_scale,
                            architecture.bias_scale * architecture.bias_scale, architecture.depth()};
  const auto first_layer = [&](const double* a, const double* b) {
    return recursion.weight_variance * inner_product(a, b, n0) / static_cast<double>(n0) +
           recursion.bias_variance;
  };
  const auto variances = [&](const Matrix<double>& m) {
    std::vector<double> v(m.shape(0));
    for (Index i = 0; i < v.size(); ++i) v[i] = first_layer(row(m, i), row(m, i));
    return v;
  };
  const std::vector<double> p = variances(x), q = variances(x2);
  Matrix<double> ntk = make_matrix<double>(n1, n2), nngp = make_matrix<double>(n1, n2);
#pragma omp parallel for schedule(dynamic, 8)
  for (Index i = 0; i < n1; ++i)
    for (Index j = 0; j < (symmetric ? i + 1 : n2); ++j) {
      const auto pair = recursion(p[i], first_layer(row(x, i), row(x2, j)), q[j]);
      ntk(i, j) = pair.ntk;
      nngp(i, j) = pair.nngp;
    }
  if (symmetric)
    for (Index i = 0; i < n1; ++i)
      for (Index j = i + 1; j < n1; ++j) {
        ntk(i, j) = ntk(j, i);
        nngp(i, j) = nngp(j, i);
      }
  const Index outputs = architecture.widths.back();
  return {{std::move(ntk), KernelForm::trace, outputs, "limit NTK"},
          {std::move(nngp), KernelForm::trace, outputs, "limit NNGP"}};
}

}  // namespace

bool has_limit(const std::string& activation) {
  // One pair at a time, a numerical dual is too slow for kernels.
  for (const char* name : {"elu", "tanh", "sigmoid", "softplus", "silu"})
    if (activation.starts_with(name)) return false;
  return limit::has_dual(activation);
}

LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                           const Matrix<double>& x2) {
  return compute(architecture, x, x2);
}
LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x) {
  return compute(architecture, x, x);
}
Kernel<double> limit_ntk(const Architecture& architecture, const Matrix<double>& x) {
  return compute(architecture, x, x).ntk;
}
Kernel<double> limit_nngp(const Architecture& architecture, const Matrix<double>& x) {
  return compute(architecture, x, x).nngp;
}

}  // namespace ntape
