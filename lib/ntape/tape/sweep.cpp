#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/tape/sweep.hpp>

namespace ntape {
namespace {

template <class Real>
void ensure(Stack<Real>& s, Index count, Shape shape) {
  if (s.shape(0) != count || s.shape(1) != shape.rows || s.shape(2) != shape.cols)
    s = make_stack<Real>(count, shape.rows, shape.cols);
}

template <class Real>
std::string describe(const Stack<Real>& s) {
  return std::to_string(s.shape(0)) + " x " + to_string(Shape{s.shape(1), s.shape(2)});
}

template <class Real>
void require_fit(const char* who, const Stack<Real>& s, Shape shape) {
  if (s.shape(1) != shape.rows || s.shape(2) != shape.cols)
    throw ShapeError(std::string(who) + ": given a stack " + describe(s) + " for a value that is " +
                     to_string(shape));
}

}  // namespace

template <class Real>
void ReverseSweep<Real>::run(const Tape<Real>& tape, Var y, const Stack<Real>& seed,
                             const BatchFreeUse& on_use, std::span<const char> needed) {
  require_fit("pullback", seed, shape_of(tape.value(y)));
  const Index count = seed.shape(0);
  const auto skipped = [&](Var v) {
    return needed.empty() ? !tape.node(v).needs_cotangent : !needed[v.index];
  };
  cotangents_.resize(tape.size());
  reached_.assign(tape.size(), 0);
  // Room for the cotangent of v; `first` when nothing has been added to it yet, and it holds anything.
  const auto open = [&](Var v, bool& first) -> Stack<Real>& {
    Stack<Real>& c = cotangents_[v.index];
    first = !reached_[v.index];
    if (first) ensure(c, count, shape_of(tape.value(v)));
    reached_[v.index] = 1;
    return c;
  };
  bool first = false;
  std::copy(seed.begin(), seed.end(), open(y, first).begin());
  for (Index i = y.index + 1; i-- > 0;) {
    const auto& node = tape.node(Var{i});
    if (!reached_[i] || !node.op || skipped(Var{i})) continue;
    const Site<Real> site = node.site();
    for (Arg k = 0; k < node.args.size(); ++k) {
      if (skipped(node.args[k])) continue;
      const bool batch_free_use = node.batched && !tape.node(node.args[k]).batched;
      const bool taken = on_use && batch_free_use && on_use(Var{i}, k, site, cotangents_[i]);
      if (taken) continue;
      Stack<Real>& target = open(node.args[k], first);
      if (first)
        node.op->write_vjp(site, k, cotangents_[i], target);
      else
        node.op->vjp(site, k, cotangents_[i], target);
    }
  }
  for (const Var p : tape.parameters()) {
    if (on_use || skipped(p)) continue;
    Stack<Real>& unused = open(p, first);
    if (first) unused.fill(Real(0));
  }
}

template <class Real>
void ReverseSweep<Real>::scale_examples(const Tape<Real>& tape, std::span<const Real> weights) {
  for (Index i = 0; i < reached_.size(); ++i) {
    if (!reached_[i] || !tape.node(Var{i}).batched) continue;
    Stack<Real>& c = cotangents_[i];
    const Index examples = c.shape(1), cols = c.shape(2);
    if (weights.size() != examples)
      throw ShapeError("scale_examples: given " + std::to_string(weights.size()) + " weights for " +
                       std::to_string(examples) + " examples");
    const auto scale_row = [&](Index r) {
      for (Index k = 0; k < cols; ++k) c.data()[r * cols + k] *= weights[r % examples];
    };
    const Index rows = c.shape(0) * examples;
    if (c.size() < 65536) {
      for (Index r = 0; r < rows; ++r) scale_row(r);
      continue;
    }
#pragma omp parallel for schedule(static)
    for (Index r = 0; r < rows; ++r) scale_row(r);
  }
}

template <class Real>
const Stack<Real>& ReverseSweep<Real>::cotangent(Var v) const {
  if (!reached(v)) throw InternalError("no cotangent was computed for variable " + std::to_string(v.index));
  return cotangents_[v.index];
}

template <class Real>
std::vector<char> leading_to(const Tape<Real>& tape, std::span<const char> selected) {
  const auto& parameters = tape.parameters();
  if (!selected.empty() && selected.size() != parameters.size())
    throw ShapeError("a selection of " + std::to_string(selected.size()) + " parameters on a tape that has " +
                     std::to_string(parameters.size()));
  std::vector<char> leads(tape.size(), 0);
  for (Index k = 0; k < parameters.size(); ++k) leads[parameters[k].index] = selected.empty() || selected[k];
  for (Index i = 0; i < tape.size(); ++i)
    for (const Var arg : tape.node(Var{i}).args)
      if (leads[arg.index]) leads[i] = 1;
  return leads;
}

template <class Real>
std::vector<Stack<Real>> pullback(const Tape<Real>& tape, Var y, const Stack<Real>& seed) {
  ReverseSweep<Real> sweep;
  sweep.run(tape, y, seed);
  std::vector<Stack<Real>> result;
  for (const Var p : tape.parameters()) result.push_back(sweep.cotangent(p));
  return result;
}

template <class Real>
const Stack<Real>& ForwardSweep<Real>::run(const Tape<Real>& tape, Var y,
                                           std::span<const Stack<Real>> tangents) {
  if (tangents.size() != tape.parameters().size())
    throw ShapeError("pushforward: given " + std::to_string(tangents.size()) + " tangents for " +
                     std::to_string(tape.parameters().size()) + " parameters");
  own_.resize(tape.size());
  at_.assign(tape.size(), nullptr);
  const Index count = tangents.empty() ? 1 : tangents.front().shape(0);
  for (Index k = 0; k < tangents.size(); ++k) {
    const Var p = tape.parameters()[k];
    require_fit("pushforward", tangents[k], shape_of(tape.value(p)));
    if (tangents[k].shape(0) != count)
      throw ShapeError("pushforward: tangents " + describe(tangents[k]) + " among tangents of leading size " +
                       std::to_string(count));
    at_[p.index] = &tangents[k];
  }
  for (Index i = 0; i <= y.index; ++i) {
    const auto& node = tape.node(Var{i});
    if (at_[i] || !(node.needs_cotangent || i == y.index)) continue;
    ensure(own_[i], count, shape_of(*node.value));
    own_[i].fill(Real(0));
    at_[i] = &own_[i];
    const Site<Real> site = node.site();
    for (Arg k = 0; k < node.args.size(); ++k)
      if (tape.node(node.args[k]).needs_cotangent) node.op->jvp(site, k, *at_[node.args[k].index], own_[i]);
  }
  return *at_[y.index];
}

template <class Real>
Stack<Real> pushforward(const Tape<Real>& tape, Var y, const std::vector<Stack<Real>>& tangents) {
  return ForwardSweep<Real>().run(tape, y, tangents);
}

#define NTAPE_INSTANTIATE(Real)                                                           \
  template std::vector<char> leading_to(const Tape<Real>&, std::span<const char>);        \
  template class ForwardSweep<Real>;                                                      \
  template class ReverseSweep<Real>;                                                      \
  template std::vector<Stack<Real>> pullback(const Tape<Real>&, Var, const Stack<Real>&); \
  template Stack<Real> pushforward(const Tape<Real>&, Var, const std::vector<Stack<Real>>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
