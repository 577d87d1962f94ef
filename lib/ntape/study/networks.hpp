#pragma once

#include <functional>
#include <ntape/model/architecture.hpp>
#include <ntape/train/descent.hpp>

namespace ntape::study {

/// How many networks of so many parameters to train at the same time (see spread): one a thread when they are
/// small, so that memory is that of one when they are large, whose products have work for all threads.
[[nodiscard]] Index networks_at_once(Index count, double parameters);

/// Bytes that so many networks take in training at the same time: parameters, and activations and cotangents
/// of N examples. (Gradients are not stored: see gradient_descent.)
[[nodiscard]] double training_bytes(const Architecture& architecture, Index examples, Index bytes_per_number,
                                    Index at_once);

/// An observer made of a function, which returns whether to go on.
template <class Real>
class Watch final : public Observer<Real> {
 public:
  explicit Watch(std::function<bool(const TrainingState<Real>&)> look) : look_(std::move(look)) {}
  bool observe(const TrainingState<Real>& state) override { return look_(state); }

 private:
  std::function<bool(const TrainingState<Real>&)> look_;
};

}  // namespace ntape::study
