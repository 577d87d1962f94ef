#pragma once

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace ntape::study {

/// A number and its standard error; 0, known, for what is computed, not sampled. Trials that all came out
/// alike (0, of so many degrees of freedom) do not say how far they are off.
struct Measured {
  double value = 0;
  double error = 0;
  /// Degrees of freedom of the error: the fewer, the less it is known itself. Infinite where it is known.
  double freedom = std::numeric_limits<double>::infinity();
};

/// What nothing was measured of.
inline constexpr Measured kUnmeasured{std::numeric_limits<double>::quiet_NaN()};

/// Whether it has no error: the one that it has is 0, and known.
[[nodiscard]] bool is_exact(Measured m);

/// The half-width of the 95% interval: the standard error times the 97.5% point of Student's t. Infinite for
/// trials that all came out alike.
[[nodiscard]] double interval95(Measured m);

/// The mean and its standard error, the sample's deviation over sqrt(count). The error of one value is
/// infinite: nothing says how far it may be off. Throws InternalError when there is none.
[[nodiscard]] Measured mean_of(std::span<const double> values);

/// A statistic of `count` independent trials, statistic(count), with its standard error by leaving out one at
/// a time, statistic(k) being without trial k: sqrt((count - 1)/count sum_k (s_k - mean s)^2), count - 1
/// degrees of freedom (the jackknife; Efron 1982). For whatever is no mean: ratios, also of numbers that the
/// trials share, and deviations. The error is infinite with fewer than two trials, and where leaving one out
/// leaves nothing.
[[nodiscard]] Measured jackknife(std::size_t count,
                                 const std::function<double(std::size_t without)>& statistic);

/// mean(above) / mean(below) by the jackknife; above[k] and below[k] are of one trial and may depend on each
/// other. Trials of which one is not finite are left out. Throws InternalError unless there are as many of
/// both.
[[nodiscard]] Measured ratio_of_means(std::span<const double> above, std::span<const double> below);

enum class Outcome {
  holds,         ///< the whole 95% interval is in the range
  fails,         ///< the whole interval is outside; or what was measured is infinite
  undecided,     ///< it reaches over an edge: more seeds would tell
  not_measured,  ///< there is no number: no network reached the end, or none was looked at
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
/// {"title", "claims": [{"statement", "quantity", "measured", "standard_error", "interval95", "low", "high",
/// "why", "outcome"}], "notes"}; what is infinite or not a number is null.
[[nodiscard]] std::string verdict_json(const Verdict& verdict);

}  // namespace ntape::study
