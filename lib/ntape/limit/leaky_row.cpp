#include <cmath>
#include <ntape/limit/leaky_row.hpp>
#include <ntape/limit/vectors.hpp>
#include <numbers>
#include <utility>

namespace ntape::limit {
namespace {

using std::numbers::pi;

// asin(sqrt z) / sqrt z for 0 <= z <= 1/4, falling powers: Chebyshev interpolation, relative error 7e-20.
constexpr double kArcsine[] = {0.033577146947428702012,   -0.02604448887372043489, 0.024754876283869599541,
                               0.00070939259432524625807, 0.010003606639881351526, 0.0094846978690456215559,
                               0.011585679918908950141,   0.013961891184389839796, 0.01735294518022547831,
                               0.022372151536955743669,   0.030381944649750523541, 0.044642857139506767244,
                               0.07500000000002855978,    0.1666666666666665708,   1.0000000000000000001};

// (sin x - x cos x) / x^3 in falling powers of x^2, for x <= 0.7: its Taylor series, the next term below
// 1e-18 of it.
constexpr auto kLens = [] {
  struct {
    double c[9];
  } table{};
  double term = 1.0 / 3;
  for (int k = 1; k <= 9; ++k) {
    table.c[9 - k] = term;
    term *= -1.0 / (2 * k * (2 * k + 3));
  }
  return table;
}();

// Horner's scheme, falling powers, without a loop: inside one it would keep the outer loop from vectorizing.
template <std::size_t N, std::size_t... I>
NTAPE_INLINE double horner(const double (&c)[N], double x, std::index_sequence<I...>) {
  double y = 0;
  ((y = y * x + c[I]), ...);
  return y;
}
template <std::size_t N>
NTAPE_INLINE double horner(const double (&c)[N], double x) {
  return horner(c, x, std::make_index_sequence<N>{});
}

class LeakyRows final : public PreparedDual {
 public:
  LeakyRows(double a, const std::vector<double>& variances) : a_(a) {
    for (const double v : variances) deviations_.push_back(std::sqrt(v));
  }

  void row(std::size_t i, std::size_t first, std::size_t count, const double* c, const double* gap,
           const DualRow& out) const override {
    const double a = a_, fold = (1 - a) * (1 - a), du = deviations_[i];
    const double kink = fold / (2 * pi), over = 1 / (1 + a * a);
    const double* dv = deviations_.data() + first;
    vectorized([&]() NTAPE_LOOP {
#pragma omp simd
      for (std::size_t k = 0; k < count; ++k) {
        const double g = gap[k], root = du * dv[k], cosine = 1 - g, sine = std::sqrt(g * (2 - g));
        // acos(1 - g) = 2 asin(sqrt(g/2)) for g <= 1/2, pi/2 - asin(1 - g) beyond
        const bool near = g <= 0.5;
        const double z = near ? 0.5 * g : cosine * cosine, half = std::sqrt(0.5 * g),
                     x = near ? half : cosine;
        const double arc = horner(kArcsine, z) * x;
        const double angle = near ? 2 * arc : pi / 2 - arc;
        const double square = angle * angle;
        const double series = horner(kLens.c, square) * (square * angle), plain = sine - angle * cosine;
        const double lens = angle < 0.7 ? series : plain;

        const bool positive = c[k] >= 0;
        const double line = a * c[k], bent = kink * (root * lens + (positive ? pi * c[k] : 0.0));
        const double rest = positive ? pi - angle : angle, slope = a + kink * rest;
        out.value[k] = line + bent;
        out.slope[k] = slope;
        out.value_bound[k] = 8 * kEpsilon * (std::abs(line) + bent);
        out.slope_bound[k] = 8 * kEpsilon * slope;
        const double part = lens / pi;
        const double apart = over * (2 * a * g + fold * (positive ? g - part : 1 + part));
        out.gap[k] = apart > 1 ? 2 - apart : apart;
      }
    });
  }
  bool knows_gaps() const override {
    return true;
  }
  double bytes() const override {
    return static_cast<double>(deviations_.size() * sizeof(double));
  }

 private:
  double a_;
  std::vector<double> deviations_;
};

}  // namespace

std::unique_ptr<PreparedDual> leaky_relu_rows(double a, const std::vector<double>& variances) {
  return std::make_unique<LeakyRows>(a, variances);
}

}  // namespace ntape::limit
