#pragma once

#include <algorithm>
#include <limits>
#include <ntape/report/figure.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/verdict.hpp>
#include <string>
#include <vector>

/// What the paper's figures have in common; no part of the library's interface.
namespace ntape::study::detail {

inline constexpr double kNoEdge = std::numeric_limits<double>::infinity();
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
/// What nothing was measured of.
inline constexpr Measured kUnknown{kMissing, kNoEdge};

[[nodiscard]] std::string n_is(Index width);                      ///< "n = 500"
[[nodiscard]] std::string listed(const std::vector<Index>& all);  ///< "500,10000"
[[nodiscard]] std::string written(const std::string& data);       ///< "MNIST"
[[nodiscard]] std::string name_of(Precision precision);

using Curves = std::vector<const std::vector<double>*>;

/// The mean of curves on the same positions with a band from the smallest to the largest of each, in a colour
/// of the palette; before it a trace of each curve, without a label. Nothing when there are no curves.
void add_band(report::Figure& figure, const std::string& label, std::size_t colour,
              const std::vector<double>& x, const Curves& curves);

template <class Real>
[[nodiscard]] Matrix<Real> rounded(const Matrix<double>& x) {
  Matrix<Real> r = make_matrix<Real>(x.shape(0), x.shape(1));
  std::transform(x.begin(), x.end(), r.begin(), [](double v) { return static_cast<Real>(v); });
  return r;
}

}  // namespace ntape::study::detail
