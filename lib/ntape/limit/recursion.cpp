#include <algorithm>
#include <cmath>
#include <cstring>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/inputs.hpp>
#include <ntape/limit/pairs.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/limit/windows.hpp>
#include <optional>

namespace ntape {
namespace {

using limit::Inputs;
using limit::PairRow;
static_assert(kLimitGrid % PairRow::kMost == 0);

void require_inputs(const Architecture& architecture, const Matrix<double>& x) {
  if (x.shape(0) == 0) throw UserError("the limit kernel needs at least one example, given 0");
  if (x.shape(1) != architecture.widths.front())
    throw ShapeError("the inputs are " + to_string(shape_of(x)) + "; the network takes " +
                     std::to_string(architecture.widths.front()) + " columns");
}

void require_limits(const Architecture& architecture, const limit::Duals& duals) {
  for (Index l = 1; l < architecture.depth(); ++l)
    if (!duals.contains(architecture.activation_of(l)) && !has_limit(architecture.activation_of(l)))
      throw UserError("the infinite-width limit of '" + architecture.activation_of(l) +
                      "' is not known: it is no activation that the limit knows");
}

void require_all(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
                 const LimitOptions& options) {
  architecture.validate();
  require_inputs(architecture, x);
  require_inputs(architecture, x2);
  require_limits(architecture, options.duals);
  if (!(options.tolerance >= 0 && options.tolerance <= 1e-4))
    throw UserError("the tolerance of the limit is " + std::to_string(options.tolerance) +
                    "; it must be from 0 to 1e-4");
}

// Square by square, so that columns are read a line of the cache at a time.
void mirror(Matrix<double>& m) {
  constexpr Index kSide = 32;
  const Index n = m.shape(0);
#pragma omp parallel for schedule(dynamic, 1)
  for (Index i0 = 0; i0 < n; i0 += kSide)
    for (Index j0 = i0; j0 < n; j0 += kSide)
      for (Index i = i0; i < std::min(n, i0 + kSide); ++i)
        for (Index j = std::max(j0, i + 1); j < std::min(n, j0 + kSide); ++j) m(i, j) = m(j, i);
}

// What does not depend on pairs, and then pairs, a window at a time.
class Recursion {
 public:
  Recursion(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
            const LimitOptions& options)
      : outputs_(architecture.widths.back()),
        share_count_(options.layers ? architecture.depth() : 0),
        symmetric_(&x == &x2),
        offset_(symmetric_ ? 0 : x.shape(0)),
        inputs_(x, symmetric_ ? nullptr : &x2),
        layers_(limit::run_examples(architecture, inputs_.squares(), inputs_.relative_error(),
                                    options.tolerance, options.duals)) {}

  [[nodiscard]] LimitKernels make(Index rows, Index cols) const {
    const auto matrix = [&] { return make_matrix<double>(rows, cols); };
    return {{matrix(), KernelForm::trace, outputs_, "limit NTK"},
            {matrix(), KernelForm::trace, outputs_, "limit NNGP"},
            matrix(),
            matrix(),
            std::vector<Matrix<double>>(share_count_, matrix())};
  }

  // Pieces of rows begin on the grid, wherever the window does: so a pair has the same neighbours in each.
  void fill(const LimitWindow& at, LimitKernels& out) const {
#pragma omp parallel
    {
      PairRow pairs(share_count_);
      limit::ProductRow products;
#pragma omp for schedule(dynamic, 1)
      for (Index back = 0; back < at.count1; ++back) {
        const Index n = at.count1 - 1 - back, i = at.first1 + n;  // long rows first
        const Index end = symmetric_ ? std::min(at.first2 + at.count2, i + 1) : at.first2 + at.count2;
        for (Index first = at.first2; first < end; first += PairRow::kMost)
          piece(i, first, std::min<Index>(PairRow::kMost, end - first), pairs, products,
                {n, first - at.first2}, out);
      }
    }
    if (!symmetric_ || at.first1 != at.first2) return;
    for (Matrix<double>* m : {&out.ntk.values, &out.nngp.values, &out.ntk_bound, &out.nngp_bound}) mirror(*m);
    for (Matrix<double>& m : out.layers) mirror(m);
  }

  // Of the examples' quantities.
  [[nodiscard]] double bytes() const {
    double sum = static_cast<double>(inputs_.squares().size() * sizeof(double));
    for (const limit::HiddenLayer& h : layers_.hidden) sum += h.examples.bytes() + h.prepared->bytes();
    return sum;
  }

 private:
  void piece(Index i, Index first, Index count, PairRow& pairs, limit::ProductRow& products, Shape to,
             LimitKernels& out) const {
    inputs_.products(i, offset_ + first, count, products);
    pairs.run(layers_, {i, offset_ + first, count, inputs_.squares().data(), inputs_.relative_error(),
                        products.product, products.gap, products.product_error, products.gap_error,
                        products.distinct});
    const auto put = [&](Matrix<double>& m, const double* from) {
      std::memcpy(row(m, to.rows) + to.cols, from, count * sizeof(double));
    };
    put(out.ntk.values, pairs.ntk());
    put(out.nngp.values, pairs.nngp());
    put(out.ntk_bound, pairs.ntk_bound());
    put(out.nngp_bound, pairs.nngp_bound());
    for (Index l = 0; l < share_count_; ++l) put(out.layers[l], pairs.share(l));
  }

  Index outputs_, share_count_;
  bool symmetric_;
  Index offset_;
  Inputs inputs_;
  limit::Layers layers_;
};

LimitKernels compute(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
                     const LimitOptions& options) {
  require_all(architecture, x, x2, options);
  const Recursion recursion(architecture, x, x2, options);
  LimitKernels out = recursion.make(x.shape(0), x2.shape(0));
  recursion.fill({0, x.shape(0), 0, x2.shape(0)}, out);
  return out;
}

// The examples of the `count` least and the `count` largest |x|^2.
Matrix<double> extreme_rows(const Matrix<double>& x, Index count) {
  std::vector<std::pair<double, Index>> squares;
  for (Index i = 0; i < x.shape(0); ++i) {
    double sum = 0;
    for (Index k = 0; k < x.shape(1); ++k) sum += x(i, k) * x(i, k);
    squares.emplace_back(sum, i);
  }
  std::sort(squares.begin(), squares.end());
  if (squares.size() > 2 * count)
    squares.erase(squares.begin() + static_cast<std::ptrdiff_t>(count),
                  squares.end() - static_cast<std::ptrdiff_t>(count));
  Matrix<double> out = make_matrix<double>(squares.size(), x.shape(1));
  for (Index i = 0; i < squares.size(); ++i) std::copy_n(row(x, squares[i].second), x.shape(1), row(out, i));
  return out;
}

}  // namespace

bool has_limit(const std::string& activation) {
  return limit::has_dual(activation);
}

LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                           const Matrix<double>& x2, const LimitOptions& options) {
  return compute(architecture, x, x2, options);
}
LimitKernels limit_kernels(const Architecture& architecture, const Matrix<double>& x,
                           const LimitOptions& options) {
  return compute(architecture, x, x, options);
}
Kernel<double> limit_ntk(const Architecture& architecture, const Matrix<double>& x,
                         const LimitOptions& options) {
  return compute(architecture, x, x, options).ntk;
}
Kernel<double> limit_nngp(const Architecture& architecture, const Matrix<double>& x,
                          const LimitOptions& options) {
  return compute(architecture, x, x, options).nngp;
}

void limit_in_windows(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
                      const LimitOptions& options, Index window, LimitSink& sink) {
  require_all(architecture, x, x2, options);
  if (window == 0 || window % kLimitGrid != 0)
    throw ShapeError("limit_in_windows: windows must be multiples of " + std::to_string(kLimitGrid) +
                     " examples, and one is " + std::to_string(window));
  std::optional<Recursion> recursion;  // not made when nothing is wanted
  LimitKernels part;
  const Index n1 = x.shape(0), n2 = x2.shape(0);
  for (Index i = 0; i < n1; i += window)
    for (Index j = 0; j < (&x == &x2 ? i + 1 : n2); j += window) {
      const LimitWindow at{i, std::min(window, n1 - i), j, std::min(window, n2 - j)};
      if (!sink.wants(at)) continue;
      if (!recursion) recursion.emplace(architecture, x, x2, options);
      if (shape_of(part.ntk.values) != Shape{at.count1, at.count2}) {
        part = {};  // what was there goes before what comes is made
        part = recursion->make(at.count1, at.count2);
      }
      recursion->fill(at, part);
      sink.take(at, part);
    }
}

LimitBytes limit_bytes(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
                       const LimitOptions& options) {
  require_all(architecture, x, x2, options);
  constexpr Index kExtremes = 8;
  double examples = 0;
  for (const bool second : {false, true}) {
    if (second && &x == &x2) break;
    const Matrix<double>* all = second ? &x2 : &x;
    const Matrix<double> some = extreme_rows(*all, kExtremes);
    // One by one, because equal variances share their coefficients.
    double most = 0;
    for (Index i = 0; i < some.shape(0); ++i) {
      Matrix<double> one = make_matrix<double>(1, some.shape(1));
      std::copy_n(row(some, i), some.shape(1), one.data());
      most = std::max(most, Recursion(architecture, one, one, options).bytes());
    }
    examples += most * static_cast<double>(all->shape(0));
  }
  return {examples, static_cast<double>((4 + (options.layers ? architecture.depth() : 0)) * sizeof(double))};
}

}  // namespace ntape
