#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/convex.hpp>
#include <ntape/dynamics/factor.hpp>
#include <ntape/dynamics/text.hpp>
#include <span>

namespace ntape {
namespace {

using detail::text;

namespace odeint = boost::numeric::odeint;
using State = std::vector<double>;

void require(const Matrix<double>& kernel, const Matrix<double>& f0, const Matrix<double>& y,
             const std::vector<double>& times, const FlowOptions& options) {
  const bool fits = kernel.shape(0) == y.shape(0) || kernel.shape(0) == y.size();
  if (shape_of(f0) != shape_of(y) || kernel.shape(0) != kernel.shape(1) || !fits)
    throw ShapeError("gradient flow: the kernel is " + to_string(shape_of(kernel)) + ", outputs are " +
                     to_string(shape_of(f0)) + " and targets are " + to_string(shape_of(y)));
  require_kernel(kernel, "the kernel");
  detail::require_finite(f0, "outputs at the start");
  detail::require_finite(y, "targets");
  // Below, steps would be judged by their rounding.
  if (!(options.tolerance >= 1e-13 && options.tolerance <= .1))
    throw UserError("the tolerance is " + text(options.tolerance) + ", and one from 1e-13 to 0.1 is needed");
  for (Index k = 0; k < times.size(); ++k)
    if (!(std::isfinite(times[k]) && times[k] >= (k > 0 ? times[k - 1] : 0)))
      throw UserError("the time " + text(times[k]) + " is given to the flow on " + options.objective +
                      ", which needs finite times from 0 on, ascending");
}

// The largest absolute row sum, which no eigenvalue exceeds.
double row_bound(const Matrix<double>& k) {
  double top = 0;
  for (Index i = 0; i < k.shape(0); ++i) {
    double sum = 0;
    for (Index j = 0; j < k.shape(1); ++j) sum += std::abs(k(i, j));
    top = std::max(top, sum);
  }
  return top;
}

// d_t a = P dC/df(f_0 - Theta a); storage is kept from call to call.
class Flow {
 public:
  Flow(const Matrix<double>& kernel, linalg::View<double> null, const Matrix<double>& f0,
       const Matrix<double>& y, const std::string& name)
      : null_(null),
        kernel_(kernel),
        f0_(f0),
        y_(y),
        objective_(objective<double>(name)),
        f_(f0),
        slope_(make_stack<double>(1, f0.shape(0), f0.shape(1))),
        along_null_(make_matrix<double>(null.rows, f0.size() / kernel.shape(0))) {}

  void operator()(const State& a, State& rate, double) {
    const Index n = kernel_.shape(0), columns = f0_.size() / n;
    std::copy(f0_.begin(), f0_.end(), f_.begin());
    linalg::gemm(-1.0, linalg::view(kernel_), linalg::Op::plain, linalg::View<double>{a.data(), n, columns},
                 linalg::Op::plain, 1.0, f_.data(), columns);
    objective_->cotangent(f_, y_, slope_);
    if (null_.rows > 0) {
      linalg::gemm(1.0, null_, linalg::Op::plain, linalg::View<double>{slope_.data(), n, columns},
                   linalg::Op::plain, 0.0, along_null_.data(), columns);
      linalg::gemm(-1.0, null_, linalg::Op::transposed, linalg::view(along_null_), linalg::Op::plain, 1.0,
                   slope_.data(), columns);
    }
    std::copy(slope_.begin(), slope_.end(), rate.begin());
  }

 private:
  linalg::View<double> null_;  // I - P, as rows
  const Matrix<double>&kernel_, &f0_, &y_;
  ObjectivePtr<double> objective_;
  Matrix<double> f_;
  Stack<double> slope_;
  Matrix<double> along_null_;
};

Matrix<double> shaped(const State& a, Shape shape) {
  auto m = make_matrix<double>(shape.rows, shape.cols);
  for (Index k = 0; k < a.size(); ++k) {
    if (!std::isfinite(a[k]))
      throw UserError("gradient flow in function space overflowed; smaller kernels or targets are needed");
    m.data()[k] = a[k];
  }
  return m;
}

struct Problem {
  const Matrix<double>&kernel, &f0, &y;
  const FlowOptions& options;
};

// Adds coefficients at these times to `result`, without those along `null`.
void integrate(const Problem& p, linalg::View<double> null, std::span<const double> times,
               FlowCoefficients& result) {
  const auto& [kernel, f0, y, options] = p;
  Flow flow(kernel, null, f0, y, options.objective);
  State start(f0.size(), 0), now(f0.size());
  flow(start, now, 0);  // targets are refused here
  const double fastest = row_bound(kernel), examples = static_cast<double>(f0.shape(0));
  // An error of a times |Theta| is one of outputs. The first step is well within the fastest mode.
  const double scale = fastest > 0 ? fastest : 1;
  auto solver = odeint::make_dense_output(options.tolerance / scale, options.tolerance,
                                          odeint::runge_kutta_dopri5<State>());
  solver.initialize(start, 0, .01 * examples / scale);
  for (const double t : times) {
    if (t == 0) {
      result.at.push_back(zeros<double>(f0.shape(0), f0.shape(1)));
      continue;
    }
    while (solver.current_time() < t) {
      if (result.steps == options.most_steps)
        throw UserError("gradient flow on " + options.objective + " is at time " +
                        text(solver.current_time()) + " after " + std::to_string(options.most_steps) +
                        " steps of its solver, and " + text(t) +
                        " is asked for; ask for earlier times or allow for more steps");
      solver.do_step(std::ref(flow));
      ++result.steps;
    }
    solver.calc_state(t, now);
    result.at.push_back(shaped(now, shape_of(f0)));
  }
}

}  // namespace

FlowCoefficients flow_coefficients(const Matrix<double>& kernel, const Matrix<double>& f0,
                                   const Matrix<double>& y, const std::vector<double>& times,
                                   const FlowOptions& options) {
  require(kernel, f0, y, times, options);
  return flow_coefficients(KernelFactor(kernel), kernel, f0, y, times, options);
}

FlowCoefficients flow_coefficients(const KernelFactor& factor, const Matrix<double>& kernel,
                                   const Matrix<double>& f0, const Matrix<double>& y,
                                   const std::vector<double>& times, const FlowOptions& options) {
  require(kernel, f0, y, times, options);
  if (factor.size() != kernel.shape(0))
    throw ShapeError("gradient flow: the factored kernel is " +
                     to_string(Shape{factor.size(), factor.size()}) + " and the kernel " +
                     to_string(shape_of(kernel)));
  // Null modes take part until late, those of negative eigenvalues, which would rise, never.
  const auto late = std::partition_point(times.begin(), times.end(),
                                         [&](double t) { return t <= factor.late(f0.shape(0)); });
  FlowCoefficients result{times, {}, 0};
  const Problem problem{kernel, f0, y, options};
  integrate(problem, factor.negative_vectors(), {times.begin(), late}, result);
  if (late != times.end()) integrate(problem, factor.null_vectors(), {late, times.end()}, result);
  return result;
}

Matrix<double> outputs_of(const Matrix<double>& kappa, const Matrix<double>& coefficients,
                          const Matrix<double>& f0) {
  const bool full = kappa.shape(1) == coefficients.size() && kappa.shape(0) == f0.size();
  const bool shared = kappa.shape(1) == coefficients.shape(0) && kappa.shape(0) == f0.shape(0);
  if (coefficients.shape(1) != f0.shape(1) || !(full || shared))
    throw ShapeError("outputs_of: the kernel is " + to_string(shape_of(kappa)) + ", coefficients are " +
                     to_string(shape_of(coefficients)) + " and outputs were " + to_string(shape_of(f0)));
  const Index columns = shared ? f0.shape(1) : 1;
  Matrix<double> f = f0;
  linalg::gemm(-1.0, linalg::view(kappa), linalg::Op::plain,
               linalg::View<double>{coefficients.data(), kappa.shape(1), columns}, linalg::Op::plain, 1.0,
               f.data(), columns);
  return f;
}

}  // namespace ntape
