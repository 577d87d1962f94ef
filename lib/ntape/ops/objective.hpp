#pragma once

#include <memory>
#include <ntape/tensor/matrix.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ntape {

/// A cost of outputs f [N x C] against targets y [N x C], C(f, y) = 1/N sum_n c(f_n, y_n): divided by the
/// number of examples, never by outputs. Holds no state and is shared.
///
/// Both functions throw ShapeError when the shapes differ, and UserError, naming the row, for targets that
/// the cost is not defined for, or when there is no example. NaN in f comes through.
template <class Real>
class Objective {
 public:
  virtual ~Objective() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// The cost, computed and summed in double. Of dual numbers, their values only. N C flops.
  [[nodiscard]] double value(const Matrix<Real>& f, const Matrix<Real>& y) const;
  /// dC/df, written into cotangent [1 x N x C]. With a Dual for Real its slope is the Hessian of the cost
  /// times the slope of f. N C flops. Throws InternalError for a cotangent of another shape.
  void cotangent(const Matrix<Real>& f, const Matrix<Real>& y, Stack<Real>& cotangent) const;

 protected:
  /// Throws UserError for targets that this row `n` of y must not have.
  virtual void check_targets(const Real* y, Index cols, Index n) const = 0;
  /// c(f_n, y_n) of one row.
  [[nodiscard]] virtual double row_value(const Real* f, const Real* y, Index cols) const = 0;
  /// dc/df_n of one row, written into `out`.
  virtual void row_cotangent(const Real* f, const Real* y, Index cols, Real* out) const = 0;

 private:
  void check(const Matrix<Real>& f, const Matrix<Real>& y) const;
};

template <class Real>
using ObjectivePtr = std::shared_ptr<const Objective<Real>>;

/// The cost of that name, per example:
///
///   mean_square            1/2 |f - y|^2
///   softmax_cross_entropy  sum_c y_c (log sum_k exp(f_k) - f_c); rows of y are probabilities: not negative,
///   of
///                          sum 1 up to 1e-5, as one-hot classes are
///   logistic               sum_c log(1 + exp(-y_c f_c)); every y is -1 or +1
///
/// None of them overflows. Throws UserError for an unknown name, listing the known ones.
template <class Real>
[[nodiscard]] ObjectivePtr<Real> objective(const std::string& name);

[[nodiscard]] const std::vector<std::string>& known_objectives();

}  // namespace ntape
