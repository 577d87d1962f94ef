#include <ntape/base/errors.hpp>
#include <ntape/tape/tape.hpp>

namespace ntape {

template <class Real>
Var Tape<Real>::append(Node node) {
  nodes_.push_back(std::move(node));
  ++generation_;
  return Var{nodes_.size() - 1};
}

template <class Real>
const typename Tape<Real>::Node& Tape<Real>::node(Var v) const {
  if (v.index >= nodes_.size())
    throw UserError("variable " + std::to_string(v.index) + " is not on this tape, which has " +
                    std::to_string(nodes_.size()) + " nodes");
  return nodes_[v.index];
}

template <class Real>
Var Tape<Real>::input(const Matrix<Real>& x) {
  outputs_.push_back(nullptr);
  return append(
      {.op = nullptr, .args = {}, .in = {}, .value = &x, .batched = true, .needs_cotangent = false});
}

template <class Real>
Var Tape<Real>::parameter(const Matrix<Real>& w) {
  for (const Var known : parameters_)
    if (nodes_[known.index].value == &w) return known;
  outputs_.push_back(nullptr);
  const Var v =
      append({.op = nullptr, .args = {}, .in = {}, .value = &w, .batched = false, .needs_cotangent = true});
  parameters_.push_back(v);
  return v;
}

template <class Real>
Var Tape<Real>::constant(const Matrix<Real>& w) {
  outputs_.push_back(nullptr);
  return append(
      {.op = nullptr, .args = {}, .in = {}, .value = &w, .batched = false, .needs_cotangent = false});
}

template <class Real>
Var Tape<Real>::record(OpPtr<Real> op, std::vector<Var> args) {
  std::vector<Shape> shapes;
  Node next{.op = std::move(op),
            .args = std::move(args),
            .in = {},
            .value = nullptr,
            .batched = false,
            .needs_cotangent = false};
  for (Arg k = 0; k < next.args.size(); ++k) {
    const Node& from = node(next.args[k]);
    if (from.batched && next.op->needs_batch_free(k))
      throw UserError(std::string(next.op->name()) + ": argument " + std::to_string(k) +
                      " has a row per example; it must be batch-free");
    shapes.push_back(shape_of(*from.value));
    next.in.push_back(from.value);
    next.batched = next.batched || from.batched;
    next.needs_cotangent = next.needs_cotangent || from.needs_cotangent;
  }
  const Shape shape = next.op->shape(shapes);
  storage_.push_back(make_matrix<Real>(shape.rows, shape.cols));
  next.value = &storage_.back();
  outputs_.push_back(&storage_.back());
  const Var v = append(std::move(next));
  evaluate(v.index);
  return v;
}

template <class Real>
void Tape<Real>::bind(Var leaf, const Matrix<Real>& to) {
  const Node& old = node(leaf);
  if (old.op) throw UserError("bind: variable " + std::to_string(leaf.index) + " is not a leaf of the tape");
  if (shape_of(*old.value) != shape_of(to))
    throw ShapeError("bind: the leaf is " + to_string(shape_of(*old.value)) + ", the new matrix is " +
                     to_string(shape_of(to)));
  if (!old.batched && old.needs_cotangent)
    for (const Var p : parameters_)
      if (p != leaf && nodes_[p.index].value == &to)
        throw UserError("bind: the matrix is another parameter of the tape, and the two would be one");
  nodes_[leaf.index].value = &to;
  for (Node& consumer : nodes_)
    for (Index k = 0; k < consumer.args.size(); ++k)
      if (consumer.args[k] == leaf) consumer.in[k] = &to;
  ++generation_;
}

template <class Real>
void Tape<Real>::evaluate(Index i) {
  nodes_[i].op->forward(nodes_[i].in, *outputs_[i]);
}

template <class Real>
void Tape<Real>::replay() {
  for (Index i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].op) evaluate(i);
  ++generation_;
}

template class Tape<float>;
template class Tape<double>;
template class Tape<Dual<float>>;
template class Tape<Dual<double>>;

}  // namespace ntape
