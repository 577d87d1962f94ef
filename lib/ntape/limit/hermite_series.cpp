#include <algorithm>
#include <array>
#include <cmath>
#include <ntape/limit/hermite_series.hpp>
#include <ntape/limit/line_rule.hpp>
#include <ntape/limit/vectors.hpp>
#include <numbers>

namespace ntape::limit {

constexpr std::size_t kBlock = HermiteCoefficients::kBlock;

struct HermiteMaker::Table {
  LineRule rule;
  std::vector<double> weighted;  // [count x nodes], weight_j h_k(z_j)
  std::size_t count;
};

HermiteMaker::HermiteMaker(Function function, std::size_t most)
    : function_(std::move(function)), most_(most) {}
HermiteMaker::~HermiteMaker() = default;

namespace {

// h_k times the density lives up to 3.5 beyond where the density itself does: |h_k(z)| < e^{z^2/4}.
constexpr double kBeyond = 3.5;

// A rule and its spacing; negative for an edged one, whose spacing is that of its parameter.
std::pair<LineRule, double> rule_for_coefficients(const std::vector<double>& kinks, double deviation,
                                                  double reach, std::size_t count) {
  // What is left of the spectrum of h_k times the density beyond sqrt(k) + 6 is
  // below 1e-15, so half the rule is that good; so is 17 deviations beyond for tanh.
  const double frequency = 2 * std::sqrt(static_cast<double>(count)) + 12;
  if (kinks.empty() && deviation <= kLargestUniformScale) {
    const double finest = 2 * std::numbers::pi / (frequency + 34 * deviation);
    const double spacing = std::exp2(std::floor(std::log2(finest)));
    return {uniform_rule(spacing, reach), spacing};
  }
  std::vector<double> edges = {-reach, 0, reach};
  for (const double k : kinks)
    if (std::abs(k) < reach) edges.push_back(k);
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  // The widest spacing of an edged rule is its step times pi/4 of an interval.
  const double finest = 2 * std::numbers::pi / frequency / (reach * std::numbers::pi / 4);
  const double step = std::exp2(std::floor(std::log2(finest)));
  return {edged_rule(edges, step, deviation), -step};
}

// sum of eight interleaved partial sums: one order for every machine, and it vectorizes
double dot(const double* a, const double* b, std::size_t n) {
  double partial[8] = {};
  const std::size_t whole = n / 8 * 8;
  for (std::size_t j = 0; j < whole; j += 8)
    for (std::size_t l = 0; l < 8; ++l) partial[l] += a[j + l] * b[j + l];
  for (std::size_t j = whole; j < n; ++j) partial[j - whole] += a[j] * b[j];
  return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
         ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

}  // namespace

std::shared_ptr<const HermiteMaker::Table> HermiteMaker::table(double variance, double reach,
                                                               std::size_t count) const {
  const std::vector<double> kinks = scaled_kinks(function_, variance);
  const double deviation = std::sqrt(variance);
  const bool shared = std::all_of(kinks.begin(), kinks.end(), [](double k) { return k == 0; });
  auto [rule, spacing] = rule_for_coefficients(kinks, deviation, reach, count);
  const std::tuple key{reach, spacing, rule.size(), count};
  const std::lock_guard lock(mutex_);
  if (shared) {
    const auto found = tables_.find(key);
    if (found != tables_.end()) return found->second;
  }
  auto made = std::make_shared<Table>();
  const std::size_t nodes = rule.size();
  made->count = count;
  made->weighted.resize(count * nodes);
  double* h = made->weighted.data();
  for (std::size_t j = 0; j < nodes; ++j) {
    h[j] = rule.weight[j];
    if (count > 1) h[nodes + j] = rule.at[j] * rule.weight[j];
  }
  for (std::size_t k = 2; k < count; ++k) {
    const double up = 1 / std::sqrt(static_cast<double>(k)),
                 down = std::sqrt(static_cast<double>(k - 1)) * up;
    for (std::size_t j = 0; j < nodes; ++j)
      h[k * nodes + j] = up * rule.at[j] * h[(k - 1) * nodes + j] - down * h[(k - 2) * nodes + j];
  }
  made->rule = std::move(rule);
  if (shared) tables_[key] = made;
  return made;
}

HermiteCoefficients HermiteMaker::operator()(double variance, double tolerance, std::size_t least) const {
  HermiteCoefficients out;
  out.of = moments(function_, variance);
  const double deviation = std::sqrt(variance), whole = out.of.slope;
  const bool slow = !function_.kinks.empty() || deviation > kLargestUniformScale;
  const std::size_t most = slow ? most_ / 4 : most_;
  const double reach = out.of.reach + kBeyond;
  const double enough = std::max(tolerance * tolerance, 1e-15) * whole;

  double left = whole, gap = 0, unseen = 0;
  std::shared_ptr<const Table> table;
  std::vector<double> df;
  for (std::size_t k = 0; k < most && (k < std::max<std::size_t>(least, 1) || left > enough); k += kBlock) {
    if (!table || k + kBlock > table->count) {
      // Few coefficients do with few nodes; the ones at hand stay right.
      table = this->table(variance, reach, std::min(most, std::max<std::size_t>(128, 4 * k)));
      df.resize(table->rule.size());
      for (std::size_t j = 0; j < df.size(); ++j) df[j] = function_.df(deviation * table->rule.at[j]);
      double square = 0;
      for (std::size_t j = 0; j < df.size(); ++j) square += table->rule.weight[j] * df[j] * df[j];
      unseen = std::max(unseen, overlooked(square, whole, out.of.error));
    }
    const std::size_t nodes = df.size();
    for (std::size_t l = 0; l < kBlock; ++l) {
      const double* h = table->weighted.data() + (k + l) * nodes;
      out.d.push_back(dot(h, df.data(), nodes));
      left -= out.d.back() * out.d.back();
      if (l > 1) continue;
      double coarse = 0;
      for (std::size_t j = 0; j < nodes; ++j)
        if (table->rule.even(j)) coarse += 2 * h[j] * df[j];
      gap = std::max(gap, std::abs(coarse - out.d.back()));
    }
  }

  const double size = std::sqrt(whole);
  out.deviation = deviation;
  out.root_slope = size;
  out.mean_error = (out.of.error + 6 * kEpsilon) * std::sqrt(out.of.value);
  // What is not seen of E[s'^2] is, by Cauchy and Schwarz, not seen of d_k to its root.
  out.error = 8 * kEpsilon * size + nested_error(gap, 0, size) + std::sqrt(unseen) * size;
  const std::size_t blocks = out.d.size() / kBlock;
  out.tail.resize(blocks + 1);
  out.total.assign(blocks + 1, 0.0);
  // Below this the difference of E[s'^2] and the squares is noise.
  out.tail[blocks] = std::max(left, 0.0) + (4 * kEpsilon + out.of.error) * whole;
  for (std::size_t b = blocks; b-- > 0;) {
    out.tail[b] = out.tail[b + 1];
    for (std::size_t l = 0; l < kBlock; ++l) out.tail[b] += out.d[b * kBlock + l] * out.d[b * kBlock + l];
  }
  for (double& t : out.tail) t = std::sqrt(t);
  for (std::size_t b = 0; b < blocks; ++b) {
    out.total[b + 1] = out.total[b];
    for (std::size_t l = 0; l < kBlock; ++l) out.total[b + 1] += std::abs(out.d[b * kBlock + l]);
  }
  return out;
}

namespace {

constexpr std::array<double, 1024> kReciprocals = [] {
  std::array<double, 1024> r{};
  for (std::size_t k = 0; k < r.size(); ++k) r[k] = 1 / static_cast<double>(k + 1);
  return r;
}();

struct Sums {
  double slope = 0, value = 0;  // sum d_k d'_k rho^k, and the same over (k + 1)
};

NTAPE_INLINE Sums sum_blocks(const double* a, const double* b, std::size_t n, double rho) {
  constexpr std::size_t kLanes = 8;
  double power[kLanes], slope[kLanes] = {}, value[kLanes] = {};
  power[0] = 1;
  for (std::size_t l = 1; l < kLanes; ++l) power[l] = power[l - 1] * rho;
  const double step = power[7] * rho;
  for (std::size_t k = 0; k < n; k += kLanes)
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double term = a[k + l] * b[k + l] * power[l];
      slope[l] += term;
      value[l] += term * kReciprocals[k + l];
      power[l] *= step;
    }
  Sums sum;
  // From the last, smallest lanes on.
  for (std::size_t l = kLanes; l-- > 0;) {
    sum.slope += slope[l];
    sum.value += value[l];
  }
  return sum;
}

}  // namespace

SlopeSeries hermite_slopes(const Function& function, double variance, double variance_error,
                           std::size_t count) {
  // Four times as many, because kinks may take three quarters.
  const HermiteMaker maker(function, 4 * (count + kBlock) / kBlock * kBlock);
  const HermiteCoefficients all = maker(variance, 1, count);
  SlopeSeries series;
  for (std::size_t k = 0; k < count; ++k) {
    series.value.push_back(all.d[k] * all.d[k]);
    series.error.push_back(all.error + variance_error / 2 * all.of.curving);
  }
  return series;
}

SeriesSum hermite_dual(const HermiteCoefficients& p, const HermiteCoefficients& q, double c, double gap,
                       double tolerance) {
  const double root = p.deviation * q.deviation;
  const double size = root == 0 ? 0 : gap < 0.5 ? 1 - gap : std::min(std::abs(c) / root, 1.0);
  const double rho = std::copysign(size, c);
  const double whole = p.root_slope * q.root_slope;
  // |rho|^16
  double block = size * size;
  for (int k = 0; k < 3; ++k) block *= block;
  const std::size_t most = std::min(p.d.size(), q.d.size()) / kBlock;
  std::size_t high = 1;
  double power = block;
  for (; high < most && p.tail[high] * q.tail[high] * power > tolerance * whole; ++high) power *= block;
  const std::size_t n = high * kBlock;
  Sums sum;
  vectorized([&]() NTAPE_LOOP { sum = sum_blocks(p.d.data(), q.d.data(), n, rho); });

  // sum_k |d_k rho^k| by Cauchy and Schwarz or without rho, whichever is less
  const double spread = 1 / std::sqrt(std::max(gap * (2 - gap), 1e-300));
  const double p_total = std::min(p.total[high], p.root_slope * spread);
  const double q_total = std::min(q.total[high], q.root_slope * spread);
  const double both = p.error * q.error * std::min(static_cast<double>(n), 1 / std::max(gap, 1e-300));
  const double coefficients = p.error * q_total + q.error * p_total + both + 4 * kEpsilon * whole;
  const double rest = p.tail[high] * q.tail[high] * power;
  const double means = p.of.mean * q.of.mean;
  const double value = means + root * rho * sum.value;
  return {
      {value, sum.slope,
       root * size * (coefficients + rest / static_cast<double>(n + 1)) + p.mean_error * std::abs(q.of.mean) +
           q.mean_error * std::abs(p.of.mean) + p.mean_error * q.mean_error + 4 * kEpsilon * std::abs(value),
       coefficients + rest},
      n};
}

}  // namespace ntape::limit
