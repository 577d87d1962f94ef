#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/verdict.hpp>

namespace ntape::study {
namespace {

// What is computed has more digits than what is sampled.
std::string in_words(double value, const Claim& claim) {
  return run::significant(value, is_exact(claim.measured) ? 7 : 4);
}

std::string range_of(const Claim& claim) {
  const bool below = std::isfinite(claim.low), above = std::isfinite(claim.high);
  if (below && above) return in_words(claim.low, claim) + " to " + in_words(claim.high, claim);
  if (below) return "at least " + in_words(claim.low, claim);
  return above ? "at most " + in_words(claim.high, claim) : "any";
}

std::string bar_of(const Claim& c) {
  const Measured m = c.measured;
  if (std::isnan(m.value)) return "none";
  if (is_exact(m)) return in_words(m.value, c);
  return in_words(m.value, c) + " ± " +
         (std::isfinite(interval95(m)) ? run::significant(m.error, 2) : "unknown");
}

nlohmann::json finite_json(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

// A cell of a table in Markdown.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
  return text;
}

}  // namespace

bool is_exact(Measured m) {
  return m.error == 0 && std::isinf(m.freedom);
}

double interval95(Measured m) {
  if (is_exact(m)) return 0;
  if (!(m.freedom > 0) || m.error == 0) return std::numeric_limits<double>::infinity();
  const double deviations = std::isinf(m.freedom)
                                ? boost::math::quantile(boost::math::normal(), 0.975)
                                : boost::math::quantile(boost::math::students_t(m.freedom), 0.975);
  return deviations * m.error;
}

Measured mean_of(std::span<const double> values) {
  if (values.empty()) throw InternalError("a mean of no values");
  const double count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / count;
  for (const double v : values) squares += (v - mean) * (v - mean);
  if (values.size() == 1) return {mean, std::numeric_limits<double>::infinity(), 0};
  return {mean, std::sqrt(squares / (count - 1) / count), count - 1};
}

Measured jackknife(std::size_t count, const std::function<double(std::size_t without)>& statistic) {
  if (count == 0) return kUnmeasured;
  const double all = statistic(count);
  if (count == 1) return {all, std::numeric_limits<double>::infinity(), 0};
  const double n = static_cast<double>(count);
  std::vector<double> parts(count);
  double mean = 0, squares = 0;
  for (std::size_t k = 0; k < count; ++k) {
    parts[k] = statistic(k);
    mean += parts[k] / n;
  }
  for (const double part : parts) squares += (part - mean) * (part - mean);
  const double error = std::sqrt((n - 1) / n * squares);
  if (!std::isfinite(error)) return {all, std::numeric_limits<double>::infinity(), 0};
  return {all, error, n - 1};
}

Measured ratio_of_means(std::span<const double> above, std::span<const double> below) {
  if (above.size() != below.size()) throw InternalError("a ratio of trials that do not belong together");
  std::vector<double> a, b;
  for (std::size_t k = 0; k < above.size(); ++k) {
    if (!std::isfinite(above[k]) || !std::isfinite(below[k])) continue;
    a.push_back(above[k]);
    b.push_back(below[k]);
  }
  return jackknife(a.size(), [&](std::size_t without) {
    double x = 0, y = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      if (k == without) continue;
      x += a[k];
      y += b[k];
    }
    return x / y;
  });
}

std::string name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::holds:
      return "holds";
    case Outcome::fails:
      return "fails";
    case Outcome::undecided:
      return "undecided";
    case Outcome::not_measured:
      return "not measured";
  }
  throw InternalError("an outcome without a name");
}

Outcome Claim::outcome() const {
  if (std::isnan(measured.value) || std::isnan(measured.error)) return Outcome::not_measured;
  if (std::isinf(measured.value)) return Outcome::fails;
  const double half_width = interval95(measured);
  const double down = measured.value - half_width, up = measured.value + half_width;
  if (down >= low && up <= high) return Outcome::holds;
  return up < low || down > high ? Outcome::fails : Outcome::undecided;
}

std::string verdict_markdown(const Verdict& verdict) {
  std::string text =
      "# " + verdict.title + "\n\n| claim | measured | claimed | verdict |\n|---|---|---|---|\n";
  for (const Claim& c : verdict.claims)
    text += "| " + cell(c.statement) + " | " + cell(c.quantity) + ": " + bar_of(c) + " | " + range_of(c) +
            " (" + cell(c.why) + ") | **" + name_of(c.outcome()) + "** |\n";
  text +=
      "\nAfter ± stands one standard error. A claim holds when the whole 95% interval of what is measured "
      "(Student's t: 12.7 standard errors on both sides for 2 trials, 2.3 for 10) is within the range, fails "
      "when all of it is outside, and is undecided between.\n";
  if (!verdict.notes.empty()) text += "\n## How it was made\n\n";
  for (const std::string& note : verdict.notes) text += "- " + note + "\n";
  return text;
}

std::string verdict_json(const Verdict& verdict) {
  nlohmann::ordered_json j;
  j["title"] = verdict.title;
  j["claims"] = nlohmann::ordered_json::array();
  for (const Claim& c : verdict.claims) {
    nlohmann::ordered_json claim;
    claim["statement"] = c.statement;
    claim["quantity"] = c.quantity;
    claim["measured"] = finite_json(c.measured.value);
    claim["standard_error"] = finite_json(c.measured.error);
    claim["interval95"] = finite_json(interval95(c.measured));
    claim["low"] = finite_json(c.low);
    claim["high"] = finite_json(c.high);
    claim["why"] = c.why;
    claim["outcome"] = name_of(c.outcome());
    j["claims"].push_back(claim);
  }
  j["notes"] = verdict.notes;
  return j.dump(2) + "\n";
}

}  // namespace ntape::study
