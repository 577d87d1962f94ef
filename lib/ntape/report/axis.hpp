#pragma once

#include <string>
#include <vector>

namespace ntape::report {

struct Tic {
  double at;
  std::string label;  ///< gnuplot's enhanced text; empty for a minor tic
};

/// From the smallest to the largest shown value, with room around them; a single value gets room, too.
struct AxisRange {
  double low, high;
};
[[nodiscard]] AxisRange padded(double smallest, double largest, bool logarithmic);

/// Tics of a logarithmic axis, ascending: decades where there are at least two, else 1, 2, 5 of each, else
/// every digit; the other digits are minor. Labels are plain numbers from 0.01 to 1000, and powers of ten
/// beyond. Fewer than two labels would say nothing of the scale: then the ends of the range are labelled.
[[nodiscard]] std::vector<Tic> logarithmic_tics(AxisRange range);

/// At most so many labelled tics of a linear axis (two at least), at multiples of 1, 2 or 5 times a power of
/// ten.
[[nodiscard]] std::vector<Tic> linear_tics(AxisRange range, int most);

/// The given positions inside the range; those too close to the last labelled one go without a label.
[[nodiscard]] std::vector<Tic> chosen_tics(AxisRange range, bool logarithmic, std::vector<double> positions);

}  // namespace ntape::report
