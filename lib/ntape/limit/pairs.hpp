#pragma once

#include <ntape/limit/layers.hpp>
#include <vector>

/// The recursion along pairs of examples, a piece of a row at a time.
namespace ntape::limit {

/// Pairs of one example with up to kMost consecutive others on their way through the layers.
class PairRow {
 public:
  static constexpr std::size_t kMost = 256;
  /// share_count: 0, or the depth.
  explicit PairRow(std::size_t share_count) : shares_(share_count), share_sums_(share_count) {}

  /// Of example i with those from `first` on: product[k] = x.x'/n_0, product_gap[k] its gap 1 - |cos|, both
  /// with their errors (absolute).
  struct Start {
    std::size_t i, first, count;
    const double* squares;  ///< |x|^2 / n_0 of all examples
    double square_error;    ///< theirs, relative
    const double *product, *product_gap;
    const double *product_error, *gap_error;
    /// 0 where both inputs are the same, 1 elsewhere: a gap may also round to 0, and then it has an error.
    const double* distinct;
  };
  /// Runs all layers; results hold until the next run.
  void run(const Layers& layers, const Start& start);

  [[nodiscard]] const double* ntk() const { return theta_; }
  [[nodiscard]] const double* nngp() const { return c_; }
  [[nodiscard]] const double* ntk_bound() const { return theta_error_; }
  [[nodiscard]] const double* nngp_bound() const { return c_error_; }
  [[nodiscard]] const double* share(std::size_t l) const { return shares_[l].data(); }

 private:
  using Numbers = std::vector<double>;
  void begin(const Layers& layers, const Start& start);
  void scale(double unit, std::size_t count);
  void through(const HiddenLayer& layer, std::size_t index, const Start& start);
  void add_previous(const HiddenLayer& layer, const Start& start, double* value, double* error,
                    double* a_gap);
  void gap_by_difference(const HiddenLayer& layer, const Start& start, double* a_gap);
  template <bool kSmooth, bool kJump>
  void errors_of_dual(const HiddenLayer& layer, const Start& start, double rounded, const double* slope,
                      const double* a_gap, double* value_error, double* slope_error);
  template <bool kBias>
  void next(const HiddenLayer& layer, const Start& start, const double* a_gap);

  double c_[kMost], c_error_[kMost];      // Sigma
  double gap_[kMost], gap_error_[kMost];  // 1 - |rho|, with the error of rho
  double theta_[kMost], theta_error_[kMost];
  double a_[kMost], a_error_[kMost];          // A, before residual layers
  double rho_error_[kMost];                   // of A
  double a_gap_[kMost], a_rho_error_[kMost];  // gap of A and error of its rho, before residual layers
  double sum_[kMost], sum_error_[kMost];      // T
  std::vector<Numbers> shares_, share_sums_;
};

}  // namespace ntape::limit
