#include <algorithm>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/detail.hpp>

namespace ntape {
namespace {

using detail::narrow;
using detail::require_count;
using detail::Wide;
using detail::widen;

// to = from, for rows x cols entries whose rows are from_stride and to_stride apart.
template <class Real>
void copy_columns(const Real* from, Index from_stride, Real* to, Index to_stride, Index rows, Index cols) {
  for (Index n = 0; n < rows; ++n, from += from_stride, to += to_stride) std::copy_n(from, cols, to);
}

// to += from, for rows x cols entries whose rows are from_stride and to_stride apart.
template <class Real>
void add_columns(const Real* from, Index from_stride, Real* to, Index to_stride, Index rows, Index cols) {
  for (Index n = 0; n < rows; ++n, from += from_stride, to += to_stride)
    for (Index j = 0; j < cols; ++j) to[j] += from[j];
}

template <class Real>
class Concatenate final : public Op<Real> {
 public:
  std::string_view name() const override { return "concatenate"; }
  Shape shape(Shapes in) const override {
    if (in.size() < 2)
      throw ShapeError("concatenate: needs at least 2 arguments, given " + std::to_string(in.size()));
    Shape all{in[0].rows, 0};
    for (const Shape s : in) all.cols += s.cols;
    for (const Shape s : in)
      if (s.rows != all.rows) {
        std::string given;
        for (const Shape each : in) given += (given.empty() ? "" : ", ") + to_string(each);
        throw ShapeError("concatenate: the arguments are " + given +
                         "; they must have the same number of rows");
      }
    return all;
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    for (Arg arg = 0; arg < in.size(); ++arg) {
      const Index cols = in[arg]->shape(1);
      copy_columns(in[arg]->data(), cols, out.data() + first_column(in, arg), out.shape(1), out.shape(0),
                   cols);
    }
  }
  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& t, Stack<Real>& out) const override {
    const Index cols = t.shape(2), first = first_column(site.in, arg);
    for (Index v = 0; v < t.shape(0); ++v)
      add_columns(slice(t, v), cols, slice(out, v) + first, out.shape(2), t.shape(1), cols);
  }
  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& u, Stack<Real>& out) const override {
    const Index cols = out.shape(2), first = first_column(site.in, arg);
    for (Index v = 0; v < u.shape(0); ++v)
      add_columns(slice(u, v) + first, u.shape(2), slice(out, v), cols, u.shape(1), cols);
  }

 private:
  static Index first_column(Values<Real> in, Arg arg) {
    Index first = 0;
    for (Arg k = 0; k < arg; ++k) first += in[k]->shape(1);
    return first;
  }
};

template <class Real>
class SliceColumns final : public Op<Real> {
 public:
  SliceColumns(Index first, Index count) : first_(first), count_(count) {}
  std::string_view name() const override { return "slice_columns"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    if (first_ > in[0].cols || count_ > in[0].cols - first_)
      throw ShapeError("slice_columns: " + std::to_string(count_) + " columns from column " +
                       std::to_string(first_) + " are more than a value that is " + to_string(in[0]) +
                       " has");
    return {in[0].rows, count_};
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    copy_columns(in[0]->data() + first_, in[0]->shape(1), out.data(), count_, out.shape(0), count_);
  }
  void jvp(const Site<Real>&, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    for (Index v = 0; v < t.shape(0); ++v)
      add_columns(slice(t, v) + first_, t.shape(2), slice(out, v), count_, t.shape(1), count_);
  }
  void vjp(const Site<Real>&, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    for (Index v = 0; v < u.shape(0); ++v)
      add_columns(slice(u, v), count_, slice(out, v) + first_, out.shape(2), u.shape(1), count_);
  }

 private:
  Index first_, count_;
};

template <class Real>
class SumColumns final : public Op<Real> {
 public:
  explicit SumColumns(bool mean) : mean_(mean) {}
  std::string_view name() const override { return mean_ ? "mean_columns" : "sum_columns"; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    if (mean_ && in[0].cols == 0)
      throw ShapeError("mean_columns: a value that is " + to_string(in[0]) + " has no columns to average");
    return {in[0].rows, 1};
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    out.fill(Real(0));
    add_sums(in[0]->data(), in[0]->shape(0), in[0]->shape(1), out.data());
  }
  void jvp(const Site<Real>&, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    for (Index v = 0; v < t.shape(0); ++v) add_sums(slice(t, v), t.shape(1), t.shape(2), slice(out, v));
  }
  void vjp(const Site<Real>&, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    const Index rows = out.shape(1), cols = out.shape(2);
    for (Index v = 0; v < u.shape(0); ++v)
      for (Index n = 0; n < rows; ++n) {
        const Real each = weighted(u(v, n, 0), cols);
        Real* x = slice(out, v) + n * cols;
        for (Index j = 0; j < cols; ++j) x[j] += each;
      }
  }

 private:
  template <class Number>
  Number weighted(Number sum, Index cols) const {
    return mean_ ? sum / Number(static_cast<double>(cols)) : sum;
  }
  void add_sums(const Real* x, Index rows, Index cols, Real* out) const {
    for (Index n = 0; n < rows; ++n, x += cols) {
      Wide<Real> sum(0);
      for (Index j = 0; j < cols; ++j) sum += widen(x[j]);
      out[n] += narrow<Real>(weighted(sum, cols));
    }
  }
  bool mean_;
};

template <class Real>
class MeanExamples final : public Op<Real> {
 public:
  std::string_view name() const override { return "mean_examples"; }
  Rows rows() const override { return Rows::mixed; }
  Shape shape(Shapes in) const override {
    require_count(name(), in, 1);
    return in[0];
  }
  void forward(Values<Real> in, Matrix<Real>& out) const override {
    out.fill(Real(0));
    add_means(in[0]->data(), out.shape(0), out.shape(1), out.data());
  }
  void jvp(const Site<Real>&, Arg, const Stack<Real>& t, Stack<Real>& out) const override {
    for (Index v = 0; v < t.shape(0); ++v) add_means(slice(t, v), t.shape(1), t.shape(2), slice(out, v));
  }
  // 1 1^T / N is its own transpose.
  void vjp(const Site<Real>&, Arg, const Stack<Real>& u, Stack<Real>& out) const override {
    for (Index v = 0; v < u.shape(0); ++v) add_means(slice(u, v), u.shape(1), u.shape(2), slice(out, v));
  }

 private:
  static void add_means(const Real* x, Index rows, Index cols, Real* out) {
    for (Index j = 0; j < cols; ++j) {
      Wide<Real> sum(0);
      for (Index n = 0; n < rows; ++n) sum += widen(x[n * cols + j]);
      const Real mean = narrow<Real>(sum / Wide<Real>(static_cast<double>(rows)));
      for (Index n = 0; n < rows; ++n) out[n * cols + j] += mean;
    }
  }
};

}  // namespace

template <class Real>
OpPtr<Real> concatenate_op() {
  return std::make_shared<Concatenate<Real>>();
}
template <class Real>
OpPtr<Real> slice_columns_op(Index first, Index count) {
  return std::make_shared<SliceColumns<Real>>(first, count);
}
template <class Real>
OpPtr<Real> sum_columns_op() {
  return std::make_shared<SumColumns<Real>>(false);
}
template <class Real>
OpPtr<Real> mean_columns_op() {
  return std::make_shared<SumColumns<Real>>(true);
}
template <class Real>
OpPtr<Real> mean_examples_op() {
  return std::make_shared<MeanExamples<Real>>();
}

template <class Real>
Var concatenate(Tape<Real>& tape, std::initializer_list<Var> parts) {
  return tape.record(concatenate_op<Real>(), parts);
}
template <class Real>
Var slice_columns(Tape<Real>& tape, Var x, Index first, Index count) {
  return tape.record(slice_columns_op<Real>(first, count), {x});
}
template <class Real>
Var sum_columns(Tape<Real>& tape, Var x) {
  return tape.record(sum_columns_op<Real>(), {x});
}
template <class Real>
Var mean_columns(Tape<Real>& tape, Var x) {
  return tape.record(mean_columns_op<Real>(), {x});
}
template <class Real>
Var mean_examples(Tape<Real>& tape, Var x) {
  if (!tape.node(x).batched)
    throw UserError("mean_examples: its argument is batch-free; it must have a row per example");
  return tape.record(mean_examples_op<Real>(), {x});
}

#define NTAPE_INSTANTIATE(Real)                                      \
  template OpPtr<Real> concatenate_op();                             \
  template OpPtr<Real> slice_columns_op(Index, Index);               \
  template OpPtr<Real> sum_columns_op();                             \
  template OpPtr<Real> mean_columns_op();                            \
  template OpPtr<Real> mean_examples_op();                           \
  template Var concatenate(Tape<Real>&, std::initializer_list<Var>); \
  template Var slice_columns(Tape<Real>&, Var, Index, Index);        \
  template Var sum_columns(Tape<Real>&, Var);                        \
  template Var mean_columns(Tape<Real>&, Var);                       \
  template Var mean_examples(Tape<Real>&, Var);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
