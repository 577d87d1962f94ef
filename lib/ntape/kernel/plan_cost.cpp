#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/number.hpp>
#include <ntape/kernel/plan.hpp>
#include <ntape/model/network.hpp>

namespace ntape {
namespace {

using detail::number;

}  // namespace

EvaluationCost evaluation_cost(const Architecture& architecture) {
  architecture.validate();
  EvaluationCost cost{.inputs = architecture.widths.front(), .outputs = architecture.widths.back()};
  const Index depth = architecture.depth();
  cost.layers.resize(depth);
  for (Index l = 0; l < depth; ++l) {
    const double in = number(architecture.widths[l]), out = number(architecture.widths[l + 1]);
    cost.parameters += (in + 1) * out;
    cost.layers[l] = {2 * in * out, l == 0 ? 0 : 2 * in * out, 2 * in, 2 * out};
    // z; of a hidden layer also what normalization, activation and the sum with the layer before give.
    const double nodes =
        l + 1 == depth ? 1
                       : 2 + (architecture.layer_norm ? 1 : 0) + (architecture.adds_previous(l + 1) ? 1 : 0);
    cost.values += nodes * out;
    cost.copied += out;
  }
  cost.cotangents = cost.values;
  return cost;
}

template <class Real>
EvaluationCost evaluation_cost(const Jacobian<Real>& j, const Parameters<Real>& theta) {
  j.require_current();
  const Tape<Real>& tape = *j.tape;
  EvaluationCost cost{.outputs = j.outputs};
  for (Index i = 0; i <= j.output.index; ++i) {
    const auto& node = tape.node(Var{i});
    const double cols = number(node.value->shape(1));
    if (!node.batched) continue;
    if (!node.op) {
      cost.inputs += node.value->shape(1);
      continue;
    }
    cost.values += cols;
    if (j.needed[i]) cost.cotangents += cols;
  }
  for (const auto& entry : theta.entries) {
    cost.parameters += number(entry.value.size());
    if (entry.layer >= cost.layers.size()) cost.layers.resize(entry.layer + 1);
  }
  const std::vector<Index> entries = entries_of(tape, theta);
  const auto layer_of = [&](Index parameter) -> auto& {
    return cost.layers[theta.entries[entries[parameter]].layer];
  };
  std::vector<std::pair<const Stack<Real>*, const Stack<Real>*>> met;
  for (const auto& u1 : j.uses)
    for (const auto& u2 : j.uses) {
      if (u1.parameter != u2.parameter) continue;
      const auto* o1 = std::get_if<OuterBlock<Real>>(&u1.block);
      const auto* o2 = std::get_if<OuterBlock<Real>>(&u2.block);
      if (!o1 || !o2 || !o1->a != !o2->a)
        throw UserError(
            "this network's Jacobian is not made of outer products alone, so that its kernel cannot be "
            "planned "
            "in blocks of examples");
      auto& layer = layer_of(u1.parameter);
      if (o1->a) layer.input_gram += 2 * number(o1->a->shape(1));
      const std::pair key{o1->d, o2->d};
      if (std::find(met.begin(), met.end(), key) != met.end()) continue;
      met.push_back(key);
      layer.cotangent_gram += 2 * number(o1->d->shape(2));
      cost.copied += number(o1->d->shape(2));
    }
  for (const auto& use : j.uses) {
    const auto& outer = std::get<OuterBlock<Real>>(use.block);
    if (!outer.a) continue;
    const double products = 2 * number(outer.a->shape(1)) * number(outer.d->shape(2));
    layer_of(use.parameter).forward += products;
    for (Index i = 0; i <= j.output.index; ++i)
      if (tape.node(Var{i}).value == outer.a && j.needed[i]) layer_of(use.parameter).reverse += products;
  }
  return cost;
}

template EvaluationCost evaluation_cost(const Jacobian<float>&, const Parameters<float>&);
template EvaluationCost evaluation_cost(const Jacobian<double>&, const Parameters<double>&);

}  // namespace ntape
