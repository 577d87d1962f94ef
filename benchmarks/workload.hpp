#pragma once

// The networks that the programs measure, and clocks around their kernels and training steps.

#include <chrono>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>
#include <vector>

namespace workload {

using namespace ntape;

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class Real>
Matrix<Real> normal_matrix(Index rows, Index cols, std::uint64_t stream) {
  auto m = make_matrix<Real>(rows, cols);
  fill_normal<Real>(Seed{1}, stream, 0, {m.data(), m.size()});
  return m;
}

/// A network recorded once; its kernel at whatever theta holds now.
template <class Real>
struct Recorded {
  Mlp<Real> model;
  Parameters<Real> theta;
  Matrix<Real> x;
  Tape<Real> tape;
  Var y;
  Jacobian<Real> j;
  Matrix<Real> last;

  Recorded(Architecture network, Parameters<Real> parameters, Matrix<Real> inputs)
      : model(std::move(network)), theta(std::move(parameters)), x(std::move(inputs)) {
    y = model(tape, theta, tape.input(x));
    j = per_example_jacobian(tape, y);
  }
  Recorded(std::vector<Index> widths, Index examples)
      : Recorded({.widths = widths}, Mlp<Real>({.widths = widths}).initialize(Seed{1}),
                 normal_matrix<Real>(examples, widths[0], 3)) {}
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  /// Seconds that it took.
  double kernel(KernelForm form) {
    const double start = now();
    tape.replay();
    refresh(j);
    last = gram(j, j, form);
    return now() - start;
  }
};

/// Seconds a step, from one look at the state to the next. The first step is left out, because it touches
/// memory for the first time; so is the last, after which there is none that could share its kernel's sweep.
template <class Real>
class Clock : public Observer<Real> {
 public:
  explicit Clock(bool track) : track_(track) {}
  bool observe(const TrainingState<Real>& s) override {
    if (track_) kernel_ = gram(s.jacobian(), s.jacobian(), KernelForm::trace);
    last_ = s.step;
    end_ = now_;
    now_ = now();
    if (s.step == 1) start_ = now_;
    return true;
  }
  /// Of three steps at least.
  [[nodiscard]] double per_step() const { return (end_ - start_) / static_cast<double>(last_ - 2); }

 private:
  bool track_;
  double start_ = 0, end_ = 0, now_ = 0;
  Index last_ = 0;
  Matrix<Real> kernel_;
};

/// Seconds a step of full-batch gradient descent from theta on, with a kernel after each if `track`.
template <class Real>
double step_seconds(const Mlp<Real>& model, Parameters<Real> theta, const data::Dataset<Real>& data,
                    Index steps, bool track) {
  Clock<Real> clock(track);
  gradient_descent(model, theta, data, {.rate = 1e-3, .steps = steps + 2}, clock);
  return clock.per_step();
}
template <class Real>
double step_seconds(const Recorded<Real>& r, Index steps, bool track) {
  const data::Dataset<Real> data{
      r.x, normal_matrix<Real>(r.x.shape(0), r.model.architecture().widths.back(), 4), "", ""};
  return step_seconds(r.model, r.theta, data, steps, track);
}

}  // namespace workload
