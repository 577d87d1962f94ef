#include <algorithm>
#include <cmath>
#include <ntape/drift/scaling.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/figure_parts.hpp>
#include <ntape/study/figure_spectrum.hpp>

namespace ntape::study {
namespace {

using detail::kNoEdge;
using detail::n_is;
using detail::numbers;
using detail::with_minus;
using report::Series;
using run::significant;
using SpectrumNetwork = FigureSpectrumResult::Network;
using Eigenvalues = std::vector<double>;

constexpr Index kShown = 150;  // ranks in the picture

std::vector<const SpectrumNetwork*> of_width(const FigureSpectrumResult& result, Index width) {
  std::vector<const SpectrumNetwork*> list;
  for (const SpectrumNetwork& n : result.networks)
    if (n.width == width) list.push_back(&n);
  return list;
}

// Ranks from 1, equally spaced in the logarithm as far as they are whole numbers.
std::vector<Index> shown_ranks(Index last) {
  std::vector<Index> ranks;
  for (Index k = 0; k < kShown; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(kShown - 1);
    const auto rank = static_cast<Index>(std::llround(std::pow(static_cast<double>(last), share)));
    if (ranks.empty() || rank > ranks.back()) ranks.push_back(rank);
  }
  return ranks;
}

// The power of the rank, by least squares on logarithms over the ranks of the fit. The error is that of least
// squares: how straight the line is.
Measured power_of(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result,
                  const Eigenvalues& eigenvalues) {
  std::vector<double> ranks, values;
  for (Index k = plan.first_rank; k <= result.last_rank; ++k) {
    ranks.push_back(static_cast<double>(k));
    values.push_back(eigenvalues[k - 1]);
  }
  const auto fit = fit_scaling(ranks, {values});
  if (!fit || fit->left_out > 0) return kUnmeasured;
  double mean = 0, spread = 0, squares = 0;
  const double count = static_cast<double>(ranks.size());
  for (const double k : ranks) mean += std::log(k) / count;
  for (Index i = 0; i < ranks.size(); ++i) {
    spread += std::pow(std::log(ranks[i]) - mean, 2);
    squares += std::pow(std::log(values[i]) - fit->log_prefactor - fit->exponent * std::log(ranks[i]), 2);
  }
  // Two points are on a line, which says nothing.
  if (ranks.size() < 3) return {fit->exponent, kNoEdge, 0};
  return {fit->exponent, std::sqrt(squares / (count - 2) / spread), count - 2};
}

// By seed.
std::vector<double> powers_of_width(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result,
                                    Index width) {
  std::vector<double> powers;
  for (const SpectrumNetwork* n : of_width(result, width))
    powers.push_back(power_of(plan, result, n->eigenvalues).value);
  return powers;
}

// The mean over seeds, with its standard error.
Measured power_of_width(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result, Index width) {
  return mean_of(powers_of_width(plan, result, width));
}

double relative_difference(const FigureSpectrumResult& result, const SpectrumNetwork& network, Index rank) {
  return std::abs(network.eigenvalues[rank - 1] / result.limit[rank - 1] - 1);
}

Index rank_of_largest(const FigureSpectrumResult& result, const SpectrumNetwork& network) {
  Index at = 1;
  for (Index k = 2; k <= result.compared; ++k)
    if (relative_difference(result, network, k) > relative_difference(result, network, at)) at = k;
  return at;
}

double largest_difference(const FigureSpectrumResult& result, const SpectrumNetwork& network) {
  return relative_difference(result, network, rank_of_largest(result, network));
}

double rms_difference(const FigureSpectrumResult& result, const SpectrumNetwork& network) {
  double squares = 0;
  for (Index k = 1; k <= result.compared; ++k)
    squares += std::pow(relative_difference(result, network, k), 2);
  return std::sqrt(squares / static_cast<double>(result.compared));
}

using Difference = double (*)(const FigureSpectrumResult&, const SpectrumNetwork&);

// values[s][w]
std::vector<std::vector<double>> by_seed(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result,
                                         Difference difference) {
  std::vector<std::vector<double>> values(plan.seeds);
  for (Index k = 0; k < result.networks.size(); ++k)
    values[k % plan.seeds].push_back(difference(result, result.networks[k]));
  return values;
}

std::vector<double> by_network(const FigureSpectrumResult& result, Index width, Difference difference) {
  std::vector<double> values;
  for (const SpectrumNetwork* n : of_width(result, width)) values.push_back(difference(result, *n));
  return values;
}

Measured over_seeds(const FigureSpectrumResult& result, Index width, Difference difference) {
  return mean_of(by_network(result, width, difference));
}

void claim_convergence(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result,
                       const std::string& over, Verdict& verdict) {
  const std::string which = " over ranks 1 to " + std::to_string(result.compared);
  for (Index w = 1; w < plan.widths.size(); ++w) {
    const Index narrow = plan.widths[w - 1], wide = plan.widths[w];
    verdict.claims.push_back({"eigenvalues of the wider network are nearer to the limit's",
                              "largest |lambda_k / lambda_k,inf - 1|" + which + " of " + n_is(wide) +
                                  " over that of " + n_is(narrow) + over,
                              ratio_of_means(by_network(result, wide, largest_difference),
                                             by_network(result, narrow, largest_difference)),
                              -kNoEdge, 1, "smaller than 1"});
  }
  if (plan.widths.size() < 2) return;
  // An eigenvalue that others repel falls by less than all of itself: the law is for n above N.
  std::vector<std::vector<double>> widest = by_seed(plan, result, largest_difference);
  for (auto& seed : widest) seed.erase(seed.begin(), seed.end() - 2);
  const std::vector<Index> two(plan.widths.end() - 2, plan.widths.end());
  const auto fit = fit_scaling(numbers(two), widest);
  verdict.claims.push_back(
      {"the largest relative difference falls with n as n^-1/2 to n^-1",
       "exponent of n in the largest |lambda_k / lambda_k,inf - 1|" + which + " from " + n_is(two.front()) +
           " to " + n_is(two.back()) + over,
       detail::measured_exponent(fit), -1.1, -0.4,
       "-1 to -1/2, to 0.1, between the two widest: entries of Theta_0 are n^-1/2 away from the limit, which "
       "moves an eigenvalue as much to first order; to second order others repel it, by n^-1 for each"});
}

void claim_powers(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result, const std::string& over,
                  Verdict& verdict) {
  const std::string ranks =
      " over ranks " + std::to_string(plan.first_rank) + " to " + std::to_string(result.last_rank);
  const double limit = power_of(plan, result, result.limit).value;
  const Index wide = plan.widths.back(), narrow = plan.widths.front();
  const Measured widest = power_of_width(plan, result, wide);
  verdict.claims.push_back(
      {"eigenvalues of " + n_is(wide) + " decay as those of the limit",
       "exponent of the rank" + ranks + ", minus that of the limit" + over,
       {widest.value - limit, widest.error, widest.freedom},
       -0.05,
       0.05,
       "0, to 0.05: a factor of " + significant(std::pow(10, 0.05), 3) + " over a decade of ranks"});
  if (narrow == wide) return;
  // What is left of the limit's power without one of the seeds.
  const auto off = [&](const std::vector<double>& powers, Index without) {
    double sum = 0, count = 0;
    for (Index s = 0; s < powers.size(); ++s) {
      if (s == without) continue;
      sum += powers[s] - limit;
      ++count;
    }
    return std::abs(sum / count);
  };
  const std::vector<double> above = powers_of_width(plan, result, wide),
                            below = powers_of_width(plan, result, narrow);
  verdict.claims.push_back(
      {"the decay comes nearer to the limit's with the width",
       "|exponent of the rank" + ranks + " minus that of the limit|, " + n_is(wide) + " over " +
           n_is(narrow) + over,
       jackknife(above.size(), [&](Index without) { return off(above, without) / off(below, without); }),
       -kNoEdge, 1, "smaller than 1"});
}

std::string power_label(const std::string& of, double exponent) {
  return ", \u221d " + of + "^(" + with_minus(exponent) + ")";
}

// The mean over seeds with a band from the smallest to the largest, each divided by `unit`, at some ranks.
Series band_of(const std::vector<const SpectrumNetwork*>& networks, const std::vector<Index>& ranks,
               const Eigenvalues* unit) {
  std::vector<std::vector<double>> values;
  for (const SpectrumNetwork* n : networks) {
    values.emplace_back();
    for (const Index k : ranks)
      values.back().push_back(n->eigenvalues[k - 1] / (unit != nullptr ? (*unit)[k - 1] : 1));
  }
  Series band = detail::range_points(numbers(ranks), values);
  band.style = Series::Style::line;
  return band;
}

Series limit_line(const std::vector<Index>& ranks, const Eigenvalues* limit) {
  Series line;
  line.style = Series::Style::reference;
  for (const Index k : ranks) {
    line.x.push_back(static_cast<double>(k));
    line.y.push_back(limit != nullptr ? (*limit)[k - 1] : 1);
  }
  return line;
}

void add_spectra(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result, report::Sheet& sheet) {
  report::Figure values, ratios;
  values.title = "(a) eigenvalues";
  values.y_label = "\u03bb\u2096 of \u0398(0) / N";
  ratios.title = "(b) over those of the limit";
  ratios.y_label = "\u03bb\u2096 / \u03bb\u2096 of the limit";
  values.x_label = ratios.x_label = "rank k";
  values.log_x = ratios.log_x = values.log_y = true;
  const std::vector<Index> ranks = shown_ranks(result.compared);
  for (Index w = 0; w < plan.widths.size(); ++w) {
    const auto networks = of_width(result, plan.widths[w]);
    Series band = band_of(networks, ranks, nullptr), ratio = band_of(networks, ranks, &result.limit);
    band.colour = ratio.colour = w;
    band.label = n_is(plan.widths[w]) + power_label("k", power_of_width(plan, result, plan.widths[w]).value);
    values.series.push_back(std::move(band));
    ratios.series.push_back(std::move(ratio));
  }
  values.series.push_back(limit_line(ranks, &result.limit));
  values.series.back().label = "n = \u221e" + power_label("k", power_of(plan, result, result.limit).value);
  ratios.series.push_back(limit_line(ranks, nullptr));
  sheet.panels.push_back(std::move(values));
  sheet.panels.push_back(std::move(ratios));
}

void add_differences(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result,
                     report::Sheet& sheet) {
  report::Figure panel;
  panel.title = "(c) difference against width";
  panel.x_label = "hidden width n";
  panel.y_label = "|\u03bb\u2096 / \u03bb\u2096 of the limit \u2212 1|";
  panel.log_x = panel.log_y = true;
  panel.x_tics = numbers(plan.widths);
  std::size_t colour = plan.widths.size();
  std::vector<Series> guides;
  for (const auto& [name, difference] : {std::pair<const char*, Difference>("largest", largest_difference),
                                         {"root mean square", rms_difference}}) {
    const auto values = by_seed(plan, result, difference);
    Series points = detail::range_points(numbers(plan.widths), values);
    points.colour = colour++;
    points.label = name;
    if (const auto fit = fit_scaling(numbers(plan.widths), values))
      points.label += power_label("n", fit->exponent);
    guides.push_back(detail::power_line(points, -0.5));
    panel.series.push_back(std::move(points));
  }
  panel.series.insert(panel.series.end(), guides.begin(), guides.end());
  sheet.panels.push_back(std::move(panel));
}

void add_numbers(const FigureSpectrumPlan& plan, const FigureSpectrumResult& result, FigureReport& report) {
  run::CsvTable table({"width", "seed", "rank", "eigenvalue", "limit_eigenvalue"});
  Eigenvalues all;
  std::vector<double> powers, largest;
  for (const SpectrumNetwork& n : result.networks) {
    for (Index k = 0; k < n.eigenvalues.size(); ++k)
      table.add({std::uint64_t{n.width}, n.seed, std::uint64_t{k + 1}, n.eigenvalues[k], result.limit[k]});
    all.insert(all.end(), n.eigenvalues.begin(), n.eigenvalues.end());
    powers.push_back(power_of(plan, result, n.eigenvalues).value);
    largest.push_back(largest_difference(result, n));
  }
  report.csv = table.text();
  const Index w = plan.widths.size(), s = plan.seeds;
  report.arrays = {{"widths", {w}, numbers(plan.widths)},
                   {"eigenvalues", {w, s, result.examples}, all},
                   {"limit_eigenvalues", {result.examples}, result.limit},
                   {"exponents", {w, s}, powers},
                   {"limit_exponent", {1}, {power_of(plan, result, result.limit).value}},
                   {"largest_difference", {w, s}, largest}};
}

std::string in_words(Measured m) {
  return significant(m.value, 4) +
         (std::isfinite(m.error) ? " \u00b1 " + significant(m.error, 2) : std::string());
}

std::vector<std::string> notes_of(const FigureSpectrumPlan& plan, const data::Dataset<double>& data,
                                  const FigureSpectrumResult& result) {
  std::string powers, differences;
  for (const Index width : plan.widths) {
    powers += n_is(width) + ": " + in_words(power_of_width(plan, result, width)) + "; ";
    std::vector<double> ranks;
    for (const SpectrumNetwork* n : of_width(result, width))
      ranks.push_back(static_cast<double>(rank_of_largest(result, *n)));
    differences += (differences.empty() ? "" : "; ") + n_is(width) + ": " +
                   in_words(over_seeds(result, width, largest_difference)) + ", at ranks " +
                   significant(*std::min_element(ranks.begin(), ranks.end()), 6) + " to " +
                   significant(*std::max_element(ranks.begin(), ranks.end()), 6);
  }
  return {
      "The paper (Jacot et al. 2018) shows no such picture; it says that training learns along the "
      "eigenvectors of Theta / N at the rates of their eigenvalues, and that Theta_0 tends to the limit.",
      plan.activation + ", beta = " + significant(plan.bias_scale, 6) + ", depth " +
          std::to_string(plan.depth) + ", one output, at the start of training; " +
          detail::written(data.name) + ", N = " + std::to_string(result.examples) + ", " +
          std::to_string(result.inputs) + " inputs.",
      "Exponents of the rank, by least squares of log lambda_k on log k over ranks " +
          std::to_string(plan.first_rank) + " to " + std::to_string(result.last_rank) +
          ", with standard errors over " + std::to_string(plan.seeds) + " seeds: " + powers +
          "limit: " + in_words(power_of(plan, result, result.limit)) +
          ". The limit's error is that of least squares, as if its eigenvalues were scattered about the line "
          "at random: it tells how straight the line is, no more.",
      "The largest relative difference from the limit, mean over seeds: " + differences + ".",
      "Compared are ranks 1 to " + std::to_string(result.compared) + ", at which the limit's eigenvalue (" +
          significant(result.limit[result.compared - 1], 3) +
          " at the last) is a hundred times what it can be off by, " + significant(result.limit_bound, 2) +
          ", and rounding in the networks' precision. The picture shows up to " + std::to_string(kShown) +
          " of them."};
}

}  // namespace

FigureReport report_figure_spectrum(const FigureSpectrumPlan& plan, const data::Dataset<double>& data,
                                    const FigureSpectrumResult& result) {
  FigureReport report;
  report.name = "figure-spectrum";
  report::Sheet& sheet = report.sheet;
  sheet.title = "Eigenvalues of the NTK at the start: " + detail::written(data.name) +
                ", N = " + std::to_string(result.examples) + ", " + plan.activation + ", depth " +
                std::to_string(plan.depth) + ", " + std::to_string(plan.seeds) +
                (plan.seeds == 1 ? " seed" : " seeds (mean and range)") + "; powers of k fitted from " +
                std::to_string(plan.first_rank) + " to " + std::to_string(result.last_rank);
  sheet.columns = 3;
  sheet.key_of_all = true;
  sheet.key_rows = 3;
  add_spectra(plan, result, sheet);
  add_differences(plan, result, sheet);
  if (plan.widths.size() > 1) sheet.panels.back().series.back().label = "theory: \u221d n^(\u22121/2)";
  add_numbers(plan, result, report);

  Verdict& verdict = report.verdict;
  verdict.title = "Figure spectrum: eigenvalues of the NTK on data, and of its limit";
  const std::string over = ", mean over " + std::to_string(plan.seeds) + " seeds";
  claim_convergence(plan, result, over, verdict);
  claim_powers(plan, result, over, verdict);
  verdict.notes = notes_of(plan, data, result);
  report.settings = {{"data", data.name},
                     {"data_checksum", data::checksum(data)},
                     {"examples", std::to_string(result.examples)},
                     {"widths", detail::listed(plan.widths)},
                     {"depth", std::to_string(plan.depth)},
                     {"activation", plan.activation},
                     {"bias_scale", significant(plan.bias_scale, 17)},
                     {"seeds", std::to_string(plan.seeds)},
                     {"first_seed", std::to_string(plan.first_seed)},
                     {"first_rank", std::to_string(plan.first_rank)},
                     {"last_rank", std::to_string(result.last_rank)},
                     {"precision", detail::name_of(plan.precision)}};
  return report;
}

}  // namespace ntape::study
