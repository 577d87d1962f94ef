#include "support/dual_oracle.hpp"

#include <algorithm>
#include <bit>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <map>
#include <ntape/ops/activation_rules.hpp>
#include <ntape/ops/activation_spelling.hpp>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace ntape::test {
namespace {

using Real = long double;
constexpr Real kPi = std::numbers::pi_v<long double>;

template <class Rule>
LongFunction of(Rule rule) {
  return {[rule](Real x) { return rule.f(x); }, [rule](Real x) { return rule.df(x, rule.f(x)); },
          [rule](Real x) {
            const Real y = rule.f(x);
            return std::pair(y, rule.df(x, y));
          }};
}

LongFunction polynomial(std::vector<Real> c) {
  std::vector<Real> d;
  for (std::size_t k = 1; k < c.size(); ++k) d.push_back(static_cast<Real>(k) * c[k]);
  const auto horner = [](const std::vector<Real>& a, Real x) {
    Real y = 0;
    for (std::size_t k = a.size(); k-- > 0;) y = y * x + a[k];
    return y;
  };
  return {[=](Real x) { return horner(c, x); }, [=](Real x) { return horner(d, x); }};
}

// By the recurrence on values, so that nothing is shared with the coefficients in the library.
Real hermite(int n, Real x) {
  Real before = 0, now = 1;
  for (int k = 0; k < n; ++k) {
    const Real next = (x * now - std::sqrt(Real(k)) * before) / std::sqrt(Real(k + 1));
    before = now;
    now = next;
  }
  return now;
}

struct Node {
  Real at, weight;
};

// 30-point Gauss-Legendre on each panel between successive edges.
std::vector<Node> panels(const std::vector<Real>& edges) {
  using Rule = boost::math::quadrature::gauss<Real, 30>;
  std::vector<Node> nodes;
  for (std::size_t e = 0; e + 1 < edges.size(); ++e) {
    const Real middle = (edges[e] + edges[e + 1]) / 2, half = (edges[e + 1] - edges[e]) / 2;
    for (std::size_t k = 0; k < Rule::abscissa().size(); ++k)
      for (const int sign : {-1, 1})
        nodes.push_back(
            {middle + static_cast<Real>(sign) * half * Rule::abscissa()[k], half * Rule::weights()[k]});
  }
  return nodes;
}

std::vector<Node> sector_nodes(Real width, int levels) {
  std::vector<Real> edges = {0};
  for (int k = levels; k >= 1; --k) edges.push_back(width * std::ldexp(Real(1), -k));
  for (int k = 2; k <= levels; ++k) edges.push_back(width * (1 - std::ldexp(Real(1), -k)));
  edges.push_back(width);
  return panels(edges);
}

}  // namespace

namespace {

LongFunction function_named(const std::string& activation) {
  using namespace detail;
  const ActivationSpelling given = read_activation(activation);
  const std::string name(given.name);
  const Real a = given.numbers.empty() ? 1 : static_cast<Real>(given.numbers[0]);
  if (name == "identity") return of(Identity{});
  if (name == "relu") return of(Relu{});
  if (name == "leaky_relu") return of(LeakyRelu{given.numbers.at(0)});
  if (name == "abs") return of(Abs{});
  if (name == "elu") return of(Elu{given.numbers.empty() ? 1 : given.numbers[0]});
  if (name == "tanh") return of(Tanh{});
  if (name == "sigmoid") return of(Sigmoid{});
  if (name == "softplus") return of(Softplus{});
  if (name == "silu") return of(Silu{});
  if (name == "sin") return of(Sin{});
  if (name == "cos") return of(Cos{});
  if (name == "gaussian") return of(Gaussian{});
  if (name == "square") return of(Square{});
  // Those rules round a constant to double; here it is exact.
  if (name == "erf")
    return {[](Real x) { return std::erf(x); }, [](Real x) { return 2 / std::sqrt(kPi) * std::exp(-x * x); }};
  if (name == "gelu") {
    const auto phi = [](Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; };
    const auto density = [](Real x) { return std::exp(-x * x / 2) / std::sqrt(2 * kPi); };
    return {[=](Real x) { return x * phi(x); }, [=](Real x) { return phi(x) + x * density(x); },
            [=](Real x) {
              const Real below = phi(x);
              return std::pair(x * below, below + x * density(x));
            }};
  }
  if (name == "exp") return {[](Real x) { return std::exp(x); }, [](Real x) { return std::exp(x); }};
  if (name == "sign") return {[](Real x) { return Real((x > 0) - (x < 0)); }, [](Real) { return Real(0); }};
  if (name == "rbf") {
    const Real w = std::sqrt(2 * a), r = std::sqrt(Real(2));
    return {[=](Real x) { return r * std::sin(w * x + kPi / 4); },
            [=](Real x) { return r * w * std::cos(w * x + kPi / 4); }};
  }
  if (name == "rectified_power")
    return {[=](Real x) { return x > 0 ? std::pow(x, a) : 0; },
            [=](Real x) { return x > 0 && a > 0 ? a * std::pow(x, a - 1) : 0; }};
  if (name == "monomial")
    return {[=](Real x) { return std::pow(x, a); }, [=](Real x) { return a * std::pow(x, a - 1); }};
  if (name == "polynomial") return polynomial({given.numbers.begin(), given.numbers.end()});
  if (name == "hermite") {
    const int n = static_cast<int>(a);
    return {[=](Real x) { return hermite(n, x); }, [=](Real x) { return std::sqrt(a) * hermite(n - 1, x); }};
  }
  throw std::logic_error("no oracle for " + activation);
}

}  // namespace

LongFunction long_function(const std::string& activation) {
  LongFunction s = function_named(activation);
  for (const char* name : {"identity", "abs", "tanh", "sin", "cos", "gaussian", "square", "erf"})
    s.even_or_odd |= activation == name;
  s.featureless = activation != "sin" && activation != "cos" && !activation.starts_with("rbf");
  return s;
}

OracleDual dual_oracle(const LongFunction& s, double p, double c, double q, double fineness) {
  // With u = sqrt(p) r sin(t) and v = +-sqrt(q) r sin(width - t), 0 <= t <= width, the width being pi - th
  // where the signs are equal and th where they differ.
  const Real square = Real(c) * c;
  const Real determinant =
      std::max(std::fma(Real(p), Real(q), -square) - std::fma(Real(c), Real(c), -square), Real(0));
  const Real angle = std::atan2(std::sqrt(determinant), Real(c));
  const Real rest = std::atan2(std::sqrt(determinant), -Real(c));
  const Real du = std::sqrt(Real(p)), dv = std::sqrt(Real(q)), steepest = std::max({du, dv, Real(1)});

  // Radial rules by their number of panels; a panel is 30 points for a change of s's argument by some 5, or,
  // far out, by half of the argument where the function has its features at 0.
  std::map<long, std::vector<Node>> rules;
  const auto radii = [&](Real steep) -> const std::vector<Node>& {
    const auto count =
        static_cast<long>(std::ceil(static_cast<Real>(fineness) * (4 + 1.8L * std::max(steep, Real(1)))));
    // Rounded up to a power of two where that costs little.
    const long key = s.featureless && count > 64 ? std::bit_ceil(static_cast<unsigned long>(count)) : count;
    std::vector<Node>& rule = rules[key];
    if (rule.empty()) {
      const Real narrow = Real(11.5) / static_cast<Real>(key),
                 wide = Real(11.5) / (static_cast<Real>(fineness) * Real(5.8L));
      std::vector<Real> edges = {0};
      if (s.featureless && key > 64)
        while (edges.back() < Real(11.5)) {
          const Real step = std::min(std::max(narrow, edges.back() / 2), wide);
          edges.push_back(std::min(edges.back() + step, Real(11.5)));
        }
      else
        for (long k = 1; k <= key; ++k)
          edges.push_back(Real(11.5) * static_cast<Real>(k) / static_cast<Real>(key));
      rule = panels(edges);
      for (Node& r : rule) r.weight *= r.at * std::exp(-r.at * r.at / 2) / (2 * kPi);
    }
    return rule;
  };
  const auto both = [&](Real x) { return s.both ? s.both(x) : std::pair(s.f(x), s.df(x)); };
  const int levels = 1 + static_cast<int>(std::ceil(std::log2(steepest) + static_cast<Real>(fineness)));

  OracleDual sum{0, 0, 0, 0};
  for (const int sign : {1, -1}) {
    const Real width = sign > 0 ? rest : angle;
    for (const Node& t : sector_nodes(width, levels)) {
      const Real a = du * std::sin(t.at), b = static_cast<Real>(sign) * dv * std::sin(width - t.at);
      for (const Node& r : radii(std::max(std::abs(a), std::abs(b))))
        for (const Real side : {Real(1), Real(-1)}) {
          if (s.even_or_odd && side < 0) break;
          const auto [fu, slope_u] = both(side * r.at * a);
          const auto [fv, slope_v] = both(side * r.at * b);
          const Real weight = (s.even_or_odd ? 2 : 1) * t.weight * r.weight, value = weight * fu * fv,
                     slope = weight * slope_u * slope_v;
          sum.value += value;
          sum.slope += slope;
          sum.value_scale += std::abs(value);
          sum.slope_scale += std::abs(slope);
        }
    }
  }
  return sum;
}

}  // namespace ntape::test
