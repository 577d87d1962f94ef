#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/jacobian.hpp>
#include <ntape/jacobian/outer.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/kernel/operator.hpp>

namespace ntape {
namespace {

// Tells values from others without a copy of them. Each step is a bijection of a lane, so that one word that
// changed is always noticed; four lanes, because a multiplication waits for the one before.
template <class Real>
std::uint64_t fingerprint(const Parameters<Real>& theta) {
  std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
  const auto mix = [&](Index lane, const std::byte* from, Index bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, bytes);
    lanes[lane] = std::rotl((lanes[lane] ^ word) * 0x9e3779b97f4a7c15ULL, 29);
  };
  for (const auto& entry : theta.entries) {
    const auto bytes = std::as_bytes(std::span(entry.value.data(), entry.value.size()));
    Index at = 0;
    for (; at + 32 <= bytes.size(); at += 32)
      for (Index lane = 0; lane < 4; ++lane) mix(lane, bytes.data() + at + 8 * lane, 8);
    for (; at < bytes.size(); at += 8) mix(0, bytes.data() + at, std::min<Index>(8, bytes.size() - at));
  }
  for (Index lane = 1; lane < 4; ++lane)
    lanes[0] = std::rotl((lanes[0] ^ lanes[lane]) * 0x9e3779b97f4a7c15ULL, 29);
  return lanes[0];
}

}  // namespace

// A block of examples with the tape that evaluates it.
template <class Real>
struct KernelOperator<Real>::Place {
  Matrix<Real> x;
  Tape<Real> tape;
  Var y;
  ReverseSweep<Real> reverse;
  ForwardSweep<Real> forward;
  Stack<Real> seed;
  std::vector<Stack<Real>> tangents;
  std::vector<Index> entries;   // of theta, for every parameter of the tape
  std::vector<Index> position;  // of a leaf's node among the tape's parameters
  bool stale = false;           // theta has changed since
};

template <class Real>
KernelOperator<Real>::KernelOperator(Record f, const Parameters<Real>& theta, const Matrix<Real>& x,
                                     std::vector<char> selected)
    : f_(std::move(f)), theta_(theta), x_(x), selected_(std::move(selected)) {
  require_examples(x);
  if (!selected_.empty() && selected_.size() != theta.entries.size())
    throw ShapeError("kernel: a selection of " + std::to_string(selected_.size()) +
                     " parameters for a theta of " + std::to_string(theta.entries.size()));
  seen_ = fingerprint(theta_);
  const Place& first = place(x, 0);
  const std::string mixing = mixing_op(first.tape, first.y);
  if (!mixing.empty())
    throw UserError("kernel products: op " + mixing + " mixes examples, so that they cannot pass in blocks");
}

template <class Real>
KernelOperator<Real>::~KernelOperator() = default;

template <class Real>
Index KernelOperator<Real>::examples() const {
  return x_.shape(0);
}

template <class Real>
Index KernelOperator<Real>::outputs() const {
  return places_.front()->tape.value(places_.front()->y).shape(1);
}

template <class Real>
void KernelOperator<Real>::notice_theta() {
  if (const std::uint64_t now = fingerprint(theta_); now != seen_) {
    seen_ = now;
    for (auto& p : places_) p->stale = true;
  }
}

template <class Real>
typename KernelOperator<Real>::Place& KernelOperator<Real>::place(const Matrix<Real>& z, Index first) {
  const Index rows = std::min(kBlock, z.shape(0) - first);
  const Real* from = row(z, first);
  const auto known =
      std::find_if(places_.begin(), places_.end(), [&](const auto& p) { return p->x.shape(0) == rows; });
  if (known != places_.end()) {
    Place& p = **known;
    // By what they are, not by where: other inputs come to lie where some were, and inputs change in place.
    if (!p.stale && std::memcmp(from, p.x.data(), p.x.size() * sizeof(Real)) == 0) return p;
    std::copy_n(from, p.x.size(), p.x.data());
    p.tape.replay();
    p.stale = false;
    return p;
  }
  places_.push_back(std::make_unique<Place>());
  Place& p = *places_.back();
  p.x = make_matrix<Real>(rows, z.shape(1));
  std::copy_n(from, p.x.size(), p.x.data());
  p.y = f_(p.tape, theta_, p.tape.input(p.x));
  p.entries = entries_of(p.tape, theta_);
  p.position.resize(p.tape.size());
  for (Index k = 0; k < p.entries.size(); ++k) p.position[p.tape.parameters()[k].index] = k;
  p.seed = make_stack<Real>(1, rows, p.tape.value(p.y).shape(1));
  return p;
}

template <class Real>
Parameters<Real> KernelOperator<Real>::pull(std::span<const Real> u) {
  if (u.size() != size())
    throw ShapeError("kernel product: a vector of " + std::to_string(u.size()) + " entries for a kernel of " +
                     std::to_string(size()) + " rows");
  notice_theta();
  Parameters<Real> sum = zeros_like(theta_);
  const auto counts = [&](Index entry) { return selected_.empty() || selected_[entry]; };
  for (Index first = 0; first < examples(); first += kBlock) {
    Place& p = place(x_, first);
    std::copy_n(u.data() + first * outputs(), p.seed.size(), p.seed.data());
    const auto on_use = [&](Var at, Arg arg, const Site<Real>& site, const Stack<Real>& d) {
      const auto& node = p.tape.node(at);
      const Var target = node.args[arg];
      if (p.tape.node(target).op) return false;
      const auto outer = node.op->outer_block(site, arg, d);
      const Index entry = p.entries[p.position[target.index]];
      if (outer && counts(entry)) add_sum_of_examples(*outer, Real(1), sum.entries[entry].value);
      return outer.has_value();
    };
    p.reverse.run(p.tape, p.y, p.seed, on_use);
    for (Index k = 0; k < p.entries.size(); ++k) {
      const Var leaf = p.tape.parameters()[k];
      if (!p.reverse.reached(leaf) || !counts(p.entries[k])) continue;
      const Stack<Real>& part = p.reverse.cotangent(leaf);
      Real* into = sum.entries[p.entries[k]].value.data();
      for (Index e = 0; e < part.size(); ++e) into[e] += part.data()[e];
    }
  }
  return sum;
}

template <class Real>
std::vector<Real> KernelOperator<Real>::push(const Parameters<Real>& t, const Matrix<Real>& z) {
  notice_theta();
  std::vector<Real> result(z.shape(0) * outputs());
  std::vector<Stack<Real>> tangents;  // shared by the places: they have one order of parameters
  for (Index first = 0; first < z.shape(0); first += kBlock) {
    Place& p = place(z, first);
    if (tangents.empty())
      for (const Index entry : p.entries) {
        const Matrix<Real>& value = t.entries.at(entry).value;
        tangents.push_back(make_stack<Real>(1, value.shape(0), value.shape(1)));
        std::copy(value.begin(), value.end(), tangents.back().begin());
      }
    const Stack<Real>& pushed = p.forward.run(p.tape, p.y, tangents);
    std::copy(pushed.begin(), pushed.end(), result.begin() + static_cast<std::ptrdiff_t>(first * outputs()));
  }
  return result;
}

template <class Real>
std::vector<Real> KernelOperator<Real>::apply(std::span<const Real> u) {
  return push(pull(u), x_);
}

template class KernelOperator<float>;
template class KernelOperator<double>;

}  // namespace ntape
