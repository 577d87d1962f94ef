#include <algorithm>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/route_cost.hpp>
#include <ntape/kernel/routes.hpp>
#include <ostream>

namespace ntape {
namespace {

constexpr double kDirectionBytes = 64.0 * 1024 * 1024;
// Beyond this, rows that have to be stored are not worth fewer flops.
constexpr double kMostBytes = 1024.0 * 1024 * 1024;

template <class Real>
std::vector<Shape> parameter_shapes(const Tape<Real>& tape) {
  std::vector<Shape> shapes;
  for (const Var p : tape.parameters()) shapes.push_back(shape_of(tape.value(p)));
  return shapes;
}

// Multiplies pulled-back directions by the selection of one group and by the preconditioner.
template <class Real>
std::vector<Stack<Real>> directions_of_group(const std::vector<Stack<Real>>& pulled, Index group,
                                             const RouteOptions<Real>& options) {
  std::vector<Stack<Real>> result = pulled;
  for (Index k = 0; k < result.size(); ++k) {
    const bool in_group = options.gram.group_of.empty() || options.gram.group_of[k] == group;
    const bool counts = options.selected.empty() || options.selected[k];
    if (!in_group || !counts) {
      result[k].fill(Real(0));
    } else if (options.gram.preconditioner) {
      const Matrix<Real>& weights = (*options.gram.preconditioner)[k];
      for (Index v = 0; v < result[k].shape(0); ++v)
        for (Index p = 0; p < weights.size(); ++p) slice(result[k], v)[p] *= weights.data()[p];
    }
  }
  return result;
}

// Adds column (m, k), given as values of y1 [N1 x C], to a kernel of that form.
template <class Real>
void add_column(const Real* column, KernelForm form, Index n1, Index outputs, Index m, Index k,
                Matrix<Real>& out) {
  const Real share = Real(1) / static_cast<Real>(outputs);
  for (Index n = 0; n < n1; ++n) {
    if (form == KernelForm::full)
      for (Index c = 0; c < outputs; ++c) out(n * outputs + c, m * outputs + k) += column[n * outputs + c];
    else if (form == KernelForm::diagonal)
      out(k * n1 + n, m) += column[n * outputs + k];
    else
      out(n, m) += share * column[n * outputs + k];
  }
}

template <class Real>
std::vector<Matrix<Real>> by_products(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2, Var y2,
                                      const RouteOptions<Real>& options) {
  const auto shapes = parameter_shapes(tape2);
  const Shape s1 = shape_of(tape1.value(y1)), s2 = shape_of(tape2.value(y2));
  const Index groups = count_groups(options.gram.group_of, shapes.size());
  const Shape shape = kernel_shape(options.gram.form, s1.rows, s2.rows, s1.cols);
  std::vector<Matrix<Real>> result(groups, zeros<Real>(shape.rows, shape.cols));
  if (shapes.empty()) return result;
  double bytes = 0;
  for (const Shape s : shapes) bytes += static_cast<double>(s.size() * sizeof(Real));
  const Index columns = s2.size();
  const Index chunk = static_cast<Index>(std::clamp(kDirectionBytes / std::max(bytes, 1.0), 1.0,
                                                    static_cast<double>(std::max<Index>(columns, 1))));
  for (Index first = 0; first < columns; first += chunk) {
    const Index count = std::min(chunk, columns - first);
    Stack<Real> seed = make_stack<Real>(count, s2.rows, s2.cols);
    seed.fill(Real(0));
    for (Index v = 0; v < count; ++v) slice(seed, v)[first + v] = Real(1);
    const auto pulled = pullback(tape2, y2, seed);
    for (Index g = 0; g < groups; ++g) {
      const Stack<Real> pushed = pushforward(tape1, y1, directions_of_group(pulled, g, options));
      for (Index v = 0; v < count; ++v)
        add_column(slice(pushed, v), options.gram.form, s1.rows, s1.cols, (first + v) / s2.cols,
                   (first + v) % s2.cols, result[g]);
    }
  }
  return result;
}

template <class Real>
void say(const RouteOptions<Real>& options, Route taken, const std::string& why) {
  if (options.explain) *options.explain << "kernel route: " << name_of(taken) << ", because " << why << '\n';
}

std::string describe(const RouteCost& cost) {
  char text[200];
  std::snprintf(text, sizeof text,
                "%.3g Gflop factored with %.3g MiB of dense rows, %.3g Gflop dense with %.3g MiB, %.3g Gflop "
                "by products",
                cost.factored_flops / 1e9, cost.factored_bytes / 0x1p20, cost.dense_flops / 1e9,
                cost.dense_bytes / 0x1p20, cost.products_flops / 1e9);
  return text;
}

// The fewest flops of those that do not store too much.
Route cheapest(const RouteCost& cost) {
  Route best = Route::products;
  double flops = cost.products_flops;
  const auto weigh = [&](Route route, double of_route, double bytes) {
    if (bytes > kMostBytes || of_route >= flops) return;
    best = route;
    flops = of_route;
  };
  weigh(Route::dense, cost.dense_flops, cost.dense_bytes);
  weigh(Route::factored, cost.factored_flops, cost.factored_bytes);
  return best;
}

template <class Real>
void require_kernel_of(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2, Var y2,
                       const RouteOptions<Real>& options) {
  for (const auto& [tape, y] : {std::pair{&tape1, y1}, std::pair{&tape2, y2}}) {
    if (!tape->node(y).batched) throw UserError("kernel: the output has no row per example");
    if (tape->value(y).shape(1) == 0) throw UserError("kernel: the output has no columns");
  }
  const auto shapes = parameter_shapes(tape1);
  if (shapes != parameter_shapes(tape2) || tape1.value(y1).shape(1) != tape2.value(y2).shape(1))
    throw ShapeError("kernel: the two tapes do not have the same parameters and outputs");
  if (!options.selected.empty() && options.selected.size() != shapes.size())
    throw ShapeError("kernel: a selection of " + std::to_string(options.selected.size()) +
                     " parameters on a tape that has " + std::to_string(shapes.size()));
  require_options(shapes, options.gram);
}

}  // namespace

const char* name_of(Route route) {
  switch (route) {
    case Route::factored:
      return "factored";
    case Route::dense:
      return "dense";
    case Route::products:
      return "products";
    case Route::automatic:
      break;
  }
  return "automatic";
}

template <class Real>
std::vector<Matrix<Real>> kernel_by_group(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2, Var y2,
                                          const RouteOptions<Real>& options) {
  require_kernel_of(tape1, y1, tape2, y2, options);
  const bool symmetric = &tape1 == &tape2 && y1 == y2;
  std::string mixing = mixing_op(tape1, y1);
  if (mixing.empty() && !symmetric) mixing = mixing_op(tape2, y2);
  Route route = options.route;
  if (route == Route::automatic && !mixing.empty()) {
    route = Route::products;
    say(options, route, "op " + mixing + " mixes examples");
  } else {
    const RouteCost cost = route_cost(tape1, y1, tape2, y2, options.gram, options.selected);
    if (route == Route::automatic) route = cheapest(cost);
    say(options, route, (options.route == route ? "it was asked for: " : "of its cost: ") + describe(cost));
  }
  if (route == Route::products) return by_products(tape1, y1, tape2, y2, options);
  const Jacobian<Real> j1 = per_example_jacobian(tape1, y1, options.selected);
  const Jacobian<Real> other =
      symmetric ? Jacobian<Real>{} : per_example_jacobian(tape2, y2, options.selected);
  const Jacobian<Real>& j2 = symmetric ? j1 : other;
  return route == Route::dense ? dense_gram_by_group(j1, j2, options.gram)
                               : gram_by_group(j1, j2, options.gram);
}

#define NTAPE_INSTANTIATE(Real)                                                                      \
  template std::vector<Matrix<Real>> kernel_by_group(const Tape<Real>&, Var, const Tape<Real>&, Var, \
                                                     const RouteOptions<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
