#include <algorithm>
#include <ntape/kernel/number.hpp>
#include <ntape/kernel/route_cost.hpp>

namespace ntape {
namespace {

using detail::number;

// A use of a parameter, as per_example_jacobian will find it.
struct UseShape {
  Index parameter;
  bool outer;
  bool ones;     // an outer product with a column of ones: a bias
  Index inputs;  // columns of what an outer product takes in
  Index node;    // whose cotangents it is made of
  Index width;   // of those
  Index size;    // entries of the parameter
};

template <class Real>
std::vector<char> leading_from(const Tape<Real>& tape, Var y) {
  std::vector<char> on_the_way(tape.size(), 0);
  on_the_way[y.index] = 1;
  for (Index i = y.index + 1; i-- > 0;)
    if (on_the_way[i])
      for (const Var arg : tape.node(Var{i}).args) on_the_way[arg.index] = 1;
  return on_the_way;
}

template <class Real>
std::vector<UseShape> uses_of(const Tape<Real>& tape, Var y, std::span<const char> selected) {
  const auto below = leading_to(tape, selected), above = leading_from(tape, y);
  std::vector<Index> position(tape.size());
  for (Index k = 0; k < tape.parameters().size(); ++k) position[tape.parameters()[k].index] = k;
  std::vector<UseShape> uses;
  std::vector<char> behind(tape.size(),
                           0);  // batch-free values that batched ops take, and what is below them
  for (Index i = y.index + 1; i-- > 0;) {
    const auto& node = tape.node(Var{i});
    if (!above[i]) continue;
    for (Arg k = 0; k < node.args.size(); ++k) {
      const Var arg = node.args[k];
      const auto& used = tape.node(arg);
      if (!below[arg.index] || used.batched) continue;
      if (used.op || !node.batched) {
        behind[arg.index] = 1;
        continue;
      }
      const Index size = used.value->size();
      const auto outer = node.op->outer_block(node.site(), k, Stack<Real>());
      uses.push_back({position[arg.index], outer.has_value(), outer && !outer->a,
                      outer && outer->a ? outer->a->shape(1) : 1, i, node.value->shape(1), size});
    }
  }
  for (const Var p : tape.parameters())
    if (behind[p.index])
      uses.push_back({position[p.index], false, false, 0, p.index, 0, tape.value(p).size()});
  return uses;
}

template <class Real>
double evaluation_flops(const Tape<Real>& tape) {
  double flops = 0;
  std::vector<Shape> shapes;
  for (Index i = 0; i < tape.size(); ++i) {
    const auto& node = tape.node(Var{i});
    if (!node.op) continue;
    shapes.clear();
    for (const Matrix<Real>* in : node.in) shapes.push_back(shape_of(*in));
    flops += node.op->flops(shapes);
  }
  return flops;
}

}  // namespace

template <class Real>
RouteCost route_cost(const Tape<Real>& tape1, Var y1, const Tape<Real>& tape2, Var y2,
                     const GramOptions<Real>& options, std::span<const char> selected) {
  const bool symmetric = &tape1 == &tape2 && y1 == y2;
  const Shape s1 = shape_of(tape1.value(y1)), s2 = shape_of(tape2.value(y2));
  const auto uses1 = uses_of(tape1, y1, selected), uses2 = symmetric ? uses1 : uses_of(tape2, y2, selected);
  const double outputs = number(s1.cols), pairs = number(s1.rows) * number(s2.rows) * (symmetric ? 1.0 : 2.0);
  const double output_pairs = options.form == KernelForm::full ? outputs * outputs : outputs;
  const double rows = outputs * number(s1.rows + (symmetric ? 0 : s2.rows)), bytes = sizeof(Real);
  const auto constant = [&](Index parameter) {
    if (!options.preconditioner) return true;
    const Matrix<Real>& w = (*options.preconditioner)[parameter];
    return std::all_of(w.begin(), w.end(), [&](Real v) { return v == *w.begin(); });
  };
  RouteCost cost;
  std::vector<std::pair<Index, Index>> met;
  for (const UseShape& u1 : uses1)
    for (const UseShape& u2 : uses2) {
      if (u1.parameter != u2.parameter) continue;
      if (!(u1.outer && u2.outer && u1.ones == u2.ones && constant(u1.parameter))) {
        cost.factored_flops += pairs * output_pairs * number(u1.size);
        cost.factored_bytes = std::max(cost.factored_bytes, 2 * rows * number(u1.size) * bytes);
        continue;
      }
      if (!u1.ones) cost.factored_flops += pairs * number(u1.inputs);
      const std::pair key{u1.node, u2.node};
      if (std::find(met.begin(), met.end(), key) != met.end()) continue;
      met.push_back(key);
      cost.factored_flops += pairs * output_pairs * number(u1.width);
    }
  double kept = 0;  // dense blocks live as long as the Jacobian
  for (const auto* uses : {&uses1, symmetric ? nullptr : &uses2})
    for (const UseShape& u : uses ? *uses : std::vector<UseShape>())
      if (!u.outer) kept += outputs * number(uses == &uses1 ? s1.rows : s2.rows) * number(u.size) * bytes;
  cost.factored_bytes += kept;
  for (Index k = 0; k < tape1.parameters().size(); ++k) {
    if (!selected.empty() && !selected[k]) continue;
    const double size = number(tape1.value(tape1.parameters()[k]).size());
    cost.dense_flops += pairs * output_pairs * size;
    cost.dense_bytes = std::max(cost.dense_bytes, 2 * rows * size * bytes);
  }
  cost.dense_bytes += kept;
  // A reverse and a forward sweep cost about two evaluations each, a direction.
  const double groups = number(count_groups(options.group_of, tape1.parameters().size()));
  cost.products_flops = number(s2.size()) * 2 * (evaluation_flops(tape2) + groups * evaluation_flops(tape1));
  return cost;
}

#define NTAPE_INSTANTIATE(Real)                                                                           \
  template RouteCost route_cost(const Tape<Real>&, Var, const Tape<Real>&, Var, const GramOptions<Real>&, \
                                std::span<const char>);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
