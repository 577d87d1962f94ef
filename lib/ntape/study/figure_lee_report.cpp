#include <algorithm>
#include <cmath>
#include <functional>
#include <ntape/base/errors.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/figure_lee.hpp>
#include <ntape/study/figure_parts.hpp>

namespace ntape::study {
namespace {

using detail::kMissing;
using detail::numbers;
using detail::with_minus;
using report::Series;
using run::significant;

// A number of a network, and the power of n that theory says it falls with.
struct Quantity {
  std::string name;       // in data.npz
  std::string label;      // in the key
  std::string statement;  // of the claim, before "as n^-1"
  std::string measured;
  double exponent;
  std::function<double(const DriftRun&)> of;
};

double weight_change(const DriftRun& run, Index layer) {
  return run.rows.back().layers[layer].weight_change.value_or(kMissing);
}

// All hidden n x n matrices as one: their norms at the start are equal but for n^-1 of them.
double hidden_change(const DriftRun& run) {
  const Index hidden = run.rows.back().layers.size() - 2;
  double squares = 0;
  for (Index l = 1; l <= hidden; ++l) squares += std::pow(weight_change(run, l), 2);
  return std::sqrt(squares / static_cast<double>(hidden));
}

// Over the tracked steps. At the last one alone, networks that fit their targets agree whatever the width.
double largest(const DriftRun& run, std::optional<double> DriftRow::*gap) {
  double most = 0;
  for (const DriftRow& row : run.rows) {
    const double here = (row.*gap).value_or(kMissing);
    if (std::isnan(here)) return kMissing;
    most = std::max(most, here);
  }
  return most;
}

std::vector<Quantity> weights_of(const FigureLeePlan& plan) {
  const Index last = plan.depth - 1;
  const std::string change = "relative Frobenius change of ";
  return {{"input_weights", "input weights", "input weights move relatively",
           change + "W^0, the n x n_0 matrix", -0.5, [](const DriftRun& r) { return weight_change(r, 0); }},
          {"hidden_weights", "hidden weights", "hidden weights move relatively",
           change + "the n x n matrices, root mean square over them", -1, hidden_change},
          {"output_weights", "output weights", "output weights move relatively",
           change + "W^" + std::to_string(last) + ", the matrix of the outputs", -0.5,
           [last](const DriftRun& r) { return weight_change(r, last); }}};
}

std::vector<Quantity> kernel_of(const FigureLeePlan&) {
  return {{"kernel", "kernel", "the kernel moves relatively",
           "relative Frobenius change of Theta on the training set", -1,
           [](const DriftRun& r) { return r.rows.back().kernel_change; }}};
}

std::vector<Quantity> outputs_of(const FigureLeePlan& plan) {
  const std::string gap = "max over tracked steps of the rms of f - f_lin on ";
  std::vector<Quantity> list = {
      {"training_gap", "outputs, training set", "the network leaves its linearization on the training set",
       gap + "the training set", -1, [](const DriftRun& r) { return largest(r, &DriftRow::output_gap); }}};
  if (plan.test.x.shape(0) > 0)
    list.push_back({"test_gap", "outputs, test set", "the network leaves its linearization on the test set",
                    gap + "the test set", -1,
                    [](const DriftRun& r) { return largest(r, &DriftRow::test_output_gap); }});
  return list;
}

// values[s][w]; not a number for a network that was stopped.
std::vector<std::vector<double>> values_of(const FigureLeePlan& plan, const DriftResult& result,
                                           const Quantity& quantity) {
  std::vector<std::vector<double>> values(plan.seeds);
  for (Index k = 0; k < result.runs.size(); ++k)
    values[k % plan.seeds].push_back(result.runs[k].stopped ? kMissing : quantity.of(result.runs[k]));
  return values;
}

// Through the widest `widths`; 0 means all.
std::optional<ScalingFit> fit_of(const FigureLeePlan& plan, const DriftResult& result,
                                 const Quantity& quantity, Index widths = 0) {
  const Index without = widths == 0 ? 0 : plan.widths.size() - widths;
  std::vector<double> at = numbers(plan.widths);
  at.erase(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(without));
  auto values = values_of(plan, result, quantity);
  for (auto& seed : values) seed.erase(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(without));
  return fit_scaling(at, values);
}

std::string interval_of(const ScalingFit& fit) {
  if (!fit.ci95) return "no interval from one seed";
  return "95% interval " + significant(fit.exponent - *fit.ci95, 3) + " to " +
         significant(fit.exponent + *fit.ci95, 3) + ", " + std::to_string(fit.seeds) + " seeds";
}

// Of the wider half of at least four widths, where the law is less bent: not judged, but told.
std::string wider_half(const FigureLeePlan& plan, const DriftResult& result, const Quantity& quantity) {
  const Index count = (plan.widths.size() + 1) / 2;
  if (plan.widths.size() < 4) return "";
  const auto fit = fit_of(plan, result, quantity, count);
  if (!fit) return "";
  return "; " + significant(fit->exponent, 3) + " from " +
         detail::n_is(plan.widths[plan.widths.size() - count]) + " on, " + interval_of(*fit);
}

void claim_exponents(const FigureLeePlan& plan, const DriftResult& result,
                     const std::vector<Quantity>& quantities, Verdict& verdict) {
  // Terms of higher order in 1/n bend the law: half of the value at the narrowest of the seven default widths
  // changes a slope by 0.09. And n^-1/2 stays far from n^-1.
  constexpr double kBent = 0.1;
  for (const Quantity& q : quantities) {
    const auto fit = fit_of(plan, result, q);
    const std::string power = q.exponent == -1 ? "n^-1" : "n^-1/2";
    verdict.claims.push_back({q.statement + " as " + power,
                              "exponent of n in " + q.measured +
                                  (fit ? " (" + interval_of(*fit) + wider_half(plan, result, q) + ")" : ""),
                              detail::measured_exponent(fit), q.exponent - kBent, q.exponent + kBent,
                              significant(q.exponent, 2) + ", to 0.1, since n need not be large"});
  }
}

void claim_stability(const DriftResult& result, Verdict& verdict) {
  double worst = 0;
  for (const DriftRun& run : result.runs)
    worst = std::max(
        worst, run.stopped
                   ? detail::kNoEdge
                   : result.rate * std::max(run.rows.front().lambda_max, run.rows.back().lambda_max) / 2);
  verdict.claims.push_back(detail::stability_claim(worst));
}

void add_panel(const FigureLeePlan& plan, const DriftResult& result, const std::vector<Quantity>& quantities,
               const std::string& title, const std::string& y_label, std::size_t first_colour,
               report::Sheet& sheet) {
  report::Figure panel;
  panel.title = title;
  panel.x_label = "hidden width n";
  panel.y_label = y_label;
  panel.log_x = panel.log_y = true;
  panel.x_tics = numbers(plan.widths);
  std::vector<Series> guides;
  for (const Quantity& q : quantities) {
    Series points = detail::range_points(numbers(plan.widths), values_of(plan, result, q));
    if (points.x.empty()) continue;
    const auto fit = fit_of(plan, result, q);
    points.colour = first_colour++;
    points.label = q.label;
    if (fit)
      points.label +=
          ": " + with_minus(fit->exponent) + (fit->ci95 ? " \u00b1 " + with_minus(*fit->ci95) : "");
    guides.push_back(detail::power_line(points, q.exponent));
    panel.series.push_back(std::move(points));
  }
  panel.series.insert(panel.series.end(), guides.begin(), guides.end());
  sheet.panels.push_back(std::move(panel));
}

void add_numbers(const FigureLeePlan& plan, const DriftResult& result,
                 const std::vector<Quantity>& quantities, FigureReport& report) {
  std::vector<std::string> columns = {"width", "seed", "step", "time", "loss"};
  for (Index l = 0; l < plan.depth; ++l) columns.push_back("weights_" + std::to_string(l));
  columns.insert(columns.end(), {"kernel", "training_gap", "test_gap"});
  run::CsvTable table(columns);
  const auto cell = [](const std::optional<double>& value) {
    return value ? run::CsvTable::Cell(*value) : run::CsvTable::Cell();
  };
  for (const DriftRun& run : result.runs)
    for (const DriftRow& row : run.rows) {
      std::vector<run::CsvTable::Cell> cells = {std::uint64_t{run.width}, run.seed, std::uint64_t{row.step},
                                                row.time, row.loss};
      for (const DriftRow::Layer& layer : row.layers) cells.push_back(cell(layer.weight_change));
      cells.insert(cells.end(), {row.kernel_change, cell(row.output_gap), cell(row.test_output_gap)});
      table.add(cells);
    }
  report.csv = table.text();

  const Index widths = plan.widths.size();
  report.arrays = {{"widths", {widths}, numbers(plan.widths)}};
  std::vector<double> fitted, half_widths, expected;
  for (const Quantity& q : quantities) {
    std::vector<double> values;
    for (const DriftRun& run : result.runs) values.push_back(run.stopped ? kMissing : q.of(run));
    report.arrays.push_back({q.name, {widths, plan.seeds}, values});
    const auto fit = fit_of(plan, result, q);
    fitted.push_back(fit ? fit->exponent : kMissing);
    half_widths.push_back(fit && fit->ci95 ? *fit->ci95 : kMissing);
    expected.push_back(q.exponent);
  }
  report.arrays.push_back({"exponents", {fitted.size()}, fitted});
  report.arrays.push_back({"exponents_ci95", {fitted.size()}, half_widths});
  report.arrays.push_back({"exponents_expected", {fitted.size()}, expected});
}

// The mean loss of the widest networks, before and after.
std::string losses_of(const FigureLeePlan& plan, const DriftResult& result) {
  std::vector<double> first, last;
  for (const DriftRun& run : result.runs)
    if (run.width == plan.widths.back() && !run.stopped) {
      first.push_back(run.rows.front().loss);
      last.push_back(run.rows.back().loss);
    }
  if (first.empty()) return "";
  return ", in which the loss of the widest networks falls from " + significant(mean_of(first).value, 3) +
         " to " + significant(mean_of(last).value, 3) + " on the average";
}

std::vector<std::string> notes_of(const FigureLeePlan& plan, const data::Dataset<double>& data,
                                  const DriftResult& result) {
  std::vector<std::string> notes = {
      "The paper is Lee et al. 2019, \"Wide neural networks of any depth evolve as linear models under "
      "gradient descent\". It states n^-1/2 for input and output weights and n^-1 for hidden ones, proves "
      "n^-1/2 for kernel and outputs, and finds them closer to n^-1, which is expected here.",
      "An exponent is the mean over seeds of slopes, each of the logarithm against log n by least squares, "
      "through all widths.",
      plan.activation + ", sigma_w = " + significant(plan.weight_scale, 6) +
          ", beta = " + significant(plan.bias_scale, 6) + ", depth " + std::to_string(plan.depth) +
          ", the NTK parametrization; " + detail::written(data.name) +
          ", N = " + std::to_string(data.x.shape(0)) + ", and " + std::to_string(plan.test.x.shape(0)) +
          " test inputs; " + std::to_string(result.steps) + " steps of full-batch gradient descent at rate " +
          significant(result.rate, 4) + ", a quarter of the limit kernel's critical rate" +
          losses_of(plan, result) + ".",
      "Weights and kernel are compared at the last step. f_lin is the network linearized at its start, "
      "trained by the same steps, as its frozen kernel makes it in function space; its gap, in the units of "
      "the targets, is the largest of " +
          std::to_string(result.tracked.size()) + " tracked steps.",
      "The activation should be smooth. With a kink, each step switches about sqrt(n) units, which adds a "
      "movement that falls slower than n^-1 and shows at early times."};
  for (const DriftRun& run : result.runs)
    if (run.stopped) notes.push_back("Left out: " + run.message + ".");
  return notes;
}

}  // namespace

FigureReport report_figure_lee(const FigureLeePlan& plan, const data::Dataset<double>& data,
                               const DriftResult& result) {
  if (std::all_of(result.runs.begin(), result.runs.end(), [](const DriftRun& r) { return r.stopped; }))
    throw UserError("figure lee has no network that trained to the end: " + result.runs.front().message);
  FigureReport report;
  report.name = "figure-lee";
  report::Sheet& sheet = report.sheet;
  sheet.title = "What training moves, against width: " + detail::written(data.name) +
                ", N = " + std::to_string(data.x.shape(0)) + ", " + plan.activation + ", depth " +
                std::to_string(plan.depth) + ", " + std::to_string(plan.seeds) +
                (plan.seeds == 1 ? " seed" : " seeds (mean and range)") + "; in the key, exponents of n";
  sheet.columns = 3;
  sheet.key_of_all = true;
  sheet.key_rows = 3;
  const std::vector<Quantity> weights = weights_of(plan), kernel = kernel_of(plan),
                              outputs = outputs_of(plan);
  add_panel(plan, result, weights, "(a) weights", "\u2016W(T) \u2212 W(0)\u2016 / \u2016W(0)\u2016", 0,
            sheet);
  add_panel(plan, result, kernel, "(b) kernel",
            "\u2016\u0398(T) \u2212 \u0398(0)\u2016 / \u2016\u0398(0)\u2016", weights.size(), sheet);
  add_panel(plan, result, outputs, "(c) network minus its linearization",
            "max over t of rms(f \u2212 f\u2097\u1d62\u2099)", weights.size() + kernel.size(), sheet);
  sheet.panels.front().series.back().label = "theory: \u22121/2 and \u22121";

  std::vector<Quantity> all = weights;
  all.insert(all.end(), kernel.begin(), kernel.end());
  all.insert(all.end(), outputs.begin(), outputs.end());
  add_numbers(plan, result, all, report);
  report.verdict.title = "Figure lee: what training moves, against width";
  claim_exponents(plan, result, all, report.verdict);
  claim_stability(result, report.verdict);
  report.verdict.notes = notes_of(plan, data, result);
  report.settings = {{"data", data.name},
                     {"data_checksum", data::checksum(data)},
                     {"examples", std::to_string(data.x.shape(0))},
                     {"test_examples", std::to_string(plan.test.x.shape(0))},
                     {"widths", detail::listed(plan.widths)},
                     {"depth", std::to_string(plan.depth)},
                     {"activation", plan.activation},
                     {"weight_scale", significant(plan.weight_scale, 17)},
                     {"bias_scale", significant(plan.bias_scale, 17)},
                     {"seeds", std::to_string(plan.seeds)},
                     {"first_seed", std::to_string(plan.first_seed)},
                     {"steps", std::to_string(result.steps)},
                     {"rate", significant(result.rate, 17)},
                     {"precision", detail::name_of(plan.precision)}};
  return report;
}

}  // namespace ntape::study
