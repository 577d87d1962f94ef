#include <cmath>
#include <ntape/run/table.hpp>
#include <ntape/study/figure_3.hpp>
#include <ntape/study/figure_parts.hpp>

namespace ntape::study {
namespace {

using detail::add_band;
using detail::kMissing;
using detail::kNoEdge;
using detail::n_is;
using Network = Figure3Result::Network;
using report::Series;
using run::significant;
using Values = std::vector<double> Path::*;

constexpr Index kTimes = 201;  // of the picture and of data.npz

// Linear between the steps of a path, which has the time.
double at(const Path& path, Values values, double time) {
  const auto after = std::lower_bound(path.time.begin(), path.time.end(), time);
  if (after == path.time.end()) return (path.*values).back();
  const auto k = static_cast<Index>(after - path.time.begin());
  if (k == 0) return (path.*values).front();
  const double share = (time - path.time[k - 1]) / (path.time[k] - path.time[k - 1]);
  return (1 - share) * (path.*values)[k - 1] + share * (path.*values)[k];
}

std::vector<double> common_times(const Figure3Plan& plan) {
  std::vector<double> times;
  for (Index k = 0; k < kTimes; ++k)
    times.push_back(plan.time * static_cast<double>(k) / static_cast<double>(kTimes - 1));
  return times;
}

std::vector<double> limit_curve(const Figure3Result& result, const std::vector<double>& times) {
  std::vector<double> curve;
  for (const double t : times) curve.push_back(kComponent * std::exp(-result.eigenvalues[1] * t));
  return curve;
}

std::vector<const Network*> complete(const Figure3Result& result, Index width) {
  std::vector<const Network*> list;
  for (const Network& n : result.networks)
    if (n.width == width && n.diverged.empty()) list.push_back(&n);
  return list;
}

template <class Number>
Measured over_trials(const Figure3Result& result, Index width, const Number& number) {
  std::vector<double> values;
  for (const Network* n : complete(result, width)) values.push_back(number(*n));
  return values.empty() ? kUnmeasured : mean_of(values);
}

double largest_across(const Network& n) {
  return *std::max_element(n.path.across.begin(), n.path.across.end());
}

double largest(const Figure3Result& result, Values values) {
  double most = 0;
  for (const Network& n : result.networks)
    for (const double v : n.path.*values)
      if (n.diverged.empty()) most = std::max(most, v);
  return most;
}

// How far curves with half the rate are from those with the rate, at most, over the height of their axes.
Measured change_by_halving(const Figure3Result& result, Values values) {
  double most = -1;
  for (const Network& n : result.networks) {
    if (n.halved.time.empty() || !n.diverged.empty()) continue;
    for (Index k = 0; k < n.path.time.size(); ++k)
      most = std::max(most, std::abs((n.path.*values)[k] - at(n.halved, values, n.path.time[k])));
  }
  return most < 0 ? kUnmeasured : Measured{most / largest(result, values)};
}

// Its digits depend on what it does not say.
std::string note_of_the_eigenvalues(const Figure3Plan& plan, const Figure3Result& result) {
  return "The three largest eigenvalues of Theta_inf / N: " + significant(result.eigenvalues[0], 5) + ", " +
         significant(result.eigenvalues[1], 5) + ", " + significant(result.eigenvalues[2], 5) +
         ", at depth " + std::to_string(plan.depth) +
         ". The paper prints 0.0457, 0.00108, 0.00078 for its 512 digits and says neither depth, nor the "
         "scale of "
         "pixels, nor which digits: with pixels in [0, 1], depth 5 gives about 0.0458, 0.0012, 0.0009 and "
         "depth 4 "
         "0.0515, 0.0020, 0.0015, so that its digits are no claim that could be tested.";
}

// Of the trials that are in the mean.
std::string mean_over(const Figure3Result& result, Index width) {
  return detail::mean_over(complete(result, width).size(), "trial");
}

// What the paper's own picture shows, of its data and times: other settings are nothing to it.
void claim_each_width(const Figure3Plan& plan, const data::Dataset<double>& data, const Figure3Result& result,
                      Verdict& verdict) {
  const Figure3Plan paper;
  if (data.name != "mnist" || result.examples != 512 || plan.time < paper.time) return;
  const double tau = 1 / result.eigenvalues[1];
  for (const Index width : plan.widths) {
    if (width != 100) continue;
    const std::string over = mean_over(result, width);
    verdict.claims.push_back({"n = 100 leaves the straight line by about .10 to .14",
                              "max over t of ||h_t||" + over, over_trials(result, width, largest_across),
                              0.10, 0.14, "read off the paper's figure"});
    if (tau > plan.time) continue;
    verdict.claims.push_back(
        {"n = 100 goes faster than the limit", "||g_t|| / (0.5 / e) at t = 1 / lambda_2" + over,
         over_trials(
             result, width,
             [&](const Network& n) { return at(n.path, &Path::along, tau) / (kComponent / std::exp(1)); }),
         -kNoEdge, 1, "below the exponential where that is 1/e"});
  }
}

// A number of each trial; not a number where the network diverged.
template <class Number>
std::vector<double> by_trial(const Figure3Plan& plan, const Figure3Result& result, Index w,
                             const Number& number) {
  std::vector<double> list;
  for (Index k = 0; k < plan.seeds; ++k) {
    const Network& n = result.networks[w * plan.seeds + k];
    list.push_back(n.diverged.empty() ? number(n) : kMissing);
  }
  return list;
}

void claim_between(const Figure3Plan& plan, const Figure3Result& result, Verdict& verdict) {
  const auto distance = [&](const Network& n) {
    double most = 0;
    for (Index k = 0; k < n.path.time.size(); ++k)
      most = std::max(
          most, std::abs(n.path.along[k] - kComponent * std::exp(-result.eigenvalues[1] * n.path.time[k])));
    return most;
  };
  for (Index w = 1; w < plan.widths.size(); ++w) {
    const Index narrow = plan.widths[w - 1], wide = plan.widths[w];
    const std::string pair =
        n_is(wide) + mean_over(result, wide) + ", over that of " + n_is(narrow) + mean_over(result, narrow);
    const auto ratio = [&](const auto& number) {
      return ratio_of_means(by_trial(plan, result, w, number), by_trial(plan, result, w - 1, number));
    };
    verdict.claims.push_back({"the wider network stays straighter", "max over t of ||h_t|| of " + pair,
                              ratio(largest_across), -kNoEdge, 1, "smaller than 1"});
    verdict.claims.push_back({"the wider network is nearer to the limit's exponential",
                              "max over t of | ||g_t|| - 0.5 exp(-lambda_2 t) | of " + pair, ratio(distance),
                              -kNoEdge, 1, "smaller than 1"});
  }
}

void claim_of_steps(const Figure3Plan& plan, const Figure3Result& result, double line, Verdict& verdict) {
  double worst = 0;
  for (const Network& n : result.networks)
    worst = std::max(worst, n.diverged.empty() && std::isfinite(n.end_lambda)
                                ? n.rate * std::max(n.start_lambda, n.end_lambda) / 2
                                : kNoEdge);
  verdict.claims.push_back(detail::stability_claim(worst));
  const std::string which =
      " over the height of the axis, at most, widths up to " + std::to_string(plan.check_width);
  const std::string why = "less than the width of the line in the picture";
  verdict.claims.push_back({"half the rate gives the same ||h_t||", "change of a curve" + which,
                            change_by_halving(result, &Path::across), -kNoEdge, line, why});
  verdict.claims.push_back({"half the rate gives the same ||g_t||", "change of a curve" + which,
                            change_by_halving(result, &Path::along), -kNoEdge, line, why});
}

void add_scatter(const Figure3Plan& plan, const Figure3Result& result, report::Sheet& sheet) {
  report::Figure panel;
  panel.title = "(a) inputs on components 2 and 3";
  panel.x_label = "component f\u207d\u00b2\u207e";
  panel.y_label = "component f\u207d\u00b3\u207e";
  for (int label = 0; label < 10; ++label) {
    Series class_of;
    class_of.style = Series::Style::scatter;
    if (!plan.labels.empty()) {
      class_of.mark = static_cast<char>('0' + label);
      class_of.colour = static_cast<std::size_t>(label);
    }
    for (Index i = 0; i < result.examples; ++i) {
      if (!plan.labels.empty() && plan.labels[i] != label) continue;
      class_of.x.push_back(result.components(1, i));
      class_of.y.push_back(result.components(2, i));
    }
    panel.series.push_back(std::move(class_of));
    if (plan.labels.empty()) break;
  }
  sheet.panels.push_back(std::move(panel));
}

void add_paths(const Figure3Plan& plan, const Figure3Result& result, Values values, const std::string& title,
               const std::string& y_label, bool with_limit, report::Sheet& sheet) {
  report::Figure panel;
  panel.title = title;
  panel.x_label = "training time t = rate \u00d7 steps";
  panel.y_label = y_label;
  const std::vector<double> times = common_times(plan);
  for (Index w = 0; w < plan.widths.size(); ++w) {
    std::vector<std::vector<double>> curves;
    for (const Network* n : complete(result, plan.widths[w])) {
      curves.emplace_back();
      for (const double t : times) curves.back().push_back(at(n->path, values, t));
    }
    detail::Curves list;
    for (const auto& curve : curves) list.push_back(&curve);
    add_band(panel, n_is(plan.widths[w]), w, times, list);
  }
  if (with_limit)
    panel.series.push_back({.label = "n = \u221e: 0.5 exp(\u2212\u03bb\u2082t)",
                            .x = times,
                            .y = limit_curve(result, times),
                            .low = {},
                            .high = {},
                            .style = Series::Style::reference});
  panel.y_range = report::AxisRange{0, 1.05 * std::max(largest(result, values), with_limit ? kComponent : 0)};
  sheet.panels.push_back(std::move(panel));
}

void add_numbers(const Figure3Plan& plan, const Figure3Result& result, FigureReport& report) {
  run::CsvTable table({"width", "seed", "rate", "time", "along", "across"});
  const std::vector<double> times = common_times(plan);
  std::vector<double> along, across, starts, ends, rates;
  for (const Network& n : result.networks) {
    for (const Path* path : {&n.path, &n.halved})
      for (Index k = 0; k < path->time.size(); ++k)
        table.add(
            {std::uint64_t{n.width}, n.seed, path->rate, path->time[k], path->along[k], path->across[k]});
    for (const double t : times) {
      along.push_back(n.diverged.empty() ? at(n.path, &Path::along, t) : kMissing);
      across.push_back(n.diverged.empty() ? at(n.path, &Path::across, t) : kMissing);
    }
    starts.push_back(n.start_lambda);
    ends.push_back(n.diverged.empty() ? n.end_lambda : kMissing);
    rates.push_back(n.rate);
  }
  report.csv = table.text();
  const std::vector<double> widths(plan.widths.begin(), plan.widths.end());
  const std::vector<double> labels(plan.labels.begin(), plan.labels.end());
  const Index w = widths.size(), s = plan.seeds;
  report.arrays = {{"eigenvalues", {3}, result.eigenvalues},
                   {"components", {3, result.examples}, {result.components.begin(), result.components.end()}},
                   {"labels", {labels.size()}, labels},
                   {"widths", {w}, widths},
                   {"times", {kTimes}, times},
                   {"along", {w, s, kTimes}, along},
                   {"across", {w, s, kTimes}, across},
                   {"along_limit", {kTimes}, limit_curve(result, times)},
                   {"lambda_max_start", {w, s}, starts},
                   {"lambda_max_end", {w, s}, ends},
                   {"rate", {w, s}, rates}};
  if (labels.empty()) report.arrays.erase(report.arrays.begin() + 2);
}

std::string steps_taken(const Figure3Plan& plan, const Figure3Result& result) {
  std::string text;
  for (const Network& n : result.networks)
    text += (text.empty() ? "" : "; ") + n_is(n.width) + ", seed " + std::to_string(n.seed) + ": " +
            std::to_string(n.steps) + " of " + significant(n.rate, 4);
  return (plan.rate ? "The largest rate was given: "
                    : "Each network's rate is at most " + significant(stable_share(1000), 2) +
                          " (above width 1000: " + significant(stable_share(1001), 2) + ")" +
                          " of its critical rate 2 / lambda_max(Theta_0 / N), which leaves room for a kernel "
                          "that grows: ") +
         text + ".";
}

}  // namespace

FigureReport report_figure_3(const Figure3Plan& plan, const data::Dataset<double>& data,
                             const Figure3Result& result) {
  FigureReport report;
  report.name = "figure-3";
  report::Sheet& sheet = report.sheet;
  sheet.title = "Training along a kernel principal component: " + detail::written(data.name) +
                ", N = " + std::to_string(result.examples) + ", depth " + std::to_string(plan.depth) + ", " +
                std::to_string(plan.seeds) +
                (plan.seeds == 1 ? " trial a width" : " trials a width (lines, their mean and range)");
  sheet.columns = 3;
  sheet.key_of = 2;
  add_scatter(plan, result, sheet);
  add_paths(plan, result, &Path::across, "(b) away from f\u207d\u00b2\u207e", "\u2016h(t)\u2016", false,
            sheet);
  add_paths(plan, result, &Path::along, "(c) along f\u207d\u00b2\u207e", "\u2016g(t)\u2016", true, sheet);
  add_numbers(plan, result, report);

  Verdict& verdict = report.verdict;
  verdict.title = "Figure 3: training along a kernel principal component";
  claim_each_width(plan, data, result, verdict);
  claim_between(plan, result, verdict);
  claim_of_steps(plan, result, report::line_share(sheet), verdict);
  verdict.notes = {"The paper states neither the depth nor the scale of pixels: depth " +
                       std::to_string(plan.depth) + " here, pixels in [0, 1].",
                   "Components and eigenvalues are those of the limit kernel Theta_inf on the data, over N, "
                   "so that all widths "
                   "share them.",
                   note_of_the_eigenvalues(plan, result),
                   "relu, beta = 0.1, one output, full-batch gradient descent on f* = f_0 + 0.5 f^(2), time "
                   "= rate x steps up to " +
                       significant(plan.time, 6) + ".",
                   steps_taken(plan, result)};
  if (plan.widths.back() > plan.check_width)
    verdict.notes.push_back("Wider networks than " + std::to_string(plan.check_width) +
                            " were not trained with half the rate: --check-width " +
                            std::to_string(plan.widths.back()) + " does.");
  for (const Network& n : result.networks)
    if (!n.diverged.empty()) verdict.notes.push_back("Left out: " + n.diverged + ".");
  report.settings = {{"data", data.name},
                     {"data_checksum", data::checksum(data)},
                     {"examples", std::to_string(result.examples)},
                     {"widths", detail::listed(plan.widths)},
                     {"depth", std::to_string(plan.depth)},
                     {"seeds", std::to_string(plan.seeds)},
                     {"first_seed", std::to_string(plan.first_seed)},
                     {"time", significant(plan.time, 17)},
                     {"rate", plan.rate ? significant(*plan.rate, 17) : "default"},
                     {"check_width", std::to_string(plan.check_width)},
                     {"precision", detail::name_of(plan.precision)}};
  return report;
}

}  // namespace ntape::study
