#include <cmath>
#include <ntape/run/table.hpp>
#include <ntape/study/ensemble_law.hpp>
#include <ntape/study/ensemble_statistics.hpp>
#include <ntape/study/figure_2.hpp>
#include <ntape/study/figure_parts.hpp>
#include <numeric>

namespace ntape::study {
namespace {

using detail::kNoEdge;
using detail::n_is;
using report::Series;
using run::significant;

constexpr double kLargestScore = 3.5;
// A test of fewer networks would hardly reject anything.
constexpr Index kFewest = 100;

// The first networks alone.
EnsembleOutputs first_of(const EnsembleOutputs& all, Index count) {
  EnsembleOutputs few = all;
  count = std::min(count, all.seeds.size());
  few.seeds.resize(count);
  few.values = make_stack<double>(1, count, all.values.shape(2));
  std::copy_n(all.values.data(), few.values.size(), few.values.data());
  few.losses = make_matrix<double>(1, count);
  std::copy_n(all.losses.data(), count, few.losses.data());
  return few;
}

// Of one step [M + P] as the matrix that statistics want.
Matrix<double> one_row(const std::vector<double>& values) {
  Matrix<double> m = make_matrix<double>(1, values.size());
  std::copy(values.begin(), values.end(), m.begin());
  return m;
}

Matrix<double> variance_of(const Figure2Result& result) {
  Matrix<double> v = one_row(result.deviation);
  for (double& value : v) value *= value;
  return v;
}

// The limit as statistics want it, and the columns that are angles of the picture.
EnsembleLaw law_of(const Figure2Result& result) {
  return {one_row(result.mean), variance_of(result), result.rates};
}
std::vector<Index> angles_of(const Figure2Result& result) {
  std::vector<Index> columns(result.angles.size());
  std::iota(columns.begin(), columns.end(), Index{0});
  return columns;
}

Measured largest_at_probes(const Matrix<double>& scores, Index angles, Index networks) {
  if (networks < kFewest) return kUnmeasured;
  double most = 0;
  for (Index k = angles; k < scores.shape(1); ++k) most = std::max(most, std::abs(scores(0, k)));
  return {most};
}

void claim_references(const Figure2Plan& plan, const Figure2Result& result, Verdict& verdict) {
  const Figure2Plan paper;
  if (plan.depth != paper.depth || plan.points != paper.points || plan.targets != paper.targets) return;
  const auto add = [&](const std::string& statement, double value, double reference, double rounding) {
    verdict.claims.push_back({statement,
                              "of the limit",
                              {value, 0},
                              reference - rounding,
                              reference + rounding,
                              "a reference value as far as it is printed"});
  };
  constexpr double kRates[] = {.037400, .042905, .066187, .136008};
  for (Index k = 0; k < 4; ++k)
    add("eigenvalue " + std::to_string(k + 1) + " of Theta_inf / N", result.rates[k], kRates[k], 5.1e-7);
  const auto at = [&](double angle) {
    const auto found = std::find(plan.probes.begin(), plan.probes.end(), angle);
    return result.angles.size() + static_cast<Index>(found - plan.probes.begin());
  };
  for (const auto& [angle, mean, deviation] :
       {std::tuple(0.0, .0439302, .1372799), std::tuple(1.6, .2990282, .0741796)}) {
    if (at(angle) >= result.mean.size()) continue;
    const std::string where = " at angle " + significant(angle, 3) + ", t = infinity";
    add("the mean" + where, result.end_mean[at(angle)], mean, 5.1e-8);
    add("the deviation" + where, result.end_deviation[at(angle)], deviation, 5.1e-8);
  }
}

void claim_each_width(const Figure2Plan& plan, const Figure2Result& result, Index w, Verdict& verdict) {
  const EnsembleOutputs& ensemble = result.ensembles[w];
  const std::string of =
      " of " + std::to_string(ensemble.seeds.size()) + " networks, " + n_is(plan.widths[w]);
  verdict.claims.push_back({"the limit's P10 to P90 holds 80% of the networks of " + n_is(plan.widths[w]),
                            "share" + of + ", mean over angles",
                            coverage(ensemble, law_of(result), 0, angles_of(result)), 0.75, 0.85,
                            "80%, to 5%, as curves would show"});
  verdict.claims.push_back({"the variance of networks of " + n_is(plan.widths[w]) + " is that of the limit",
                            "variance" + of + ", over that of the limit, both summed over angles",
                            variance_ratio(ensemble, law_of(result), 0, angles_of(result)), 0.9, 1.1,
                            "1, to 10%"});
  if (plan.widths[w] < 1000) return;
  const ZScores z = z_scores(moments(ensemble), one_row(result.mean), variance_of(result));
  const Index networks = ensemble.seeds.size(), angles = result.angles.size();
  const double below =
      std::pow(std::erf(kLargestScore / std::sqrt(2.0)), static_cast<double>(plan.probes.size()));
  const std::string why =
      "below 3.5, as the largest of " + std::to_string(plan.probes.size()) + " scores is in " +
      significant(100 * below, 3) +
      "% of all cases if the law is the limit's; a test of at least 100 networks, which can "
      "only reject";
  verdict.claims.push_back({"means of " + n_is(plan.widths[w]) + " are those of the limit, within what " +
                                std::to_string(ensemble.seeds.size()) + " networks can tell",
                            "largest z-score of the mean at the probes",
                            largest_at_probes(z.mean, angles, networks), -kNoEdge, kLargestScore, why});
  verdict.claims.push_back({"variances of " + n_is(plan.widths[w]) + " are those of the limit, likewise",
                            "largest z-score of the variance at the probes",
                            largest_at_probes(z.variance, angles, networks), -kNoEdge, kLargestScore, why});
}

Series curve(const std::string& label, const std::vector<double>& x, std::vector<double> y,
             Series::Style style) {
  Series s;
  s.label = label;
  s.x = x;
  s.y = std::move(y);
  s.style = style;
  return s;
}

std::vector<double> level_of_limit(const Figure2Result& result, double deviations) {
  std::vector<double> y;
  for (Index m = 0; m < result.angles.size(); ++m)
    y.push_back(result.mean[m] + deviations * result.deviation[m]);
  return y;
}

void add_networks(const Figure2Plan& plan, const Figure2Result& result, Index w, report::Sheet& sheet) {
  report::Figure panel =
      detail::circle_panel(std::string(1, '(') + static_cast<char>('a' + w) + ") " + n_is(plan.widths[w]) +
                               ", " + std::to_string(plan.shown) + " networks",
                           "f(cos \u03b3, sin \u03b3)");
  const EnsembleOutputs few = first_of(result.ensembles[w], plan.shown);
  const Stack<double> q = quantiles(few, kLevels);
  Series median;
  median.label = n_is(plan.widths[w]) + ": P10 to P90, P50";
  median.colour = w;
  for (Index m = 0; m < result.angles.size(); ++m) {
    median.x.push_back(result.angles[m]);
    median.low.push_back(q(0, 0, m));
    median.y.push_back(q(1, 0, m));
    median.high.push_back(q(2, 0, m));
  }
  panel.series.push_back(std::move(median));
  for (const double deviations : {-kP90, 0.0, kP90})
    panel.series.push_back(curve(deviations == 0 && w == 0 ? "limit: P10, P50, P90" : "", result.angles,
                                 level_of_limit(result, deviations), Series::Style::reference));
  Series points = curve(w == 0 ? "training points" : "", plan.points, plan.targets, Series::Style::scatter);
  points.colour = 6;  // black
  panel.series.push_back(std::move(points));
  sheet.panels.push_back(std::move(panel));
}

void add_deviations(const Figure2Plan& plan, const Figure2Result& result, report::Sheet& sheet) {
  report::Figure panel =
      detail::circle_panel(std::string(1, '(') + static_cast<char>('a' + plan.widths.size()) +
                               ") deviation of " + std::to_string(plan.networks) + " networks, 95% bands",
                           "standard deviation of f");
  for (Index w = 0; w < plan.widths.size(); ++w) {
    const EnsembleMoments m = moments(result.ensembles[w]);
    Series measured;
    measured.colour = w;
    for (Index k = 0; k < result.angles.size(); ++k) {
      const double sd = std::sqrt(m.variance(0, k));
      // Of the deviation, which is half the relative error of the variance.
      const double error = sd > 0 ? m.variance_error(0, k) / (2 * sd) : 0;
      const double half_width = interval95({sd, error, static_cast<double>(plan.networks) - 1});
      measured.x.push_back(result.angles[k]);
      measured.y.push_back(sd);
      measured.low.push_back(std::max(0.0, sd - half_width));
      measured.high.push_back(sd + half_width);
    }
    panel.series.push_back(std::move(measured));
  }
  std::vector<double> limit(result.deviation.begin(),
                            result.deviation.begin() + static_cast<std::ptrdiff_t>(result.angles.size()));
  panel.series.push_back(curve("", result.angles, std::move(limit), Series::Style::reference));
  sheet.panels.push_back(std::move(panel));
}

void share_the_y_axis(report::Sheet& sheet, Index panels) {
  double lowest = kNoEdge, highest = -kNoEdge;
  for (Index p = 0; p < panels; ++p)
    for (const Series& s : sheet.panels[p].series)
      for (const auto* values : {&s.y, &s.low, &s.high})
        for (const double y : *values) {
          lowest = std::min(lowest, y);
          highest = std::max(highest, y);
        }
  for (Index p = 0; p < panels; ++p) sheet.panels[p].y_range = report::padded(lowest, highest, false);
}

void add_numbers(const Figure2Plan& plan, const Figure2Result& result, FigureReport& report) {
  run::CsvTable table({"width", "angle", "p10", "p10_error", "p50", "p50_error", "p90", "p90_error", "mean",
                       "mean_error", "variance", "variance_error", "limit_mean", "limit_deviation", "z_mean",
                       "z_variance"});
  std::vector<double> where = result.angles;
  where.insert(where.end(), plan.probes.begin(), plan.probes.end());
  report.arrays = {{"angles", {where.size()}, where},
                   {"limit_mean", {where.size()}, result.mean},
                   {"limit_deviation", {where.size()}, result.deviation},
                   {"rates", {result.rates.size()}, result.rates}};
  for (Index w = 0; w < plan.widths.size(); ++w) {
    const EnsembleOutputs& ensemble = result.ensembles[w];
    const Stack<double> q = quantiles(ensemble, kLevels), e = quantile_errors(ensemble, kLevels);
    const EnsembleMoments m = moments(ensemble);
    const ZScores z = z_scores(m, one_row(result.mean), variance_of(result));
    for (Index k = 0; k < where.size(); ++k)
      table.add({std::uint64_t{plan.widths[w]}, where[k], q(0, 0, k), e(0, 0, k), q(1, 0, k), e(1, 0, k),
                 q(2, 0, k), e(2, 0, k), m.mean(0, k), m.mean_error(0, k), m.variance(0, k),
                 m.variance_error(0, k), result.mean[k], result.deviation[k], z.mean(0, k),
                 z.variance(0, k)});
    report.arrays.push_back({"outputs_width_" + std::to_string(plan.widths[w]),
                             {ensemble.seeds.size(), where.size()},
                             {ensemble.values.begin(), ensemble.values.end()}});
  }
  report.csv = table.text();
}

std::string numbers(const std::vector<double>& list) {
  std::string text;
  for (const double value : list) text += (text.empty() ? "" : ", ") + significant(value, 6);
  return text;
}

}  // namespace

FigureReport report_figure_2(const Figure2Plan& plan, const Figure2Result& result) {
  FigureReport report;
  report.name = "figure-2";
  report::Sheet& sheet = report.sheet;
  sheet.title = "Functions of trained networks and their Gaussian limit, depth " +
                std::to_string(plan.depth) +
                ", t = " + significant(plan.rate * static_cast<double>(plan.steps), 6);
  sheet.columns = plan.widths.size() + 1;
  sheet.key_of_all = true;
  for (Index w = 0; w < plan.widths.size(); ++w) add_networks(plan, result, w, sheet);
  share_the_y_axis(sheet, plan.widths.size());
  add_deviations(plan, result, sheet);
  add_numbers(plan, result, report);

  Verdict& verdict = report.verdict;
  verdict.title = "Figure 2: trained networks and their Gaussian limit";
  claim_references(plan, result, verdict);
  for (Index w = 0; w < plan.widths.size(); ++w) claim_each_width(plan, result, w, verdict);
  verdict.notes = {"The paper states neither the positions of the four points nor their targets: angles " +
                       numbers(plan.points) + " and targets " + numbers(plan.targets) + " here.",
                   "The paper shows 10 networks a width, as the picture does with " +
                       std::to_string(plan.shown) + "; statistics are those of " +
                       std::to_string(plan.networks) + ".",
                   "The limit is that of the same steps of descent: a Gaussian whose mean needs Theta_inf "
                   "and whose variance needs "
                   "the NNGP kernel, too.",
                   "z-scores are taken at angles " + numbers(plan.probes) +
                       ", away from the training points, where the limit has no variance left.",
                   "relu, beta = 0.1, one output, " + std::to_string(plan.steps) +
                       " steps of full-batch gradient descent at rate " + significant(plan.rate, 6) + "."};
  for (Index w = 0; w < plan.widths.size(); ++w)
    for (const std::string& why : result.ensembles[w].stopped)
      verdict.notes.push_back("Left out: " + n_is(plan.widths[w]) + ", " + why + ".");
  report.settings = {{"widths", detail::listed(plan.widths)},
                     {"depth", std::to_string(plan.depth)},
                     {"shown", std::to_string(plan.shown)},
                     {"networks", std::to_string(plan.networks)},
                     {"first_seed", std::to_string(plan.first_seed)},
                     {"steps", std::to_string(plan.steps)},
                     {"rate", significant(plan.rate, 17)},
                     {"angles", std::to_string(plan.angles)},
                     {"precision", detail::name_of(plan.precision)}};
  return report;
}

}  // namespace ntape::study
