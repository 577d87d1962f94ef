#include <ntape/base/errors.hpp>
#include <ntape/jacobian/jacobian.hpp>

namespace ntape {

template <class Real>
void Jacobian<Real>::require_current() const {
  if (!tape || tape->generation() != generation)
    throw InternalError("a Jacobian was used after its tape was replayed or extended");
}

namespace {

// One sweep gives every row only where row n of y depends on row n of each node on the way to a parameter.
template <class Real>
void require_independent_rows(const Tape<Real>& tape, Var y) {
  if (!tape.node(y).batched) throw UserError("per_example_jacobian: the output has no row per example");
  std::vector<char> on_the_way(y.index + 1, 0);
  on_the_way[y.index] = 1;
  for (Index i = y.index + 1; i-- > 0;) {
    const auto& node = tape.node(Var{i});
    if (!on_the_way[i] || !node.needs_cotangent || !node.op) continue;
    if (node.batched && node.op->rows() == Rows::mixed)
      throw UserError("per_example_jacobian: op " + std::string(node.op->name()) +
                      " mixes examples, so an example has no Jacobian of its own");
    for (const Var arg : node.args) on_the_way[arg.index] = 1;
  }
}

}  // namespace

template <class Real>
Jacobian<Real> per_example_jacobian(const Tape<Real>& tape, Var y) {
  require_independent_rows(tape, y);
  Jacobian<Real> j;
  const Shape shape = shape_of(tape.value(y));
  j.examples = shape.rows;
  j.outputs = shape.cols;
  j.tape = &tape;
  j.generation = tape.generation();
  j.sweep = std::make_unique<ReverseSweep<Real>>();
  std::vector<Index> position(tape.size(), tape.size());
  for (Index k = 0; k < tape.parameters().size(); ++k) {
    const Var p = tape.parameters()[k];
    position[p.index] = k;
    j.parameters.push_back(shape_of(tape.value(p)));
  }
  Stack<Real> seed = make_stack<Real>(shape.cols, shape.rows, shape.cols);
  seed.fill(Real(0));
  for (Index c = 0; c < shape.cols; ++c)
    for (Index n = 0; n < shape.rows; ++n) seed(c, n, c) = Real(1);

  j.sweep->run(tape, y, seed, [&](Var at, Arg arg, const Site<Real>& site, const Stack<Real>& cotangent) {
    const auto& node = tape.node(at);
    const Index parameter = position[node.args[arg].index];
    if (parameter == tape.size())
      throw UserError("per_example_jacobian: op " + std::string(node.op->name()) +
                      " uses a parameter through batch-free ops, which is not supported yet");
    j.uses.push_back({parameter, node.op->block(site, arg, cotangent)});
    return true;
  });
  return j;
}

namespace {

template <class Real>
void add_block(const OuterBlock<Real>& block, Index cols, Matrix<Real>& out, Index outputs, Index first) {
  const Stack<Real>& d = *block.d;
  for (Index v = 0; v < d.shape(0); ++v)
    for (Index n = 0; n < d.shape(1); ++n) {
      Real* target = row(out, n * outputs + v) + first;
      const Real* delta = slice(d, v) + n * d.shape(2);
      for (Index o = 0; o < d.shape(2); ++o) {
        const Real factor = block.scale * delta[o];
        if (!block.a) {
          target[o] += factor;
          continue;
        }
        const Real* a = row(*block.a, n);
        for (Index i = 0; i < cols; ++i) target[o * cols + i] += factor * a[i];
      }
    }
}

template <class Real>
void add_block(const DenseBlock<Real>& block, Index, Matrix<Real>& out, Index outputs, Index first) {
  for (Index v = 0; v < block.j.shape(0); ++v)
    for (Index n = 0; n < block.j.shape(1); ++n)
      for (Index p = 0; p < block.j.shape(2); ++p) row(out, n * outputs + v)[first + p] += block.j(v, n, p);
}

}  // namespace

template <class Real>
Matrix<Real> dense_jacobian(const Jacobian<Real>& j) {
  j.require_current();
  std::vector<Index> first;
  Index total = 0;
  for (const Shape s : j.parameters) {
    first.push_back(total);
    total += s.size();
  }
  Matrix<Real> out = zeros<Real>(j.examples * j.outputs, total);
  for (const auto& use : j.uses)
    std::visit(
        [&](const auto& block) {
          add_block(block, j.parameters[use.parameter].cols, out, j.outputs, first[use.parameter]);
        },
        use.block);
  return out;
}

#define NTAPE_INSTANTIATE(Real)                                         \
  template struct Jacobian<Real>;                                       \
  template Jacobian<Real> per_example_jacobian(const Tape<Real>&, Var); \
  template Matrix<Real> dense_jacobian(const Jacobian<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
