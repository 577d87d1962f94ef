#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ntape/study/drift_figures.hpp>
#include <ntape/study/figure_parts.hpp>

namespace ntape::study {
namespace {

using report::Figure;
using report::Series;

// Mean, and smallest and largest, over the seeds of one width.
struct Spread {
  std::vector<double> x, mean, low, high;
};

template <class Value>
void add_point(Spread& spread, double x, const std::vector<Value>& values) {
  if (values.empty()) return;
  double sum = 0;
  for (const double v : values) sum += v;
  spread.x.push_back(x);
  spread.mean.push_back(sum / static_cast<double>(values.size()));
  spread.low.push_back(*std::min_element(values.begin(), values.end()));
  spread.high.push_back(*std::max_element(values.begin(), values.end()));
}

Series to_series(std::string label, const Spread& spread, Series::Style style) {
  Series s;
  s.label = std::move(label);
  s.x = spread.x;
  s.y = spread.mean;
  s.low = spread.low;
  s.high = spread.high;
  s.style = style;
  return s;
}

// What bands and bars are, for the title.
std::string over_seeds(const DriftPlan& plan, const DriftResult& result, const std::string& band) {
  if (plan.seeds == 1) return " (one seed)";
  const bool some =
      std::any_of(result.runs.begin(), result.runs.end(), [](const DriftRun& run) { return run.stopped; });
  return " (mean of " + std::string(some ? "at most " : "") + std::to_string(plan.seeds) + " seeds; " + band +
         ": min to max)";
}

Figure drift_figure(const DriftPlan& plan, const DriftResult& result) {
  Figure figure;
  figure.title = "Kernel drift during training" + over_seeds(plan, result, "band");
  figure.x_label = "training time t = rate \u00d7 steps";
  figure.y_label = "\u2016\u0398(t) \u2212 \u0398(0)\u2016 / \u2016\u0398(0)\u2016";
  figure.log_x = figure.log_y = true;
  for (Index a = 0; a < plan.widths.size(); ++a) {
    Spread spread;
    for (Index k = 1; k < result.tracked.size(); ++k) {
      std::vector<double> values;
      for (Index s = 0; s < plan.seeds; ++s) {
        const DriftRun& run = result.runs[a * plan.seeds + s];
        if (!run.stopped) values.push_back(run.rows[k].kernel_change);
      }
      add_point(spread, result.rate * static_cast<double>(result.tracked[k]), values);
    }
    if (!spread.x.empty())
      figure.series.push_back(
          to_series("width " + std::to_string(plan.widths[a]), spread, Series::Style::line));
  }
  return figure;
}

void add_scaling(Figure& figure, const std::string& what, const Spread& spread,
                 const std::optional<ScalingFit>& fit) {
  if (spread.x.empty()) return;
  figure.series.push_back(to_series(what, spread, Series::Style::points));
  if (!fit) return;
  Series line;
  line.label = "\u221d width^(" + detail::with_minus(fit->exponent) +
               (fit->ci95 ? " \u00b1 " + detail::with_minus(*fit->ci95) : "") + ")";
  line.style = Series::Style::fit;
  for (const double x : spread.x) {
    line.x.push_back(x);
    line.y.push_back(std::exp(fit->log_prefactor + fit->exponent * std::log(x)));
  }
  figure.series.push_back(std::move(line));
}

Figure scaling_figure(const DriftPlan& plan, const DriftResult& result) {
  Figure figure;
  figure.title = "Distance to the limit and drift against width" + over_seeds(plan, result, "bar");
  figure.x_label = "hidden width";
  figure.y_label = "relative Frobenius distance of kernels";
  figure.log_x = figure.log_y = true;
  figure.x_tics.assign(plan.widths.begin(), plan.widths.end());
  Spread drift, distance;
  for (Index a = 0; a < plan.widths.size(); ++a) {
    std::vector<double> changes, distances;
    for (Index s = 0; s < plan.seeds; ++s) {
      const DriftRun& run = result.runs[a * plan.seeds + s];
      if (!run.stopped) changes.push_back(run.rows.back().kernel_change);
      if (!run.rows.empty() && run.rows.front().limit_distance)
        distances.push_back(*run.rows.front().limit_distance);
    }
    add_point(drift, static_cast<double>(plan.widths[a]), changes);
    add_point(distance, static_cast<double>(plan.widths[a]), distances);
  }
  add_scaling(figure, "\u0398(0) to the limit \u0398(\u221e)", distance, result.limit_distance_fit);
  add_scaling(figure, "drift from \u0398(0) at the end", drift, result.kernel_change_fit);
  return figure;
}

Series spectrum_series(const std::string& label, const std::vector<double>& ascending, Series::Style style) {
  Series s;
  s.label = label;
  s.style = style;
  for (Index k = 0; k < ascending.size(); ++k) {
    s.x.push_back(static_cast<double>(k + 1));
    s.y.push_back(ascending[ascending.size() - 1 - k]);
  }
  return s;
}

Figure spectrum_figure(const DriftPlan& plan, const DriftResult& result) {
  const auto widest = std::max_element(plan.widths.begin(), plan.widths.end()) - plan.widths.begin();
  const DriftRun& run = result.runs[static_cast<Index>(widest) * plan.seeds];
  Figure figure;
  figure.title =
      "Spectrum of the kernel, width " + std::to_string(run.width) + ", seed " + std::to_string(run.seed);
  figure.x_label = "index of the eigenvalue";
  figure.y_label = "eigenvalue of \u0398 / N";
  figure.log_x = figure.log_y = true;
  using Style = Series::Style;
  if (run.start) figure.series.push_back(spectrum_series("start", run.start_spectrum, Style::line));
  if (run.end) figure.series.push_back(spectrum_series("end of training", run.end_spectrum, Style::line));
  if (result.limit)
    figure.series.push_back(spectrum_series("infinite width", result.limit_spectrum, Style::reference));
  return figure;
}

}  // namespace

std::vector<NamedFigure> drift_figures(const DriftPlan& plan, const DriftResult& result) {
  std::vector<NamedFigure> figures;
  const auto keep = [&](std::string name, Figure figure) {
    if (report::has_points(figure)) figures.push_back({std::move(name), std::move(figure)});
  };
  if (result.steps > 0) keep("drift", drift_figure(plan, result));
  if (plan.widths.size() > 1) keep("scaling", scaling_figure(plan, result));
  keep("spectrum", spectrum_figure(plan, result));
  return figures;
}

}  // namespace ntape::study
