#pragma once

#include <functional>
#include <ntape/model/architecture.hpp>
#include <ntape/train/descent.hpp>

namespace ntape::study {

/// job(k) for k = 0 .. count - 1. Small networks (parameters of each) are spread over OpenMP's threads, one a
/// thread; large ones come one after another, each with all threads: memory is then that of one, and the bits
/// are the same either way. What a job throws is thrown here, after the others.
void for_each_network(Index count, double parameters, const std::function<void(Index)>& job);

/// Whether for_each_network has several at the same time, and how many.
[[nodiscard]] int networks_at_once(Index count, double parameters);

/// Bytes that so many networks take in training at the same time: parameters, and activations and cotangents
/// of N examples. (Gradients are not stored: see gradient_descent.)
[[nodiscard]] double training_bytes(const Architecture& architecture, Index examples, Index bytes_per_number,
                                    int at_once);

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
