#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape {
namespace {

template <class Real>
using Pair = std::pair<const Stack<Real>*, const Stack<Real>*>;

// Uses that share their cotangents share D D'^T; `inputs` collects the sum of s s' A A'^T over them.
template <class Real>
struct Term {
  Pair<Real> cotangents;
  Matrix<Real> inputs;
};

template <class Real>
linalg::View<Real> part(const Stack<Real>& s, Index v) {
  return {slice(s, v), s.shape(1), s.shape(2)};
}
template <class Real>
linalg::View<Real> flat(const Stack<Real>& s) {
  return {s.data(), s.shape(0) * s.shape(1), s.shape(2)};
}

template <class Real>
Matrix<Real> pair_gram(linalg::View<Real> a, linalg::View<Real> b) {
  const bool same = a.data == b.data && a.rows == b.rows && a.cols == b.cols;
  return same ? linalg::gram(a) : linalg::gram(a, b);
}

Shape result_shape(KernelForm form, Index n1, Index n2, Index outputs) {
  if (form == KernelForm::full) return {n1 * outputs, n2 * outputs};
  if (form == KernelForm::diagonal) return {n1 * outputs, n2};
  return {n1, n2};
}

// Adds a Gram over (v, n) x (v', n'), weighted by inputs(n, n') unless that is null, to the asked form.
template <class Real>
void add_weighted(const Stack<Real>& d1, const Stack<Real>& d2, const Matrix<Real>* inputs, KernelForm form,
                  Matrix<Real>& out) {
  const Index outputs = d1.shape(0), n1 = d1.shape(1), n2 = d2.shape(1);
  const auto weight = [&](Index n, Index m) { return inputs ? (*inputs)(n, m) : Real(1); };
  if (form == KernelForm::full) {
    const Matrix<Real> g = pair_gram(flat(d1), flat(d2));
    for (Index n = 0; n < n1; ++n)
      for (Index c = 0; c < outputs; ++c)
        for (Index m = 0; m < n2; ++m)
          for (Index k = 0; k < outputs; ++k)
            out(n * outputs + c, m * outputs + k) += weight(n, m) * g(c * n1 + n, k * n2 + m);
    return;
  }
  Matrix<Real> sum;
  for (Index c = 0; c < outputs; ++c) {
    const Matrix<Real> g = pair_gram(part(d1, c), part(d2, c));
    if (form == KernelForm::diagonal) {
      for (Index n = 0; n < n1; ++n)
        for (Index m = 0; m < n2; ++m) out(c * n1 + n, m) += weight(n, m) * g(n, m);
    } else if (c == 0) {
      sum = g;
    } else {
      for (Index k = 0; k < g.size(); ++k) sum.data()[k] += g.data()[k];
    }
  }
  if (form != KernelForm::trace) return;
  const Real share = Real(1) / static_cast<Real>(outputs);
  for (Index n = 0; n < n1; ++n)
    for (Index m = 0; m < n2; ++m) out(n, m) += share * weight(n, m) * sum(n, m);
}

template <class Real>
Stack<Real> to_dense(const Block<Real>& block, Shape parameter) {
  if (const auto* dense = std::get_if<DenseBlock<Real>>(&block)) return dense->j;
  const auto& outer = std::get<OuterBlock<Real>>(block);
  const Stack<Real>& d = *outer.d;
  Stack<Real> j = make_stack<Real>(d.shape(0), d.shape(1), parameter.size());
  const Index cols = outer.a ? parameter.cols : 1;
  for (Index v = 0; v < d.shape(0); ++v)
    for (Index n = 0; n < d.shape(1); ++n)
      for (Index o = 0; o < d.shape(2); ++o)
        for (Index i = 0; i < cols; ++i)
          j(v, n, o * cols + i) = outer.scale * d(v, n, o) * (outer.a ? (*outer.a)(n, i) : Real(1));
  return j;
}

template <class Real>
void add_outer_pair(const OuterBlock<Real>& b1, const OuterBlock<Real>& b2, std::vector<Term<Real>>& terms) {
  const Pair<Real> key{b1.d, b2.d};
  auto term = std::find_if(terms.begin(), terms.end(), [&](const auto& t) { return t.cotangents == key; });
  if (term == terms.end()) {
    terms.push_back({key, zeros<Real>(b1.d->shape(1), b2.d->shape(1))});
    term = terms.end() - 1;
  }
  const Real scale = b1.scale * b2.scale;
  Real* inputs = term->inputs.data();
  if (!b1.a) {
    for (Index k = 0; k < term->inputs.size(); ++k) inputs[k] += scale;
    return;
  }
  const Matrix<Real> g = pair_gram(linalg::view(*b1.a), linalg::view(*b2.a));
  for (Index k = 0; k < g.size(); ++k) inputs[k] += scale * g.data()[k];
}

}  // namespace

template <class Real>
std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2, KernelForm form,
                                        const std::vector<Index>& group_of) {
  j1.require_current();
  j2.require_current();
  if (j1.parameters != j2.parameters || j1.outputs != j2.outputs || group_of.size() != j1.parameters.size())
    throw ShapeError("gram: the two Jacobians do not have the same parameters and outputs");
  const Index groups = group_of.empty() ? 0 : *std::max_element(group_of.begin(), group_of.end()) + 1;
  const Shape shape = result_shape(form, j1.examples, j2.examples, j1.outputs);
  std::vector<Matrix<Real>> result(groups, zeros<Real>(shape.rows, shape.cols));
  std::vector<std::vector<Term<Real>>> terms(groups);
  for (const auto& u1 : j1.uses)
    for (const auto& u2 : j2.uses) {
      if (u1.parameter != u2.parameter) continue;
      const Index group = group_of[u1.parameter];
      const auto* o1 = std::get_if<OuterBlock<Real>>(&u1.block);
      const auto* o2 = std::get_if<OuterBlock<Real>>(&u2.block);
      if (o1 && o2 && !o1->a == !o2->a) {
        add_outer_pair(*o1, *o2, terms[group]);
      } else {
        const Shape parameter = j1.parameters[u1.parameter];
        add_weighted<Real>(to_dense(u1.block, parameter), to_dense(u2.block, parameter), nullptr, form,
                           result[group]);
      }
    }
  for (Index g = 0; g < groups; ++g)
    for (const auto& term : terms[g])
      add_weighted(*term.cotangents.first, *term.cotangents.second, &term.inputs, form, result[g]);
  return result;
}

template <class Real>
Matrix<Real> gram(const Jacobian<Real>& j1, const Jacobian<Real>& j2, KernelForm form) {
  auto groups = gram_by_group(j1, j2, form, std::vector<Index>(j1.parameters.size(), 0));
  if (groups.empty()) {
    const Shape shape = result_shape(form, j1.examples, j2.examples, j1.outputs);
    return zeros<Real>(shape.rows, shape.cols);
  }
  return std::move(groups.front());
}

#define NTAPE_INSTANTIATE(Real)                                                                              \
  template std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>&, const Jacobian<Real>&, KernelForm, \
                                                   const std::vector<Index>&);                               \
  template Matrix<Real> gram(const Jacobian<Real>&, const Jacobian<Real>&, KernelForm);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
