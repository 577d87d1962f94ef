#include "random_graph.hpp"

#include <algorithm>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>

#include "cases.hpp"
#include "matrices.hpp"

namespace ntape::test {
namespace {

constexpr int kInput = -1, kParameter = -2, kStep = 0;
constexpr Index kMostColumns = 6;
// Larger values are scaled down, so that rounding in one op is not blown up by the next.
constexpr double kLargest = 3;

}  // namespace

// std::mt19937_64 and its raw words are the same everywhere; distributions are not.
Index RandomGraph::draw(Index count) {
  return static_cast<Index>(engine_() % count);
}
bool RandomGraph::chance(double probability) {
  return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
}

Index RandomGraph::add_parameter(Shape shape) {
  parameters_.push_back(
      std::make_unique<Matrix<double>>(normal<double>(shape.rows, shape.cols, engine_() >> 1)));
  nodes_.push_back({shape, false});
  kind_.push_back(kParameter);
  at_.push_back(parameters_.size() - 1);
  return nodes_.size() - 1;
}

Index RandomGraph::add_step(OpPtr<double> op, std::vector<Index> args) {
  std::vector<Shape> shapes;
  bool batched = false;
  for (const Index a : args) {
    shapes.push_back(nodes_[a].shape);
    batched = batched || nodes_[a].batched;
  }
  nodes_.push_back({op->shape(shapes), batched});
  kind_.push_back(kStep);
  at_.push_back(steps_.size());
  steps_.push_back({std::move(op), std::move(args)});
  return nodes_.size() - 1;
}

// A batch-free value of that shape: one there is already, a new parameter, or one behind an op.
Index RandomGraph::batch_free(Shape shape) {
  std::vector<Index> fitting;
  for (Index k = 0; k < nodes_.size(); ++k)
    if (!nodes_[k].batched && nodes_[k].shape == shape) fitting.push_back(k);
  if (!fitting.empty() && chance(0.4)) return fitting[draw(fitting.size())];
  if (chance(0.6)) return add_parameter(shape);
  switch (draw(4)) {
    case 0:
      return add_step(scale_op(0.6), {batch_free(shape)});
    case 1:
      return add_step(activation_op<double>("tanh"), {batch_free(shape)});
    case 2:
      return add_step(transpose_op<double>(), {batch_free({shape.cols, shape.rows})});
    default:
      return add_step(multiply_op<double>(), {batch_free(shape), batch_free(shape)});
  }
}

bool RandomGraph::add_random_op() {
  const auto& recipes = op_recipes();
  const OpRecipe& recipe = recipes[draw(recipes.size())];
  const Index first = draw(nodes_.size());
  const Node from = nodes_[first];
  if (!recipe.recordable || !from.batched || from.shape.cols < recipe.least_columns) return false;
  const OpCase c = recipe.at(examples_, from.shape.cols);
  if (c.ops.f64->rows() == Rows::mixed) return false;
  std::vector<Index> args;
  bool any_batched = false;
  for (const Argument& argument : c.arguments) {
    Index chosen = first;
    if (!argument.batched) {
      chosen = batch_free(argument.shape);
    } else {
      std::vector<Index> fitting;
      for (Index k = 0; k < nodes_.size(); ++k)
        if (nodes_[k].batched && nodes_[k].shape == argument.shape) fitting.push_back(k);
      if (fitting.empty()) return false;
      if (any_batched || nodes_[first].shape != argument.shape) chosen = fitting[draw(fitting.size())];
      any_batched = true;
    }
    if (argument.domain == Domain::positive)
      chosen = add_step(activation_op<double>("polynomial(1,0,1)"), {chosen});
    args.push_back(chosen);
  }
  if (!any_batched) return false;
  add_step(c.ops.f64, std::move(args));
  return nodes_.back().shape.cols > 0;
}

void RandomGraph::keep_small() {
  Tape<double> tape;
  const Matrix<double> x = normal<double>(examples_, input_columns_, 1);
  output_ = nodes_.size() - 1;
  const double size = largest(tape.value(record(tape, x)));
  if (size > kLargest) add_step(scale_op(kLargest / size), {output_});
}

RandomGraph::RandomGraph(std::uint64_t seed, Index examples) : engine_(seed), examples_(examples) {
  input_columns_ = 1 + draw(4);
  nodes_.push_back({{examples, input_columns_}, true});
  kind_.push_back(kInput);
  at_.push_back(0);
  const Index steps = 3 + draw(7);
  for (Index k = 0; k < steps;) {
    if (!add_random_op()) continue;
    keep_small();
    if (nodes_.back().shape.cols > kMostColumns)
      add_step(linear_op(0.5), {nodes_.size() - 1, batch_free({3, nodes_.back().shape.cols})});
    ++k;
  }
  const Index outputs = 1 + draw(5), last = nodes_.size() - 1;
  output_ = add_step(linear_op(0.8), {last, batch_free({outputs, nodes_[last].shape.cols})});
}

Var RandomGraph::record(Tape<double>& tape, const Matrix<double>& x) const {
  std::vector<Var> vars;
  for (Index k = 0; k <= output_; ++k) {
    if (kind_[k] == kInput) {
      vars.push_back(tape.input(x));
    } else if (kind_[k] == kParameter) {
      vars.push_back(tape.parameter(*parameters_[at_[k]]));
    } else {
      const Step& step = steps_[at_[k]];
      std::vector<Var> args;
      for (const Index a : step.args) args.push_back(vars[a]);
      vars.push_back(tape.record(step.op, args));
    }
  }
  return vars[output_];
}

}  // namespace ntape::test
