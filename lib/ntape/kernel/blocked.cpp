#include <algorithm>
#include <memory>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/blocked.hpp>
#include <ntape/kernel/network_kernel.hpp>

namespace ntape {
namespace {

template <class Real>
using Record = std::function<Var(Tape<Real>&, const Parameters<Real>&, Var)>;

// Examples with the tape that evaluates them and their Jacobian: evaluated where they are needed, in memory
// that is used again.
template <class Real>
class Place {
 public:
  Place(const Record<Real>& f, const Parameters<Real>& theta, const Matrix<Real>& all)
      : f_(f), theta_(theta), all_(all) {}

  const Jacobian<Real>& at(Index first, Index count) {
    if (tape_ && first == first_ && count == x_.shape(0)) return j_;
    const bool same = tape_ && count == x_.shape(0) && outer_;
    if (!same) {
      // What was there goes before what comes is made.
      j_ = {};
      tape_.reset();
      x_ = Matrix<Real>();
      x_ = make_matrix<Real>(count, all_.shape(1));
    }
    std::copy_n(row(all_, first), x_.size(), x_.data());
    first_ = first;
    if (same) {
      tape_->replay();
      refresh(j_);
      return j_;
    }
    tape_ = std::make_unique<Tape<Real>>();
    j_ = per_example_jacobian(*tape_, f_(*tape_, theta_, tape_->input(x_)));
    outer_ = std::all_of(j_.uses.begin(), j_.uses.end(),
                         [](const auto& use) { return std::holds_alternative<OuterBlock<Real>>(use.block); });
    return j_;
  }

 private:
  const Record<Real>& f_;
  const Parameters<Real>& theta_;
  const Matrix<Real>& all_;
  Matrix<Real> x_;
  std::unique_ptr<Tape<Real>> tape_;
  Jacobian<Real> j_;
  Index first_ = 0;
  bool outer_ = false;
};

// [first, first + count) of a set of examples.
struct Range {
  Index first, count;
};

std::vector<Range> cut(Range range, Index step) {
  std::vector<Range> parts;
  for (Index first = range.first; first < range.first + range.count; first += step)
    parts.push_back({first, std::min(step, range.first + range.count - first)});
  return parts;
}

void require_fit(const KernelPlan& plan, Index n1, Index n2, bool symmetric) {
  const PlanRequest& r = plan.request;
  if (r.n1 != n1 || r.n2 != n2 || r.symmetric != symmetric)
    throw ShapeError("blocked_ntk: the plan is of a kernel on " + to_string(Shape{r.n1, r.n2}) +
                     " examples, and " + to_string(Shape{n1, n2}) + " are given");
  const bool cut_rows = plan.panel < n1, cut_cols = plan.block < n2 && (cut_rows || !symmetric);
  if (plan.panel == 0 || plan.window == 0 || plan.window % kGramBlock != 0 ||
      (cut_rows && plan.panel % kGramBlock != 0) ||
      (cut_cols && (plan.block == 0 || plan.block % kGramBlock != 0)))
    throw ShapeError("blocked_ntk: panels, blocks and windows must be multiples of " +
                     std::to_string(kGramBlock) + " examples");
}

}  // namespace

template <class Real>
KernelMatrix<Real>::KernelMatrix(const KernelPlan& plan) : symmetric_(plan.request.symmetric) {
  const PlanRequest& r = plan.request;
  const Shape shape = kernel_shape(r.form, r.n1, r.n2, plan.cost.outputs);
  kernel_ = {make_matrix<Real>(shape.rows, shape.cols), r.form, plan.cost.outputs, "empirical NTK"};
}

template <class Real>
void KernelMatrix<Real>::take(const GramWindow& at, const Kernel<Real>& part) {
  const Index outputs = kernel_.outputs, n1 = kernel_.rows();
  const bool full = kernel_.form == KernelForm::full, diagonal = kernel_.form == KernelForm::diagonal;
  const Index wide = full ? outputs : 1, blocks = diagonal ? outputs : 1;
  for (Index c = 0; c < blocks; ++c)
    for (Index n = 0; n < at.count1 * wide; ++n) {
      const Real* from = row(part.values, c * at.count1 + n);
      const Index i = at.first1 * wide + n;
      std::copy_n(from, at.count2 * wide, row(kernel_.values, c * n1 + i) + at.first2 * wide);
      if (symmetric_ && at.first1 != at.first2)
        for (Index m = 0; m < at.count2 * wide; ++m)
          kernel_.values(c * n1 + at.first2 * wide + m, i) = from[m];
    }
}

template <class Real>
void blocked_ntk(const Record<Real>& f, const Parameters<Real>& theta, const Matrix<Real>& x,
                 const Matrix<Real>& x2, const KernelPlan& plan, KernelSink<Real>& sink) {
  require_examples(x);
  require_examples(x2);
  const bool symmetric = &x == &x2;
  const Index n1 = x.shape(0), n2 = x2.shape(0);
  require_fit(plan, n1, n2, symmetric);
  Place<Real> rows(f, theta, x), cols(f, theta, x2);
  // Panel against block; with `itself`, the panel against its own examples.
  const auto meet = [&](Range panel, Range block, bool itself) {
    for (const Range a : cut(panel, plan.window))
      for (const Range b : cut(block, plan.window)) {
        if (itself && b.first > a.first) break;
        const GramWindow whole{a.first, a.count, b.first, b.count, n2};
        if (!sink.wants(whole)) continue;
        const Jacobian<Real>& j1 = rows.at(panel.first, panel.count);
        const Jacobian<Real>& j2 = itself ? j1 : cols.at(block.first, block.count);
        const GramWindow inside{a.first - panel.first, a.count, b.first - block.first, b.count, n2};
        sink.take(whole, kernel_of(j1, j2, theta, plan.request.form, inside));
      }
  };
  for (const Range panel : cut({0, n1}, plan.panel)) {
    if (symmetric) meet(panel, panel, true);
    const Index passing = symmetric ? panel.first : n2;
    if (passing > 0)
      for (const Range block : cut({0, passing}, plan.block)) meet(panel, block, false);
  }
}

template class KernelMatrix<float>;
template class KernelMatrix<double>;
template void blocked_ntk(const Record<float>&, const Parameters<float>&, const Matrix<float>&,
                          const Matrix<float>&, const KernelPlan&, KernelSink<float>&);
template void blocked_ntk(const Record<double>&, const Parameters<double>&, const Matrix<double>&,
                          const Matrix<double>&, const KernelPlan&, KernelSink<double>&);

}  // namespace ntape
