#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/jacobian/gram_terms.hpp>
#include <ntape/tensor/linalg.hpp>
#include <optional>

namespace ntape {
namespace {

using detail::GramTerm;

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

// Uses that share their cotangents share D D'^T.
template <class Real>
void add_outer_pair(const OuterBlock<Real>& b1, const OuterBlock<Real>& b2, Real weight,
                    std::vector<GramTerm<Real>>& terms) {
  auto term =
      std::find_if(terms.begin(), terms.end(), [&](const auto& t) { return t.d1 == b1.d && t.d2 == b2.d; });
  if (term == terms.end()) term = terms.insert(terms.end(), {b1.d, b2.d, {}});
  term->inputs.push_back({b1.a, b2.a, weight * b1.scale * b2.scale});
}

template <class Real>
std::vector<Matrix<Real>> empty_groups(const Jacobian<Real>& j1, Index n1, Index n2,
                                       const GramOptions<Real>& options) {
  const Shape shape = kernel_shape(options.form, n1, n2, j1.outputs);
  const Index groups = options.only_group ? 1 : count_groups(options.group_of, j1.parameters.size());
  std::vector<Matrix<Real>> empty;
  for (Index g = 0; g < groups; ++g) empty.push_back(zeros<Real>(shape.rows, shape.cols));
  return empty;
}

template <class Real>
Index group_of(const GramOptions<Real>& options, Index parameter) {
  return options.group_of.empty() ? 0 : options.group_of[parameter];
}

void require_inside(const GramWindow& w, Index n1, Index n2) {
  const auto fits = [](Index first, Index count, Index n) {
    return first % kGramBlock == 0 && first <= n && count <= n - first &&
           (count % kGramBlock == 0 || first + count == n);
  };
  if (!fits(w.first1, w.count1, n1) || !fits(w.first2, w.count2, n2))
    throw ShapeError("gram: a window of " + to_string(Shape{w.count1, w.count2}) + " examples at (" +
                     std::to_string(w.first1) + ", " + std::to_string(w.first2) + ") of " +
                     to_string(Shape{n1, n2}) + " is not inside, or does not begin and end at multiples of " +
                     std::to_string(kGramBlock) + " or with the examples");
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
void require_options(const std::vector<Shape>& parameters, const GramOptions<Real>& options) {
  (void)count_groups(options.group_of, parameters.size());
  if (!options.preconditioner) return;
  if (options.preconditioner->size() != parameters.size())
    throw ShapeError("gram: the preconditioner has " + std::to_string(options.preconditioner->size()) +
                     " matrices for " + std::to_string(parameters.size()) + " parameters");
  for (Index k = 0; k < parameters.size(); ++k) {
    const Matrix<Real>& weights = (*options.preconditioner)[k];
    if (shape_of(weights) != parameters[k])
      throw ShapeError("gram: matrix " + std::to_string(k) + " of the preconditioner is " +
                       to_string(shape_of(weights)) + "; the parameter is " + to_string(parameters[k]));
    for (const Real w : weights)
      if (!(w > Real(0)))
        throw UserError("gram: matrix " + std::to_string(k) +
                        " of the preconditioner has an entry that is not positive");
  }
}

template <class Real>
void require_fit(const Jacobian<Real>& j1, const Jacobian<Real>& j2, const GramOptions<Real>& options) {
  j1.require_current();
  j2.require_current();
  if (j1.parameters != j2.parameters || j1.outputs != j2.outputs)
    throw ShapeError("gram: the two Jacobians do not have the same parameters and outputs");
  require_options(j1.parameters, options);
}

template <class Real>
std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                        const GramOptions<Real>& options) {
  return gram_window(j1, j2, options, {0, j1.examples, 0, j2.examples, j2.examples});
}

template <class Real>
std::vector<Matrix<Real>> gram_window(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                      const GramOptions<Real>& options, const GramWindow& window) {
  require_fit(j1, j2, options);
  require_inside(window, j1.examples, j2.examples);
  const bool symmetric = &j1 == &j2 && window.first1 == window.first2 && window.count1 == window.count2;
  auto result = empty_groups(j1, window.count1, window.count2, options);
  std::vector<std::vector<GramTerm<Real>>> terms(result.size());
  for (const auto& u1 : j1.uses)
    for (const auto& u2 : j2.uses) {
      if (u1.parameter != u2.parameter) continue;
      Index group = group_of(options, u1.parameter);
      if (options.only_group && group != *options.only_group) continue;
      if (options.only_group) group = 0;
      const auto* o1 = std::get_if<OuterBlock<Real>>(&u1.block);
      const auto* o2 = std::get_if<OuterBlock<Real>>(&u2.block);
      const auto weight = constant_weight(options, u1.parameter);
      if (o1 && o2 && !o1->a == !o2->a && weight) {
        add_outer_pair(*o1, *o2, *weight, terms[group]);
        continue;
      }
      const Shape parameter = j1.parameters[u1.parameter];
      Stack<Real> d1 = dense_block(u1.block, parameter);
      apply_weights(options, u1.parameter, d1.shape(0) * d1.shape(1), d1.data());
      const Stack<Real> d2 = dense_block(u2.block, parameter);
      std::vector<std::vector<GramTerm<Real>>> pair(result.size());
      pair[group].push_back({&d1, &d2, {{nullptr, nullptr, Real(1)}}});
      detail::add_terms(pair, options.form, symmetric, window, result);
    }
  // Uses were met from the output on. From the inputs on, a sum over layers has the bits of the sum of their
  // shares.
  for (auto& of_group : terms) std::reverse(of_group.begin(), of_group.end());
  detail::add_terms(terms, options.form, symmetric, window, result);
  if (symmetric)
    for (Matrix<Real>& share : result) detail::mirror_kernel(options.form, share);
  return result;
}

template <class Real>
std::vector<Matrix<Real>> dense_gram_by_group(const Jacobian<Real>& j1, const Jacobian<Real>& j2,
                                              const GramOptions<Real>& options) {
  require_fit(j1, j2, options);
  auto result = empty_groups(j1, j1.examples, j2.examples, options);
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
Matrix<Real> gram(const Jacobian<Real>& j1, const Jacobian<Real>& j2, KernelForm form) {
  return std::move(gram_by_group(j1, j2, GramOptions<Real>{.form = form}).front());
}

#define NTAPE_INSTANTIATE(Real)                                                                        \
  template void require_options(const std::vector<Shape>&, const GramOptions<Real>&);                  \
  template void require_fit(const Jacobian<Real>&, const Jacobian<Real>&, const GramOptions<Real>&);   \
  template std::vector<Matrix<Real>> gram_by_group(const Jacobian<Real>&, const Jacobian<Real>&,       \
                                                   const GramOptions<Real>&);                          \
  template std::vector<Matrix<Real>> gram_window(const Jacobian<Real>&, const Jacobian<Real>&,         \
                                                 const GramOptions<Real>&, const GramWindow&);         \
  template std::vector<Matrix<Real>> dense_gram_by_group(const Jacobian<Real>&, const Jacobian<Real>&, \
                                                         const GramOptions<Real>&);                    \
  template Matrix<Real> gram(const Jacobian<Real>&, const Jacobian<Real>&, KernelForm);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
