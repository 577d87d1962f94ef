#include <ntape/jacobian/outer.hpp>
#include <ntape/train/update.hpp>

namespace ntape::detail {

template <class Real>
Update<Real>::Update(const Tape<Real>& tape, Var output, Parameters<Real>& theta,
                     const DescentOptions& options)
    : tape_(tape),
      output_(output),
      theta_(theta),
      options_(options),
      entries_(entries_of(tape, theta)),
      velocity_(options.momentum == 0 ? Parameters<Real>{} : zeros_like(theta)),
      shared_(tape.value(output).shape(1) == 1 && is_structured(tape, output)),
      position_(tape.size()) {
  for (Index p = 0; p < tape.parameters().size(); ++p) position_[tape.parameters()[p].index] = p;
  on_use_ = [this](Var at, Arg arg, const Site<Real>& site, const Stack<Real>& d) {
    const auto& node = tape_.node(at);
    const Var target = node.args[arg];
    if (tape_.node(target).op) return false;
    const auto outer = node.op->outer_block(site, arg, d);
    if (outer) uses_.push_back({position_[target.index], *outer});
    return outer.has_value();
  };
}

template <class Real>
const Jacobian<Real>& Update<Real>::jacobian() {
  if (jacobian_.tape && jacobian_.generation == tape_.generation()) return jacobian_;
  if (shared_ && jacobian_.tape)
    refresh(jacobian_);
  else
    jacobian_ = per_example_jacobian(tape_, output_);
  return jacobian_;
}

template <class Real>
void Update<Real>::step(const Stack<Real>& cotangent) {
  const Real momentum = static_cast<Real>(options_.momentum);
  for (auto& entry : velocity_.entries)
    for (Index k = 0; k < entry.value.size(); ++k) entry.value.data()[k] *= momentum;
  shared_ ? step_by_blocks(cotangent) : step_by_gradient(cotangent);
  if (!velocity_.entries.empty()) add_scaled(theta_, 1, velocity_);
}

template <class Real>
Matrix<Real>& Update<Real>::target(Index parameter) {
  Parameters<Real>& moved = velocity_.entries.empty() ? theta_ : velocity_;
  return moved.entries[entries_[parameter]].value;
}

template <class Real>
Real Update<Real>::rate_of(Index parameter) const {
  const double factor = options_.rate_factors.empty() ? 1 : options_.rate_factors[entries_[parameter]];
  return static_cast<Real>(options_.rate * factor);
}

template <class Real>
void Update<Real>::step_by_blocks(const Stack<Real>& cotangent) {
  (void)jacobian();
  jacobian_.sweep->scale_examples(tape_, {cotangent.data(), cotangent.size()});
  for (const auto& use : jacobian_.uses)
    add_sum_of_examples(std::get<OuterBlock<Real>>(use.block), -rate_of(use.parameter),
                        target(use.parameter));
}

template <class Real>
void Update<Real>::step_by_gradient(const Stack<Real>& cotangent) {
  uses_.clear();
  sweep_.run(tape_, output_, cotangent, on_use_);
  for (const Use& use : uses_) add_sum_of_examples(use.block, -rate_of(use.parameter), target(use.parameter));
  for (Index p = 0; p < entries_.size(); ++p) {
    if (!sweep_.reached(tape_.parameters()[p])) continue;
    const Stack<Real>& gradient = sweep_.cotangent(tape_.parameters()[p]);
    Real* w = target(p).data();
    const Real* g = gradient.data();
    const Real rate = rate_of(p);
    for (Index k = 0; k < gradient.size(); ++k) w[k] -= rate * g[k];
  }
}

template class Update<float>;
template class Update<double>;

}  // namespace ntape::detail
