#include <cmath>
#include <ntape/run/table.hpp>
#include <ntape/study/figure_1.hpp>
#include <ntape/study/figure_parts.hpp>

namespace ntape::study {
namespace {

using CircleNetwork = Figure1Result::Network;
using Curve = std::vector<double> CircleNetwork::*;
using detail::add_band;
using detail::kMissing;
using detail::kNoEdge;
using detail::n_is;
using report::Series;

// The curves of one width, those that are there.
detail::Curves curves(const Figure1Result& result, Index width, Curve at) {
  detail::Curves list;
  for (const CircleNetwork& n : result.networks)
    if (n.width == width && !(n.*at).empty()) list.push_back(&(n.*at));
  return list;
}

// The deviation over seeds, root mean square over angles, without one of the curves.
double spread_of(const detail::Curves& list, Index without) {
  double sum = 0, count = 0;
  for (Index k = 0; k < list.size(); ++k) count += k == without ? 0 : 1;
  if (count < 2) return kMissing;
  for (Index m = 0; m < list.front()->size(); ++m) {
    double mean = 0;
    for (Index k = 0; k < list.size(); ++k) mean += k == without ? 0 : (*list[k])[m] / count;
    for (Index k = 0; k < list.size(); ++k) sum += k == without ? 0 : std::pow((*list[k])[m] - mean, 2);
  }
  return std::sqrt(sum / (count - 1) / static_cast<double>(list.front()->size()));
}

// Of one width over another, seed by seed: networks of one seed share random numbers.
Measured ratio_of_spreads(const Figure1Plan& plan, const Figure1Result& result, Index w_above, Index w_below,
                          Curve at) {
  detail::Curves above, below;
  for (Index s = 0; s < plan.seeds; ++s) {
    const auto &a = result.networks[w_above * plan.seeds + s].*at,
               &b = result.networks[w_below * plan.seeds + s].*at;
    if (a.empty() || b.empty()) continue;
    above.push_back(&a);
    below.push_back(&b);
  }
  if (above.size() < 2) return kUnmeasured;
  return jackknife(above.size(),
                   [&](Index without) { return spread_of(above, without) / spread_of(below, without); });
}

// Theta_end / Theta_0 at angle 0, network by network, at the plan's rate where it is known.
Measured inflation(const Figure1Result& result, Index width) {
  std::vector<double> ratios;
  const Index middle = result.angles.size() / 2;
  for (const CircleNetwork& n : result.networks)
    if (n.width == width && n.diverged.empty())
      ratios.push_back((n.coarse.empty() ? n.end : n.coarse)[middle] / n.start[middle]);
  return ratios.empty() ? kUnmeasured : mean_of(ratios);
}

void claim_the_limit(const Figure1Plan& plan, const Figure1Result& result, Verdict& verdict) {
  if (plan.depth != 4 || (plan.angles - 1) % 4 != 0) return;
  const Index half = plan.angles / 2;
  const auto add = [&](const std::string& where, Index m, double value, double rounding) {
    verdict.claims.push_back({"the limit curve " + where,
                              "Theta_inf, in closed form",
                              {result.limit[m]},
                              value - rounding,
                              value + rounding,
                              "a reference value as far as it is printed"});
  };
  add("at 0", half, 0.2825, 5e-5);
  add("at 90 degrees", half + half / 2, 0.0927021, 5e-8);
  add("at 180 degrees", 2 * half, 0.0643538, 5e-8);
}

// Of the networks that trained to the end.
std::string mean_over(const Figure1Result& result, Index width) {
  return detail::mean_over(curves(result, width, &CircleNetwork::end).size(), "seed");
}

// What the paper's own picture shows, of its depth and time: other settings are nothing to it.
void claim_each_width(const Figure1Plan& plan, const Figure1Result& result, Index width, Verdict& verdict) {
  const Figure1Plan paper;
  if (plan.depth != paper.depth || plan.steps != paper.steps || plan.rate != paper.rate) return;
  const Index middle = result.angles.size() / 2;
  const Measured grown = inflation(result, width);
  const std::string over = mean_over(result, width);
  if (width == 500)
    verdict.claims.push_back({"training inflates the kernel of n = 500 by about a fifth",
                              "Theta_end / Theta_0 at angle 0" + over, grown, 1.1, 1.3,
                              "about x1.2, read off the paper's figure to half of the effect"});
  if (width != 10000) return;
  verdict.claims.push_back({"training inflates the kernel of n = 10000 by about a hundredth",
                            "Theta_end / Theta_0 at angle 0" + over, grown, 1.005, 1.02,
                            "about 1%, read off the paper's figure to a factor of 2"});
  std::vector<double> start;
  for (const auto* c : curves(result, width, &CircleNetwork::start))
    start.push_back((*c)[middle] / result.limit[middle]);
  verdict.claims.push_back({"n = 10000 starts at the limit",
                            "Theta_0 / Theta_inf at angle 0" + detail::mean_over(start.size(), "seed"),
                            mean_of(start), 0.95, 1.05, "not to be told from it in the paper's figure"});
}

// Theta_end / Theta_0 - 1 at angle 0 of each seed; not a number where the network diverged.
std::vector<double> growth_by_seed(const Figure1Plan& plan, const Figure1Result& result, Index w) {
  std::vector<double> list;
  const Index middle = result.angles.size() / 2;
  for (Index s = 0; s < plan.seeds; ++s) {
    const CircleNetwork& n = result.networks[w * plan.seeds + s];
    list.push_back(n.end.empty() ? kMissing : n.end[middle] / n.start[middle] - 1);
  }
  return list;
}

void claim_between(const Figure1Plan& plan, const Figure1Result& result, Verdict& verdict) {
  const Index last = plan.widths.size() - 1, narrow = plan.widths.front(), wide = plan.widths[last];
  const double ratio = static_cast<double>(narrow) / static_cast<double>(wide);
  for (const auto& [when, at] :
       {std::pair("at the start", &CircleNetwork::start), std::pair("after training", &CircleNetwork::end)})
    verdict.claims.push_back({std::string("the spread over initializations shrinks with the width, ") + when,
                              "deviation over seeds of " + n_is(wide) + " over that of " + n_is(narrow) +
                                  ", root mean square over angles",
                              ratio_of_spreads(plan, result, last, 0, at), -kNoEdge, 1,
                              "smaller than 1; n^-1/2 would be " + run::significant(std::sqrt(ratio), 2)});
  const Measured slope = ratio_of_means(growth_by_seed(plan, result, last), growth_by_seed(plan, result, 0));
  verdict.claims.push_back({"inflation falls as 1/n",
                            "(Theta_end / Theta_0 - 1) of " + n_is(wide) + mean_over(result, wide) +
                                ", over that of " + n_is(narrow) + mean_over(result, narrow) +
                                ", over the ratio of widths",
                            {slope.value / ratio, slope.error / ratio, slope.freedom},
                            0.5,
                            2,
                            "1, to a factor of 2, since " + n_is(narrow) + " need not be large"});
}

// How far curves after training with another rate are from those drawn, at most, in widths of their lines.
Measured change_of(const Figure1Result& result, Curve other, const report::Sheet& sheet) {
  const report::AxisRange x{result.angles.front(), result.angles.back()}, y = *sheet.panels.back().y_range;
  double most = -1;
  for (const CircleNetwork& n : result.networks)
    if (!n.end.empty() && !(n.*other).empty())
      most = std::max(most, report::lines_apart(sheet, x, y, result.angles, n.end, n.*other));
  return most < 0 ? kUnmeasured : Measured{most};
}

// At a fixed angle, at most; negative where none was trained with half the rate.
double change_at_an_angle(const Figure1Result& result) {
  double most = -1;
  for (const CircleNetwork& n : result.networks)
    for (Index m = 0; m < n.end.size() && m < n.halved.size(); ++m)
      most = std::max(most, std::abs(n.halved[m] - n.end[m]));
  return most;
}

void claim_of_steps(const Figure1Plan& plan, const Figure1Result& result, const report::Sheet& sheet,
                    Verdict& verdict) {
  double worst = 0;
  for (const CircleNetwork& n : result.networks)
    worst = std::max(worst, n.diverged.empty()
                                ? rate_of(plan, n.width) * std::max(n.start_lambda, n.end_lambda) / 2
                                : kNoEdge);
  verdict.claims.push_back(detail::stability_claim(worst));
  verdict.claims.push_back({"half the rate gives the same kernel after training",
                            "how far a curve moves in the picture, at most, in widths of its line, "
                            "widths up to " +
                                std::to_string(plan.check_width),
                            change_of(result, &CircleNetwork::halved, sheet), -kNoEdge, 1,
                            "less than the width of the line"});
}

void note_the_rates(const Figure1Plan& plan, const Figure1Result& result, const report::Sheet& sheet,
                    Verdict& verdict) {
  std::string rates;
  for (const Index width : plan.widths)
    rates += (rates.empty() ? "" : ", ") + n_is(width) + ": " +
             std::to_string(plan.steps << halvings(plan, width)) + " steps of " +
             run::significant(rate_of(plan, width), 6);
  verdict.notes.push_back("Gradient descent took, " + rates + ".");
  const double most = change_at_an_angle(result);
  if (most >= 0) {
    const report::AxisRange axis = *sheet.panels.back().y_range;
    verdict.notes.push_back(
        "Kernels of finite relu networks have steps in the angle. Where one happens at another angle, the "
        "kernel "
        "at a fixed angle changes by its height: with half the rate by at most " +
        run::significant(100 * most / (axis.high - axis.low), 3) +
        "% of the height of the axis, of which a line takes " +
        run::significant(100 * report::line_share(sheet), 2) + "%.");
  }
  for (const Index width : plan.widths)
    if (width > plan.check_width)
      verdict.notes.push_back("Networks of " + n_is(width) +
                              " were not trained with half the rate (--check-width).");
  const Measured coarse = change_of(result, &CircleNetwork::coarse, sheet);
  if (!std::isnan(coarse.value))
    verdict.notes.push_back("With rate " + run::significant(plan.rate, 6) +
                            " for all, a curve of widths up to " + std::to_string(plan.check_width) +
                            " would be elsewhere by at most " + run::significant(coarse.value, 3) +
                            " widths of its line.");
}

void add_panel(const Figure1Plan& plan, const Figure1Result& result, Curve at, const std::string& title,
               report::Sheet& sheet) {
  report::Figure panel = detail::circle_panel(title, "\u0398((1, 0), (cos \u03b3, sin \u03b3))");
  for (Index w = 0; w < plan.widths.size(); ++w)
    add_band(panel, n_is(plan.widths[w]), w, result.angles, curves(result, plan.widths[w], at));
  panel.series.push_back({.label = "n = \u221e",
                          .x = result.angles,
                          .y = result.limit,
                          .low = {},
                          .high = {},
                          .style = Series::Style::reference});
  sheet.panels.push_back(std::move(panel));
}

void share_the_y_axis(report::Sheet& sheet) {
  double highest = 0;
  for (const auto& panel : sheet.panels)
    for (const Series& s : panel.series)
      for (const double y : s.y) highest = std::max(highest, y);
  for (auto& panel : sheet.panels) panel.y_range = report::AxisRange{0, 1.04 * highest};
}

void add_numbers(const Figure1Plan& plan, const Figure1Result& result, FigureReport& report) {
  run::CsvTable table({"width", "seed", "time", "angle", "theta"});
  const double end_time = plan.rate * static_cast<double>(plan.steps);
  const Index angles = result.angles.size();
  std::vector<double> start, end, halved, coarse;
  for (const CircleNetwork& n : result.networks) {
    for (const auto& [time, curve] : {std::pair(0.0, &n.start), std::pair(end_time, &n.end)})
      for (Index m = 0; m < curve->size(); ++m)
        table.add({std::uint64_t{n.width}, n.seed, time, result.angles[m], (*curve)[m]});
    start.insert(start.end(), n.start.begin(), n.start.end());
    for (const auto& [all, curve] :
         {std::pair(&end, &n.end), std::pair(&halved, &n.halved), std::pair(&coarse, &n.coarse)})
      for (Index m = 0; m < angles; ++m) all->push_back(curve->empty() ? kMissing : (*curve)[m]);
  }
  report.csv = table.text();
  const std::vector<double> widths(plan.widths.begin(), plan.widths.end());
  std::vector<double> rates;
  for (const Index width : plan.widths) rates.push_back(rate_of(plan, width));
  report.arrays = {{"angles", {angles}, result.angles},
                   {"theta_inf", {angles}, result.limit},
                   {"widths", {widths.size()}, widths},
                   {"rates", {rates.size()}, rates},
                   {"theta_start", {widths.size(), plan.seeds, angles}, start},
                   {"theta_end", {widths.size(), plan.seeds, angles}, end},
                   {"theta_end_half_rate", {widths.size(), plan.seeds, angles}, halved},
                   {"theta_end_full_rate", {widths.size(), plan.seeds, angles}, coarse}};
}

}  // namespace

FigureReport report_figure_1(const Figure1Plan& plan, const Figure1Result& result) {
  FigureReport report;
  report.name = "figure-1";
  const std::string time = run::significant(plan.rate * static_cast<double>(plan.steps), 6);
  report.sheet.title = "The NTK on the circle, depth " + std::to_string(plan.depth) + ", " +
                       std::to_string(plan.seeds) + " initializations a width (lines, their mean and range)";
  add_panel(plan, result, &CircleNetwork::start, "(a) at initialization", report.sheet);
  add_panel(plan, result, &CircleNetwork::end, "(b) after training to t = " + time, report.sheet);
  share_the_y_axis(report.sheet);
  add_numbers(plan, result, report);

  Verdict& verdict = report.verdict;
  verdict.title = "Figure 1: convergence and stability of the NTK";
  claim_the_limit(plan, result, verdict);
  for (const Index width : plan.widths) claim_each_width(plan, result, width, verdict);
  if (plan.widths.size() > 1) claim_between(plan, result, verdict);
  claim_of_steps(plan, result, report.sheet, verdict);
  verdict.notes = {
      "The paper does not state how many inputs the network is trained on: N = " +
          std::to_string(plan.examples) + " here.",
      "The claimed sizes of the inflation are read off the paper's figure, which prints no number.",
      "relu, beta = 0.1, n_0 = 2, one output, equal hidden widths, full-batch gradient descent to time " +
          time + " (rate x steps) on f*(x) = x_1 x_2; the paper's rate is 1."};
  note_the_rates(plan, result, report.sheet, verdict);
  for (const CircleNetwork& n : result.networks)
    if (!n.diverged.empty()) verdict.notes.push_back("Left out after the start: " + n.diverged + ".");
  report.settings = {{"widths", detail::listed(plan.widths)},
                     {"depth", std::to_string(plan.depth)},
                     {"seeds", std::to_string(plan.seeds)},
                     {"first_seed", std::to_string(plan.first_seed)},
                     {"steps", std::to_string(plan.steps)},
                     {"rate", run::significant(plan.rate, 17)},
                     {"examples", std::to_string(plan.examples)},
                     {"data_seed", std::to_string(plan.data_seed)},
                     {"angles", std::to_string(plan.angles)},
                     {"check_width", std::to_string(plan.check_width)},
                     {"full_rate_width", std::to_string(plan.full_rate_width)},
                     {"precision", detail::name_of(plan.precision)}};
  return report;
}

}  // namespace ntape::study
