#include "limit_questions.hpp"
#include "number.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/limit/phase.hpp>
#include <ntape/run/table.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::tools {
namespace {

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

const char* name_of(PhaseKind kind) {
  switch (kind) {
    case PhaseKind::ordered:
      return "ordered";
    case PhaseKind::edge:
      return "edge of chaos";
    case PhaseKind::chaotic:
      return "chaotic";
    case PhaseKind::unbounded:
      return "unbounded";
    case PhaseKind::unsettled:
      return "unsettled";
  }
  throw InternalError("a phase without a name");
}

// "3, 5, 7, 9, ... (29 of them)"
std::string listed(const std::vector<Index>& degrees) {
  std::string text;
  for (Index k = 0; k < degrees.size() && k < 4; ++k) text += (k ? ", " : "") + std::to_string(degrees[k]);
  return degrees.size() <= 4 ? text : text + ", ... (" + std::to_string(degrees.size()) + " of them)";
}

// Longer than a short spectrum, which says what vanishes. Empty where the NTK has none: it is infinite at
// equal inputs.
std::optional<PowerSeries> series_of(const Architecture& a, Index degrees, double square) {
  try {
    return power_series(a, std::clamp<Index>(degrees + 2, 100, 1000), square);
  } catch (const UserError&) {
    return {};
  }
}

void describe_positivity(const Architecture& a, const SphereSpectrum& s, std::ostream& out, double square,
                         nlohmann::json& facts) {
  const std::optional<PowerSeries> series = series_of(a, s.value.size() - 1, square);
  const Positivity p = series ? positivity(s, *series) : positivity(s);
  if (!p.proved && std::count(p.vanishing.begin(), p.vanishing.end(), 0) > 0)
    out << "positive: no, degree 0 vanishes\n";
  else if (!p.proved)
    out << "positive: not shown, degree 0 is not above its error\n";
  else
    out << "positive: shown up to degree " << *p.proved << " of " << s.value.size() - 1 << '\n';
  if (!p.vanishing.empty())
    out << "the NTK has no harmonics of degrees " << listed(p.vanishing)
        << ": it is not positive definite on the sphere\n";
  if (!p.undecided.empty()) out << "too small to tell: degrees " << listed(p.undecided) << '\n';
  if (series && series->degree)
    out << "the NTK is a polynomial of degree " << *series->degree
        << " in the cosine, at most: harmonics above it vanish, and the rank is finite\n";
  if (positive_by_theorem(a))
    out << "positive definite by Proposition 2 of Jacot et al. (2018): not a polynomial, with bias, depth at "
           "least 2\n";
  facts["positive"] = {{"shown_up_to", p.proved ? nlohmann::json(*p.proved) : nlohmann::json(nullptr)},
                       {"vanishing", p.vanishing},
                       {"undecided", p.undecided},
                       {"by_theorem", positive_by_theorem(a)}};
}

// Parametrizations train otherwise, and start alike.
bool has_phase(const Architecture& a) {
  return a.activations.empty() && !a.residual && !a.layer_norm;
}

// Of the variance map; homogeneous networks keep any variance on the edge, with a slope of 1.
constexpr double kRepelling = 1 + 1e-4;

// What the depth does to the kernel, where it is many xi.
std::optional<std::string> depth_note(const Architecture& a, const Phase& p) {
  constexpr double kMany = 5;
  const double layers = static_cast<double>(a.depth());
  // Where q* repels, inputs of their own lengths end elsewhere, by other rates. Below a layer xi is none.
  if (p.variance_slope > kRepelling || !(layers > kMany * std::max(p.length, 1.0))) return {};
  return "depth " + std::to_string(a.depth()) + " is " +
         (p.length > 0 ? run::significant(layers / p.length, 2) + " times xi" : "far beyond xi") + ", so " +
         (p.kind == PhaseKind::chaotic
              ? "all pairs of inputs that differ look equally unlike to the kernel, which is nearly "
                "diagonal: what is learned at one input says little about others"
              : "all pairs of inputs look nearly alike to the kernel, and solving with it is "
                "ill-conditioned");
}

void describe_decay(const SphereSpectrum& s, std::ostream& out, nlohmann::json& facts) {
  facts["sphere"]["decay"] = nullptr;
  std::optional<Decay> decay;
  try {
    decay = decay_exponent(s);
  } catch (const UserError&) {
    return;  // too few are known
  }
  out << "they go like degree^" << run::significant(decay->exponent, 4) << ", +- "
      << run::significant(decay->error, 2) << " (standard error of least squares, degrees " << decay->first
      << " to " << decay->last << ")\n";
  if (decay->steepening)
    out << "  steepening over these degrees, by a parabola through the logarithms from degree^"
        << run::significant(*decay->at_first, 3) << " to degree^" << run::significant(*decay->at_last, 3)
        << ": no power is reached\n";
  const auto known = [](const std::optional<double>& v) {
    return v ? nlohmann::json(*v) : nlohmann::json(nullptr);
  };
  facts["sphere"]["decay"] = {{"exponent", decay->exponent},
                              {"error", decay->error},
                              {"first", decay->first},
                              {"last", decay->last},
                              {"at_first", known(decay->at_first)},
                              {"at_last", known(decay->at_last)},
                              {"steepening", decay->steepening}};
}

}  // namespace

void answer_phase(const Architecture& a, std::ostream& out, nlohmann::json& facts) {
  if (!has_phase(a))
    throw UserError(
        "--phase is of plain networks with one activation; residual connections, layer norm and lists of "
        "activations have no phase that is known here");
  const Phase p = phase(a.activation, a.weight_scale, a.bias_scale);
  facts["phase"] = {{"kind", name_of(p.kind)},
                    {"variance", finite_or_null(p.variance)},
                    {"variance_slope", finite_or_null(p.variance_slope)},
                    {"chi_1", finite_or_null(p.slope)},
                    {"correlation", finite_or_null(p.correlation)},
                    {"xi", finite_or_null(p.length)}};
  if (p.kind == PhaseKind::unbounded || p.kind == PhaseKind::unsettled) {
    out << "phase: "
        << (p.kind == PhaseKind::unbounded
                ? "variances grow without end"
                : "not known; no end of the variances was found, they change too slowly")
        << '\n';
    return;
  }
  out << "phase: " << name_of(p.kind) << "; variance q* = " << number(p.variance)
      << ", chi_1 = " << number(p.slope) << ", correlation c* = " << number(p.correlation)
      << ", length xi = " << number(p.length) << " layers\n";
  if (p.variance_slope > kRepelling)
    out << "note: variances near q* part from it, by a factor of " << number(p.variance_slope)
        << " a layer: inputs that do not come to it exactly end elsewhere\n";
  const std::optional<std::string> note = depth_note(a, p);
  facts["phase"]["many_lengths_deep"] = note.has_value();
  if (note) out << "note: " << *note << '\n';
}

void warn_of_depth(const Architecture& a) {
  if (!has_phase(a)) return;
  try {
    const Phase p = phase(a.activation, a.weight_scale, a.bias_scale);
    const std::optional<std::string> note = depth_note(a, p);
    // Where all dies out, what is left of it need not be alike.
    if (note && p.variance > 0) std::cerr << "ntape: warning: " << *note << '\n';
  } catch (const UserError&) {
    // What the phase cannot be told of may have a kernel all the same.
  }
}

SphereSpectrum answer_sphere(const Architecture& a, Index dimension, Index degrees, double square,
                             bool positive, std::ostream& out, nlohmann::json& facts) {
  const SphereSpectrum s = sphere_spectrum(a, dimension, degrees, square);
  constexpr Index kShown = 12;
  std::vector<std::vector<std::string>> rows;
  for (Index k = 0; k < s.value.size() && k < kShown; ++k)
    rows.push_back(
        {std::to_string(k), number(s.value[k]), run::significant(s.bound[k], 2), number(s.multiplicity[k])});
  out << "eigenvalues on the sphere in dimension " << dimension << ", |x|^2 / n_0 = " << number(square)
      << ":\n"
      << run::format_table({"degree", "eigenvalue", "error below", "multiplicity"}, rows);
  if (s.value.size() > kShown) out << "(" << s.value.size() - kShown << " more)\n";
  out << "with multiplicities, those above their error add up to " << number(s.sum) << " +- "
      << run::significant(s.sum_bound, 2) << " of kappa(1) = " << number(s.kappa_one) << '\n';
  facts["sphere"] = {{"dimension", dimension},         {"eigenvalues", s.value}, {"bounds", s.bound},
                     {"multiplicity", s.multiplicity}, {"sum", s.sum},           {"sum_bound", s.sum_bound},
                     {"kappa_one", s.kappa_one}};
  describe_decay(s, out, facts);
  if (positive) describe_positivity(a, s, out, square, facts);
  return s;
}

void answer_inputs(const Matrix<double>& ntk, const Matrix<double>& bound, std::ostream& out,
                   nlohmann::json& facts) {
  const std::vector<double> eigenvalues = linalg::symmetric_eigenvalues(ntk);
  const double least = eigenvalues.front(), most = eigenvalues.back();
  // What the eigenvalue problem itself is off by, and the kernel: no eigenvalue moves by more than the
  // largest sum of a row of what its entries do.
  double rows = 0;
  for (Index i = 0; i < bound.shape(0); ++i) {
    double sum = 0;
    for (Index j = 0; j < bound.shape(1); ++j) sum += bound(i, j);
    rows = std::isfinite(sum) ? std::max(rows, sum) : HUGE_VAL;
  }
  const double error = static_cast<double>(eigenvalues.size()) * 2.2e-16 * most + rows;
  const double at_least = (most - error) / (least + error);
  const bool told = least > error, limited = !told && at_least >= 1;
  out << "on these inputs: smallest eigenvalue of the NTK " << number(least) << " +- "
      << run::significant(error, 2) << ", largest " << number(most) << ", condition "
      << (told      ? number(most / least)
          : limited ? "too large to tell, at least " + run::significant(at_least, 2)
                    : std::string("unknown"))
      << '\n';
  facts["inputs"] = {
      {"smallest", least},
      {"largest", most},
      {"error", finite_or_null(error)},
      {"condition", told ? nlohmann::json(most / least) : nlohmann::json(nullptr)},
      {"condition_at_least", told || limited ? nlohmann::json(at_least) : nlohmann::json(nullptr)}};
}

}  // namespace ntape::tools
