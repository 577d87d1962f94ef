#pragma once

#include <algorithm>
#include <limits>
#include <ntape/drift/scaling.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/report/figure.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/verdict.hpp>
#include <ntape/tensor/linalg.hpp>
#include <string>
#include <vector>

/// What the paper's figures have in common; no part of the library's interface.
namespace ntape::study::detail {

inline constexpr double kNoEdge = std::numeric_limits<double>::infinity();
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] std::string n_is(Index width);                      ///< "n = 500"
[[nodiscard]] std::string listed(const std::vector<Index>& all);  ///< "500,10000"
[[nodiscard]] std::string written(const std::string& data);       ///< "MNIST"
[[nodiscard]] std::string name_of(Precision precision);
[[nodiscard]] std::string with_minus(
    double value);  ///< to two decimals, with a minus sign for print: "\u22120.50"
[[nodiscard]] std::vector<double> numbers(const std::vector<Index>& all);

/// Throws UserError when a seed would be 2^64 or more.
void require_seeds(std::uint64_t first, Index count, const std::string& figure);
/// Throws UserError unless it is odd and at least 3; `figure` is the subject of the sentence.
void require_angles(Index angles, const std::string& figure);
/// So many angles from -pi to pi, symmetric, 0 in the middle.
[[nodiscard]] std::vector<double> around_the_circle(Index angles);
/// (cos g, sin g), a row an angle.
[[nodiscard]] Matrix<double> on_the_circle(const std::vector<double>& angles);
/// A panel over the angle from -pi to pi.
[[nodiscard]] report::Figure circle_panel(const std::string& title, const std::string& y_label);

using Curves = std::vector<const std::vector<double>*>;

/// The mean of curves on the same positions with a band from the smallest to the largest of each, in a colour
/// of the palette; before it a trace of each curve, without a label. Nothing when there are no curves.
void add_band(report::Figure& figure, const std::string& label, std::size_t colour,
              const std::vector<double>& x, const Curves& curves);

/// The mean over seeds at each position with a bar from the smallest to the largest; values[s][k] belongs to
/// seed s and x[k]. What is not finite is left out.
[[nodiscard]] report::Series range_points(const std::vector<double>& x,
                                          const std::vector<std::vector<double>>& values);

/// A dashed line y ~ x^exponent through the middle of points of logarithmic axes.
[[nodiscard]] report::Series power_line(const report::Series& points, double exponent);

/// Over the seeds of a fit; kUnmeasured without one.
[[nodiscard]] Measured measured_exponent(const std::optional<ScalingFit>& fit);

/// ", mean over 10 seeds"; `each` is what one is called.
[[nodiscard]] std::string mean_over(Index count, const std::string& each);

/// That the rate was below the critical one at the start and at the end. `worst` is the largest rate *
/// lambda_max / 2 of all networks at either; infinite when one diverged.
[[nodiscard]] Claim stability_claim(double worst);

/// Of Theta / N.
template <class Real>
[[nodiscard]] double largest_eigenvalue(const Kernel<Real>& kernel) {
  return linalg::symmetric_eigenvalues(cast<double>(kernel).values).back() /
         static_cast<double>(kernel.values.shape(0));
}

template <class Real>
[[nodiscard]] Matrix<Real> rounded(const Matrix<double>& x) {
  Matrix<Real> r = make_matrix<Real>(x.shape(0), x.shape(1));
  std::transform(x.begin(), x.end(), r.begin(), [](double v) { return static_cast<Real>(v); });
  return r;
}

}  // namespace ntape::study::detail
