#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/dense.hpp>

namespace ntape {

template <class Real>
void Jacobian<Real>::require_current() const {
  if (!tape || tape->generation() != generation)
    throw InternalError("a Jacobian was used after its tape was replayed or extended");
}

template <class Real>
std::string mixing_op(const Tape<Real>& tape, Var y) {
  std::vector<char> on_the_way(y.index + 1, 0);
  on_the_way[y.index] = 1;
  for (Index i = y.index + 1; i-- > 0;) {
    const auto& node = tape.node(Var{i});
    if (!on_the_way[i] || !node.needs_cotangent || !node.op) continue;
    if (node.batched && node.op->rows() == Rows::mixed) return std::string(node.op->name());
    for (const Var arg : node.args) on_the_way[arg.index] = 1;
  }
  return {};
}

namespace {

template <class Real>
void require_rows(const Tape<Real>& tape, Var y) {
  if (!tape.node(y).batched) throw UserError("per_example_jacobian: the output has no row per example");
  if (tape.value(y).shape(1) == 0) throw UserError("per_example_jacobian: the output has no columns");
  const std::string mixing = mixing_op(tape, y);
  if (!mixing.empty())
    throw UserError("per_example_jacobian: op " + mixing +
                    " mixes examples, so an example has no Jacobian of its own");
}

// d f_c(x_n) / d f_c(x_n) = 1: C cotangents, one a output, give every example's row at once.
template <class Real>
Stack<Real> unit_seeds(Shape y) {
  Stack<Real> seed = make_stack<Real>(y.cols, y.rows, y.cols);
  seed.fill(Real(0));
  for (Index c = 0; c < y.cols; ++c)
    for (Index n = 0; n < y.rows; ++n) seed(c, n, c) = Real(1);
  return seed;
}

// Collects uses: blocks at parameters as they are; at values computed from parameters alone, dense rows,
// which go on through the batch-free ops as C N cotangents travelling together.
template <class Real>
class UseCollector {
 public:
  UseCollector(const Tape<Real>& tape, const std::vector<char>& needed, Jacobian<Real>& j)
      : tape_(tape), needed_(needed), j_(j), position_(tape.size(), tape.size()), rows_(tape.size()) {
    for (Index k = 0; k < tape.parameters().size(); ++k) position_[tape.parameters()[k].index] = k;
  }

  void meet(Var target, Block<Real> block) {
    if (!tape_.node(target).op) {
      j_.uses.push_back({position_[target.index], std::move(block)});
      return;
    }
    const Stack<Real> dense = dense_block(block, shape_of(tape_.value(target)));
    Stack<Real>& sum = open(target);
    for (Index k = 0; k < dense.size(); ++k) sum.data()[k] += dense.data()[k];
  }

  void pull_through_batch_free_ops() {
    for (Index i = tape_.size(); i-- > 0;) {
      if (!rows_[i]) continue;
      const auto& node = tape_.node(Var{i});
      if (node.op) {
        for (Arg k = 0; k < node.args.size(); ++k)
          if (needed_[node.args[k].index]) node.op->vjp(node.site(), k, *rows_[i], open(node.args[k]));
      } else {
        DenseBlock<Real> block{make_stack<Real>(j_.outputs, j_.examples, shape_of(*node.value).size())};
        std::copy(rows_[i]->begin(), rows_[i]->end(), block.j.begin());
        j_.uses.push_back({position_[i], std::move(block)});
      }
      rows_[i].reset();
    }
  }

 private:
  [[nodiscard]] Index count() const { return j_.outputs * j_.examples; }
  Stack<Real>& open(Var v) {
    auto& rows = rows_[v.index];
    if (!rows) {
      const Shape shape = shape_of(tape_.value(v));
      rows = make_stack<Real>(count(), shape.rows, shape.cols);
      rows->fill(Real(0));
    }
    return *rows;
  }

  const Tape<Real>& tape_;
  const std::vector<char>& needed_;
  Jacobian<Real>& j_;
  std::vector<Index> position_;                   // of a parameter's leaf in Tape::parameters()
  std::vector<std::optional<Stack<Real>>> rows_;  // [C N x rows x cols] of a batch-free node
};

}  // namespace

template <class Real>
Jacobian<Real> per_example_jacobian(const Tape<Real>& tape, Var y, std::span<const char> selected) {
  require_rows(tape, y);
  Jacobian<Real> j;
  const Shape shape = shape_of(tape.value(y));
  j.examples = shape.rows;
  j.outputs = shape.cols;
  j.tape = &tape;
  j.generation = tape.generation();
  j.sweep = std::make_unique<ReverseSweep<Real>>();
  j.output = y;
  j.seed = unit_seeds<Real>(shape);
  j.needed = leading_to(tape, selected);
  for (const Var p : tape.parameters()) j.parameters.push_back(shape_of(tape.value(p)));
  UseCollector<Real> uses(tape, j.needed, j);
  const auto on_use = [&](Var at, Arg arg, const Site<Real>& site, const Stack<Real>& cotangent) {
    const auto& node = tape.node(at);
    uses.meet(node.args[arg], node.op->block(site, arg, cotangent));
    return true;
  };
  j.sweep->run(tape, y, j.seed, on_use, j.needed);
  uses.pull_through_batch_free_ops();
  return j;
}

template <class Real>
void refresh(Jacobian<Real>& j) {
  const Tape<Real>& tape = *j.tape;
  if (tape.size() != j.needed.size()) throw InternalError("refresh: the tape of the Jacobian was extended");
  j.uses.clear();
  // Captures no more than std::function holds without allocating.
  const auto on_use = [&j](Var at, Arg arg, const Site<Real>& site, const Stack<Real>& cotangent) {
    const auto& node = j.tape->node(at);
    const auto& parameters = j.tape->parameters();
    const auto leaf = std::find(parameters.begin(), parameters.end(), node.args[arg]);
    const auto outer = node.op->outer_block(site, arg, cotangent);
    if (!outer || leaf == parameters.end()) throw InternalError("refresh: a block of the Jacobian is dense");
    j.uses.push_back({static_cast<Index>(leaf - parameters.begin()), *outer});
    return true;
  };
  j.sweep->run(tape, j.output, j.seed, on_use, j.needed);
  j.generation = tape.generation();
}

template <class Real>
bool is_structured(const Tape<Real>& tape, Var y) {
  if (!tape.node(y).batched || !mixing_op(tape, y).empty()) return false;
  std::vector<char> on_the_way(y.index + 1, 0);
  on_the_way[y.index] = 1;
  for (Index i = y.index + 1; i-- > 0;) {
    const auto& node = tape.node(Var{i});
    if (!on_the_way[i] || !node.needs_cotangent || !node.op) continue;
    for (Arg k = 0; k < node.args.size(); ++k) {
      const auto& used = tape.node(node.args[k]);
      on_the_way[node.args[k].index] = 1;
      if (used.batched || !used.needs_cotangent) continue;
      if (used.op || !node.op->outer_block(node.site(), k, Stack<Real>())) return false;
    }
  }
  return true;
}

#define NTAPE_INSTANTIATE(Real)                                                                \
  template struct Jacobian<Real>;                                                              \
  template std::string mixing_op(const Tape<Real>&, Var);                                      \
  template Jacobian<Real> per_example_jacobian(const Tape<Real>&, Var, std::span<const char>); \
  template void refresh(Jacobian<Real>&);                                                      \
  template bool is_structured(const Tape<Real>&, Var);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
