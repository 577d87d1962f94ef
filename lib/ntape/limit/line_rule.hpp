#pragma once

#include <cstddef>
#include <vector>

namespace ntape::limit {

/// Nodes and weights for E[g(z)], z a standard normal: sum_j weight_j g(at_j), the density being in the
/// weights. The nodes of each `phase`, 0 to 3, make the same rule at four times the spacing, with four times
/// the weights, those of even phase one at twice the spacing: how far they differ says what each is worth.
struct LineRule {
  std::vector<double> at, weight;
  std::vector<unsigned char> phase;
  [[nodiscard]] std::size_t size() const { return at.size(); }
  [[nodiscard]] bool even(std::size_t j) const { return phase[j] % 2 == 0; }
};

/// Equal spacing from -reach to reach. Converges like e^{-2 pi d / spacing} for g analytic in a strip of
/// half-width d, the density being entire (Trefethen and Weideman 2014).
[[nodiscard]] LineRule uniform_rule(double spacing, double reach);

/// The tanh-sinh rule for integrals over [0, 1]: x(t) = 1 / (1 + e^{-pi sinh t}), t in steps. A node is kept
/// as its distance from the nearer end, 1 where `upper` is set. `phase` as above.
struct UnitRule {
  std::vector<double> from_end, weight;
  std::vector<unsigned char> upper, phase;
  [[nodiscard]] std::size_t size() const { return weight.size(); }
};
/// `scale`: one over the thinnest layer at an end; what counts is whether it is above 1e5.
[[nodiscard]] UnitRule unit_rule(double step, double scale = 1);

/// Between successive edges (ascending) the tanh-sinh rule of that step: indifferent to what g does at an
/// edge, be it a kink, a layer of any thinness or an infinite slope (Takahasi and Mori 1974).
/// `scale` as above.
[[nodiscard]] LineRule edged_rule(const std::vector<double>& edges, double step, double scale);

/// The rule for g(z) = s(scale z + shift) and products of such, s having features of size 1 between kinks.
/// `kinks`: where they are in z. `center`: where the argument is 0, a layer when the scale is large. Each
/// refinement halves the spacing.
struct LineTask {
  double scale;
  double center = 0;
  std::vector<double> kinks = {};
  double reach = 10;
};
[[nodiscard]] LineRule line_rule(const LineTask& task, int refinement);

/// Above this scale, or with kinks, line_rule is edged.
constexpr double kLargestUniformScale = 8;
[[nodiscard]] bool is_edged(const LineTask& task);

/// A relative difference of two nested rules above this says that they do not see the function at all, and
/// only below the other that they have begun to converge as they do for a smooth one.
constexpr double kUnresolved = 1e-3, kConverging = 1e-9;

/// Bounds the error of the finer of two nested rules by the difference of the two: the error falls like its
/// square for smooth integrands, less so for edged ones with thin layers; the power 5/4 leaves room. Above
/// kConverging it is the difference itself, above kUnresolved the whole scale.
[[nodiscard]] double nested_error(double fine, double coarse, double scale);

/// What an edged rule of that refinement leaves of a layer beside an edge. Four rules of four times the
/// spacing, a quarter of a turn apart, are off by at most `apart`, and unlike two of twice the spacing, which
/// may agree by chance, not all of them are right by chance. With x the distance from the edge, the layer is
/// a function of ln x, analytic to pi / 4 from the real line (the normal integral, what is steeper is
/// smoother); the rule has steps of h sqrt(pi^2 + ln^2 x) there, so that e^{-2 pi d / h} of it is missed.
/// `thickness`: of the layer; 0: there is none.
[[nodiscard]] double layer_error(double apart, double thickness, double reach, int refinement);

}  // namespace ntape::limit
