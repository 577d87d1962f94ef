#include <cmath>
#include <ntape/ops/activation_rules.hpp>
#include <ntape/ops/mean_square.hpp>
#include <ntape/ops/objective.hpp>
#include <ntape/ops/row_softmax.hpp>

namespace ntape {
namespace {

template <class Real>
double to_double(Real x) {
  return static_cast<double>(value_of(x));
}

template <class Real>
class MeanSquare final : public Objective<Real> {
 public:
  std::string_view name() const override { return "mean_square"; }

 private:
  void check_targets(const Real*, Index, Index) const override {}
  double row_value(const Real* f, const Real* y, Index cols) const override {
    double sum = 0;
    for (Index c = 0; c < cols; ++c) {
      const double difference = to_double(f[c]) - to_double(y[c]);
      sum += difference * difference;
    }
    return sum / 2;
  }
  void row_cotangent(const Real* f, const Real* y, Index cols, Real* out) const override {
    for (Index c = 0; c < cols; ++c) out[c] = f[c] - y[c];
  }
};

template <class Real>
class SoftmaxCrossEntropy final : public Objective<Real> {
 public:
  std::string_view name() const override { return "softmax_cross_entropy"; }

 private:
  // Probabilities stored as float, or printed with six digits, sum to 1 within this for any number of classes
  // that one would print.
  static constexpr double kSumTolerance = 1e-5;

  void check_targets(const Real* y, Index cols, Index n) const override {
    double sum = 0;
    for (Index c = 0; c < cols; ++c) {
      if (!(to_double(y[c]) >= 0))
        throw UserError("softmax_cross_entropy: row " + std::to_string(n) + " of the targets has a " +
                        detail::to_text(to_double(y[c])) + "; its entries must be probabilities");
      sum += to_double(y[c]);
    }
    if (!(std::abs(sum - 1) <= kSumTolerance))
      throw UserError("softmax_cross_entropy: row " + std::to_string(n) + " of the targets sums to " +
                      detail::to_text(sum) + "; it must sum to 1");
  }
  double row_value(const Real* f, const Real* y, Index cols) const override {
    double top = to_double(f[0]);
    for (Index c = 1; c < cols; ++c) top = to_double(f[c]) > top ? to_double(f[c]) : top;
    double sum = 0;
    for (Index c = 0; c < cols; ++c) sum += std::exp(to_double(f[c]) - top);
    double value = 0;
    for (Index c = 0; c < cols; ++c) {
      const double weight = to_double(y[c]);
      // A class of probability zero costs nothing, however impossible f says it is.
      if (weight != 0) value += weight * ((top - to_double(f[c])) + std::log(sum));
    }
    return value;
  }
  // softmax(f) sum_c y_c - y
  void row_cotangent(const Real* f, const Real* y, Index cols, Real* out) const override {
    Real total(0);
    for (Index c = 0; c < cols; ++c) total += y[c];
    (void)detail::row_softmax(f, cols, out);
    for (Index c = 0; c < cols; ++c) out[c] = out[c] * total - y[c];
  }
};

template <class Real>
class Logistic final : public Objective<Real> {
 public:
  std::string_view name() const override { return "logistic"; }

 private:
  void check_targets(const Real* y, Index cols, Index n) const override {
    for (Index c = 0; c < cols; ++c)
      if (!(std::abs(to_double(y[c])) == 1))
        throw UserError("logistic: row " + std::to_string(n) + " of the targets has a " +
                        detail::to_text(to_double(y[c])) + "; its entries must be -1 or +1");
  }
  double row_value(const Real* f, const Real* y, Index cols) const override {
    double sum = 0;
    for (Index c = 0; c < cols; ++c) sum += detail::Softplus{}.f(-to_double(y[c]) * to_double(f[c]));
    return sum;
  }
  void row_cotangent(const Real* f, const Real* y, Index cols, Real* out) const override {
    for (Index c = 0; c < cols; ++c) out[c] = -y[c] * detail::Sigmoid{}.f(-y[c] * f[c]);
  }
};

}  // namespace

template <class Real>
void Objective<Real>::check(const Matrix<Real>& f, const Matrix<Real>& y) const {
  if (shape_of(f) != shape_of(y))
    throw ShapeError(std::string(name()) + ": outputs are " + to_string(shape_of(f)) + " and targets are " +
                     to_string(shape_of(y)));
  if (f.size() == 0)
    throw UserError(std::string(name()) + ": outputs and targets are " + to_string(shape_of(f)) +
                    "; a cost needs at least one example and one output");
  for (Index n = 0; n < y.shape(0); ++n) check_targets(row(y, n), y.shape(1), n);
}

template <class Real>
double Objective<Real>::value(const Matrix<Real>& f, const Matrix<Real>& y) const {
  check(f, y);
  double sum = 0;
  for (Index n = 0; n < f.shape(0); ++n) sum += row_value(row(f, n), row(y, n), f.shape(1));
  return sum / static_cast<double>(f.shape(0));
}

template <class Real>
void Objective<Real>::cotangent(const Matrix<Real>& f, const Matrix<Real>& y, Stack<Real>& cotangent) const {
  check(f, y);
  if (cotangent.shape(0) != 1 || Shape{cotangent.shape(1), cotangent.shape(2)} != shape_of(f))
    throw InternalError(std::string(name()) + ": cotangent of another shape");
  const Real examples = static_cast<Real>(static_cast<double>(f.shape(0)));
  for (Index n = 0; n < f.shape(0); ++n)
    row_cotangent(row(f, n), row(y, n), f.shape(1), cotangent.data() + n * f.shape(1));
  for (Real& each : cotangent) each /= examples;
}

const std::vector<std::string>& known_objectives() {
  static const std::vector<std::string> names = {"mean_square", "softmax_cross_entropy", "logistic"};
  return names;
}

template <class Real>
ObjectivePtr<Real> objective(const std::string& name) {
  for (const ObjectivePtr<Real>& each : {ObjectivePtr<Real>(std::make_shared<MeanSquare<Real>>()),
                                         ObjectivePtr<Real>(std::make_shared<SoftmaxCrossEntropy<Real>>()),
                                         ObjectivePtr<Real>(std::make_shared<Logistic<Real>>())})
    if (each->name() == name) return each;
  std::string known;
  for (const std::string& k : known_objectives()) known += (known.empty() ? "" : ", ") + k;
  throw UserError("unknown objective '" + name + "'; the known ones are " + known);
}

template <class Real>
double mean_square(const Matrix<Real>& f, const Matrix<Real>& y) {
  return MeanSquare<Real>().value(f, y);
}

template <class Real>
void mean_square_cotangent(const Matrix<Real>& f, const Matrix<Real>& y, Stack<Real>& cotangent) {
  MeanSquare<Real>().cotangent(f, y, cotangent);
}

#define NTAPE_INSTANTIATE(Real)                                                                \
  template class Objective<Real>;                                                              \
  template double mean_square(const Matrix<Real>&, const Matrix<Real>&);                       \
  template void mean_square_cotangent(const Matrix<Real>&, const Matrix<Real>&, Stack<Real>&); \
  template ObjectivePtr<Real> objective(const std::string&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
