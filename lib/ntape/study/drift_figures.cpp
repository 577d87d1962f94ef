#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ntape/study/drift_figures.hpp>

namespace ntape::study {
namespace {

using report::Figure;
using report::Series;

// Mean, and smallest and largest, over the seeds of one width that did not diverge.
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

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

Figure drift_figure(const DriftPlan& plan, const DriftResult& result) {
  Figure figure;
  figure.title = "Kernel drift during training";
  figure.x_label = "training time (rate x steps)";
  figure.y_label = "|Theta_t - Theta_0| / |Theta_0|";
  figure.log_x = figure.log_y = true;
  for (Index a = 0; a < plan.widths.size(); ++a) {
    Spread spread;
    for (Index k = 1; k < result.tracked.size(); ++k) {
      std::vector<double> values;
      for (Index s = 0; s < plan.seeds; ++s) {
        const DriftRun& run = result.runs[a * plan.seeds + s];
        if (!run.diverged) values.push_back(run.rows[k].kernel_change);
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
  line.label = "fit: exponent " + rounded(fit->exponent) + (fit->ci95 ? " +- " + rounded(*fit->ci95) : "");
  line.style = Series::Style::dashed;
  for (const double x : spread.x) {
    line.x.push_back(x);
    line.y.push_back(std::exp(fit->log_prefactor + fit->exponent * std::log(x)));
  }
  figure.series.push_back(std::move(line));
}

Figure scaling_figure(const DriftPlan& plan, const DriftResult& result) {
  Figure figure;
  figure.title = "Distance to the limit, and drift, against width";
  figure.x_label = "hidden width";
  figure.y_label = "relative Frobenius distance";
  figure.log_x = figure.log_y = true;
  Spread drift, distance;
  for (Index a = 0; a < plan.widths.size(); ++a) {
    std::vector<double> changes, distances;
    for (Index s = 0; s < plan.seeds; ++s) {
      const DriftRun& run = result.runs[a * plan.seeds + s];
      if (!run.diverged) changes.push_back(run.rows.back().kernel_change);
      if (!run.rows.empty() && run.rows.front().limit_distance)
        distances.push_back(*run.rows.front().limit_distance);
    }
    add_point(drift, static_cast<double>(plan.widths[a]), changes);
    add_point(distance, static_cast<double>(plan.widths[a]), distances);
  }
  add_scaling(figure, "distance of Theta_0 to the limit", distance, result.limit_distance_fit);
  add_scaling(figure, "drift at the end", drift, result.kernel_change_fit);
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

}  // namespace

std::vector<NamedFigure> drift_figures(const DriftPlan& plan, const DriftResult& result) {
  std::vector<NamedFigure> figures;
  const auto keep = [&](std::string name, Figure figure) {
    if (!figure.series.empty()) figures.push_back({std::move(name), std::move(figure)});
  };
  if (result.steps > 0) keep("drift", drift_figure(plan, result));
  if (plan.widths.size() > 1) keep("scaling", scaling_figure(plan, result));
  const Index widest =
      static_cast<Index>(std::max_element(plan.widths.begin(), plan.widths.end()) - plan.widths.begin());
  const DriftRun& run = result.runs[widest * plan.seeds];
  Figure spectrum;
  spectrum.title = "Spectrum of the kernel, width " + std::to_string(run.width);
  spectrum.x_label = "index of the eigenvalue";
  spectrum.y_label = "eigenvalue of Theta / N";
  spectrum.log_x = spectrum.log_y = true;
  if (!run.rows.empty()) {
    spectrum.series.push_back(spectrum_series("start", run.start_spectrum, Series::Style::line));
    spectrum.series.push_back(spectrum_series("end of training", run.end_spectrum, Series::Style::line));
    if (result.limit)
      spectrum.series.push_back(
          spectrum_series("infinite width", result.limit_spectrum, Series::Style::dashed));
  }
  keep("spectrum", std::move(spectrum));
  return figures;
}

}  // namespace ntape::study
