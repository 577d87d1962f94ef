#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/model/linearized.hpp>
#include <ntape/tape/sweep.hpp>

namespace ntape {
namespace {

// The op [x, theta_e, ...] -> f_0(x) + J_0(x) (theta - theta_0). It belongs to one tape, for it keeps the
// tape of f at theta_0, and what that tape was last asked: sweeps treat all parameters at once, ops one at a
// time.
template <class Real>
class LinearizedOp final : public Op<Real> {
 public:
  LinearizedOp(const typename Linearized<Real>::Record& f, std::shared_ptr<const Parameters<Real>> start,
               const Matrix<Real>& x)
      : start_(std::move(start)), x_(x), output_(f(tape_, *start_, tape_.input(x_))) {
    entries_ = entries_of(tape_, *start_);
    for (const Index e : entries_) {
      const Shape shape = shape_of(start_->entries[e].value);
      moved_.push_back(make_stack<Real>(1, shape.rows, shape.cols));
    }
    for (Index i = 0; i < tape_.size(); ++i) {
      const auto& node = tape_.node(Var{i});
      if (node.op && node.batched && node.op->rows() == Rows::mixed) rows_ = Rows::mixed;
    }
  }

  // Of theta, one for each argument after x.
  [[nodiscard]] const std::vector<Index>& entries() const { return entries_; }

  [[nodiscard]] std::string_view name() const override { return "linearized"; }
  [[nodiscard]] Rows rows() const override { return rows_; }
  [[nodiscard]] bool needs_batch_free(Arg arg) const override { return arg > 0; }
  [[nodiscard]] double flops(Shapes in) const override {
    double parameters = 0;
    for (Arg k = 1; k < in.size(); ++k) parameters += static_cast<double>(in[k].size());
    return 4 * static_cast<double>(in[0].rows) * parameters;
  }
  [[nodiscard]] Shape shape(Shapes in) const override {
    if (in.size() != entries_.size() + 1)
      throw ShapeError("linearized: given " + std::to_string(in.size()) +
                       " arguments; it needs the inputs and " + std::to_string(entries_.size()) +
                       " parameters");
    if (in[0] != shape_of(x_))
      throw ShapeError("linearized: the inputs are " + to_string(in[0]) + "; " + to_string(shape_of(x_)) +
                       " are needed");
    for (Arg k = 1; k < in.size(); ++k) {
      const auto& entry = start_->entries[entries_[k - 1]];
      if (in[k] != shape_of(entry.value))
        throw ShapeError("linearized: " + entry.name + " is " + to_string(in[k]) + "; theta_0 has " +
                         to_string(shape_of(entry.value)));
    }
    return shape_of(tape_.value(output_));
  }

  void forward(Values<Real> in, Matrix<Real>& out) const override {
    follow(*in[0]);
    for (Index k = 0; k < entries_.size(); ++k) {
      const Real* now = in[k + 1]->data();
      const Real* then = start_->entries[entries_[k]].value.data();
      Real* moved = moved_[k].data();
      for (Index p = 0; p < moved_[k].size(); ++p) moved[p] = now[p] - then[p];
    }
    const Stack<Real>& change = forward_.run(tape_, output_, moved_);
    const Matrix<Real>& start = tape_.value(output_);
    for (Index k = 0; k < out.size(); ++k) out.data()[k] = start.data()[k] + change.data()[k];
  }

  void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& tangent, Stack<Real>& out) const override {
    require_parameter(arg);
    follow(*site.in[0]);
    std::vector<Stack<Real>> tangents;
    for (const auto& moved : moved_) {
      tangents.push_back(make_stack<Real>(tangent.shape(0), moved.shape(1), moved.shape(2)));
      tangents.back().fill(Real(0));
    }
    tangents[arg - 1] = tangent;
    const Stack<Real> change = pushforward(tape_, output_, tangents);
    for (Index k = 0; k < out.size(); ++k) out.data()[k] += change.data()[k];
  }

  void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent, Stack<Real>& out) const override {
    require_parameter(arg);
    follow(*site.in[0]);
    if (seed_.shape() != cotangent.shape() || !std::equal(seed_.begin(), seed_.end(), cotangent.begin())) {
      seed_ = cotangent;
      reverse_.run(tape_, output_, seed_);
    }
    const Stack<Real>& pulled = reverse_.cotangent(tape_.parameters()[arg - 1]);
    for (Index k = 0; k < out.size(); ++k) out.data()[k] += pulled.data()[k];
  }

 private:
  static void require_parameter(Arg arg) {
    if (arg == 0) throw UserError("the inputs of a linearized network must not depend on parameters");
  }

  // f_0 and J_0 at these inputs.
  void follow(const Matrix<Real>& x) const {
    if (std::equal(x_.begin(), x_.end(), x.begin())) return;
    std::copy(x.begin(), x.end(), x_.begin());
    tape_.replay();
    seed_ = Stack<Real>();
  }

  std::shared_ptr<const Parameters<Real>> start_;
  mutable Matrix<Real> x_;
  mutable Tape<Real> tape_;
  Var output_;
  std::vector<Index> entries_;
  Rows rows_ = Rows::independent;
  mutable ForwardSweep<Real> forward_;
  mutable ReverseSweep<Real> reverse_;
  mutable std::vector<Stack<Real>> moved_;  // theta - theta_0
  mutable Stack<Real> seed_;                // which reverse_ was last run from
};

}  // namespace

template <class Real>
Var Linearized<Real>::operator()(Tape<Real>& tape, const Parameters<Real>& theta, Var x) const {
  const auto op = std::make_shared<LinearizedOp<Real>>(f_, start_, tape.value(x));
  if (theta.entries.size() != start_->entries.size())
    throw ShapeError("linearized: theta has " + std::to_string(theta.entries.size()) +
                     " entries and theta_0 " + std::to_string(start_->entries.size()));
  std::vector<Var> arguments = {x};
  for (const Index e : op->entries()) arguments.push_back(tape.parameter(theta.entries[e].value));
  return tape.record(op, arguments);
}

template class Linearized<float>;
template class Linearized<double>;

}  // namespace ntape
