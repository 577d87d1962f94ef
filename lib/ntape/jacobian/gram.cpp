#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/tensor/linalg.hpp>
#include <optional>

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

// What multiplies an outer pair: 1 without a preconditioner, its value where it is constant; empty otherwise.
template <class Real>
std::optional<Real> constant_weight(const GramOptions<Real>& options, Index parameter) {
  if (!options.preconditioner) return Real(1);
  const Matrix<Real>& weights = (*options.preconditioner)[parameter];
  for (const Real w : weights)
    if (!(w == *weights.begin())) return std::nullopt;
  return weights.size() > 0 ? *weights.begin() : Real(1);
}

// rows [.. x p] times the parameter's weights, entry by entry.
template <class Real>
void apply_weights(const GramOptions<Real>& options, Index parameter, Index rows, Real* out) {
  if (!options.preconditioner) return;
  const Matrix<Real>& weights = (*options.preconditioner)[parameter];
  for (Index r = 0; r < rows; ++r, out += weights.size())
    for (Index p = 0; p < weights.size(); ++p) out[p] *= weights.data()[p];
}

template <class Real>
void add_outer_pair(const OuterBlock<Real>& b1, const OuterBlock<Real>& b2, Real weight,
                    std::vector<Term<Real>>& terms) {
  const Pair<Real> key{b1.d, b2.d};
  auto term = std::find_if(terms.begin(), terms.end(), [&](const auto& t) { return t.cotangents == key; });
  if (term == terms.end()) {
    terms.push_back({key, zeros<Real>(b1.d->shape(1), b2.d->shape(1))});
    term = terms.end() - 1;
  }
  const Real scale = weight * b1.scale * b2.scale;
  Real* inputs = term->inputs.data();
  if (!b1.a) {
    for (Index k = 0; k < term->inputs.size(); ++k) inputs[k] += scale;
    return;
  }
  const Matrix<Real> g = pair_gram(linalg::view(*b1.a), linalg::view(*b2.a));
  for (Index k = 0; k < g.size(); ++k) inputs[k] += scale * g.data()[k];
}

template <class Real>
std::vector<Matrix<Real>> empty_groups(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                       const GramOptions<Real>& options) {
  const Shape shape = kernel_shape(options.form, j1.examples, j2.examples, j1.outputs);
  return std::vector<Matrix<Real>>(count_groups(options.group_of, j1.parameters.size()),
                                   zeros<Real>(shape.rows, shape.cols));
}

template <class Real>
Index group_of(const GramOptions<Real>& options, Index parameter) {
  return options.group_of.empty() ? 0 : options.group_of[parameter];
}

// Rows of output c of [N C x p] rows that run n C + c.
template <class Real>
Matrix<Real> rows_of_output(const Matrix<Real>& rows, Index outputs, Index c) {
  Matrix<Real> one = make_matrix<Real>(rows.shape(0) / outputs, rows.shape(1));
  for (Index n = 0; n < one.shape(0); ++n)
    std::copy_n(row(rows, n * outputs + c), rows.shape(1), row(one, n));
  return one;
}

}  // namespace

Shape kernel_shape(KernelForm form, Index n1, Index n2, Index outputs) {
  if (form == KernelForm::full) return {n1 * outputs, n2 * outputs};
  if (form == KernelForm::diagonal) return {n1 * outputs, n2};
  return {n1, n2};
}

Index count_groups(const std::vector<Index>& group_of, Index parameters) {
  if (group_of.empty()) return 1;
  if (group_of.size() != parameters)
    throw ShapeError("gram: " + std::to_string(group_of.size()) + " groups are given for " +
                     std::to_string(parameters) + " parameters");
  return *std::max_element(group_of.begin(), group_of.end()) + 1;
}

template <class Real>
void require_fit(const Jacobian<Real>& j1, const Jacobian<Real>& j2, const GramOptions<Real>& options) {
  j1.require_current();
  j2.require_current();
  if (j1.parameters != j2.parameters || j1.outputs != j2.outputs)
    throw ShapeError("gram: the two Jacobians do not have the same parameters and outputs");
  (void)count_groups(options.group_of, j1.parameters.size());
  if (!options.preconditioner) return;
  if (options.preconditioner->size() != j1.parameters.size())
    throw ShapeError("gram: the preconditioner has " + std::to_string(options.preconditioner->size()) +
                     " matrices for " + std::to_string(j1.parameters.size()) + " parameters");
  for (Index k = 0; k < j1.parameters.size(); ++k) {
    const Matrix<Real>& weights = (*options.preconditioner)[k];
    if (shape_of(weights) != j1.parameters[k])
      throw ShapeError("gram: matrix " + std::to_string(k) + " of the preconditioner is " +
                       to_string(shape_of(weights)) + "; the parameter is " + to_string(j1.parameters[k]));
    for (const Real w : weights)
      if (!(w > Real(0)))
        throw UserError("gram: matrix " + std::to_string(k) +
                        " of the preconditioner has an entry that is not positive");
  }
}

template <class Real>
std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                        const GramOptions<Real>& options) {
  require_fit(j1, j2, options);
  auto result = empty_groups(j1, j2, options);
  std::vector<std::vector<Term<Real>>> terms(result.size());
  for (const auto& u1 : j1.uses)
    for (const auto& u2 : j2.uses) {
      if (u1.parameter != u2.parameter) continue;
      const Index group = group_of(options, u1.parameter);
      const auto* o1 = std::get_if<OuterBlock<Real>>(&u1.block);
      const auto* o2 = std::get_if<OuterBlock<Real>>(&u2.block);
      const auto weight = constant_weight(options, u1.parameter);
      if (o1 && o2 && !o1->a == !o2->a && weight) {
        add_outer_pair(*o1, *o2, *weight, terms[group]);
      } else {
        const Shape parameter = j1.parameters[u1.parameter];
        Stack<Real> d1 = dense_block(u1.block, parameter);
        apply_weights(options, u1.parameter, d1.shape(0) * d1.shape(1), d1.data());
        add_weighted<Real>(d1, dense_block(u2.block, parameter), nullptr, options.form, result[group]);
      }
    }
  for (Index g = 0; g < result.size(); ++g)
    for (const auto& term : terms[g])
      add_weighted(*term.cotangents.first, *term.cotangents.second, &term.inputs, options.form, result[g]);
  return result;
}

template <class Real>
std::vector<Matrix<Real>> dense_gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                              const GramOptions<Real>& options) {
  require_fit(j1, j2, options);
  auto result = empty_groups(j1, j2, options);
  const bool symmetric = &j1 == &j2;
  const Real share = Real(1) / static_cast<Real>(j1.outputs);
  for (Index k = 0; k < j1.parameters.size(); ++k) {
    Matrix<Real> r1 = dense_rows(j1, k);
    const Matrix<Real> r2 = symmetric ? r1 : dense_rows(j2, k);
    apply_weights(options, k, r1.shape(0), r1.data());
    const bool triangle = symmetric && !options.preconditioner;
    Matrix<Real>& out = result[group_of(options, k)];
    const auto product = [&](const Matrix<Real>& a, const Matrix<Real>& b) {
      return triangle ? linalg::gram(linalg::view(a)) : linalg::gram(linalg::view(a), linalg::view(b));
    };
    if (options.form == KernelForm::full) {
      const Matrix<Real> g = product(r1, r2);
      for (Index e = 0; e < g.size(); ++e) out.data()[e] += g.data()[e];
      continue;
    }
    for (Index c = 0; c < j1.outputs; ++c) {
      const Matrix<Real> g = product(rows_of_output(r1, j1.outputs, c), rows_of_output(r2, j1.outputs, c));
      const bool diagonal = options.form == KernelForm::diagonal;
      Real* target = out.data() + (diagonal ? c * g.size() : 0);
      for (Index e = 0; e < g.size(); ++e) target[e] += diagonal ? g.data()[e] : share * g.data()[e];
    }
  }
  return result;
}

template <class Real>
GramCost gram_cost(const Jacobian<Real>& j1, const Jacobian<Real>& j2, const GramOptions<Real>& options) {
  GramCost cost;
  const auto number = [](Index n) { return static_cast<double>(n); };
  const double pairs = number(j1.examples) * number(j2.examples) * (&j1 == &j2 ? 1.0 : 2.0);
  const double outputs = number(j1.outputs);
  const double output_pairs = options.form == KernelForm::full ? outputs * outputs : outputs;
  std::vector<Pair<Real>> met;
  for (const auto& u1 : j1.uses)
    for (const auto& u2 : j2.uses) {
      if (u1.parameter != u2.parameter) continue;
      const auto* o1 = std::get_if<OuterBlock<Real>>(&u1.block);
      const auto* o2 = std::get_if<OuterBlock<Real>>(&u2.block);
      const Shape parameter = j1.parameters[u1.parameter];
      if (!(o1 && o2 && !o1->a == !o2->a && constant_weight(options, u1.parameter))) {
        cost.factored_flops += pairs * output_pairs * number(parameter.size());
        continue;
      }
      if (o1->a) cost.factored_flops += pairs * number(parameter.cols);
      const Pair<Real> key{o1->d, o2->d};
      if (std::find(met.begin(), met.end(), key) != met.end()) continue;
      met.push_back(key);
      cost.factored_flops += pairs * output_pairs * number(o1->d->shape(2));
    }
  for (const Shape parameter : j1.parameters) {
    cost.dense_flops += pairs * output_pairs * number(parameter.size());
    const double rows = number(j1.examples + (&j1 == &j2 ? 0 : j2.examples)) * outputs;
    cost.dense_bytes = std::max(cost.dense_bytes, rows * number(parameter.size()) * sizeof(Real));
  }
  return cost;
}

template <class Real>
Matrix<Real> gram(const Jacobian<Real>& j1, const Jacobian<Real>& j2, KernelForm form) {
  return std::move(gram_by_group(j1, j2, GramOptions<Real>{.form = form}).front());
}

#define NTAPE_INSTANTIATE(Real)                                                                        \
  template void require_fit(const Jacobian<Real>&, const Jacobian<Real>&, const GramOptions<Real>&);   \
  template std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>&, const Jacobian<Real>&,       \
                                                   const GramOptions<Real>&);                          \
  template std::vector<Matrix<Real>> dense_gram_by_group(const Jacobian<Real>&, const Jacobian<Real>&, \
                                                         const GramOptions<Real>&);                    \
  template GramCost gram_cost(const Jacobian<Real>&, const Jacobian<Real>&, const GramOptions<Real>&); \
  template Matrix<Real> gram(const Jacobian<Real>&, const Jacobian<Real>&, KernelForm);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
