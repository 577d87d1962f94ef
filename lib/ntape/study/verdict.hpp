#pragma once

#include <span>
#include <string>
#include <vector>

namespace ntape::study {

/// A number and its standard error; 0 for what is computed, not sampled.
struct Measured {
  double value = 0;
  double error = 0;
};

/// The mean and its standard error, the sample's deviation over sqrt(count). The error of one value is
/// infinite: nothing says how far it may be off. Throws InternalError when there is none.
[[nodiscard]] Measured mean_of(std::span<const double> values);

/// a / b, both independent, to first order in the errors.
[[nodiscard]] Measured ratio_of(Measured a, Measured b);

/// So many standard errors on both sides are a measurement's error bar: 95% of a normal distribution.
inline constexpr double kErrorBars = 2;

enum class Outcome {
  holds,      ///< the whole error bar is in the range
  fails,      ///< the whole error bar is outside; or nothing finite was measured
  undecided,  ///< it reaches over an edge: more seeds would tell
};
[[nodiscard]] std::string name_of(Outcome outcome);

/// What somebody says will be seen, read as a range of a number that is measured.
struct Claim {
  std::string statement;  ///< of the paper, or of theory, in our words: "training inflates the kernel of ..."
  std::string quantity;   ///< what is measured: "mean over 10 seeds of Theta_200 / Theta_0 at angle 0"
  Measured measured;
  double low, high;  ///< the range; infinite where there is no edge
  std::string why;   ///< how the words became the range

  [[nodiscard]] Outcome outcome() const;
};

/// What a figure says of the paper.
struct Verdict {
  std::string title;
  std::vector<Claim> claims;
  std::vector<std::string> notes;  ///< what the paper does not state, and was chosen; how it was measured
};

[[nodiscard]] std::string verdict_markdown(const Verdict& verdict);
/// {"title", "claims": [{"statement", "quantity", "measured", "standard_error", "low", "high", "why",
/// "outcome"}], "notes"}; what is infinite or not a number is null.
[[nodiscard]] std::string verdict_json(const Verdict& verdict);

}  // namespace ntape::study
