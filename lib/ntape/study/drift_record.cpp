#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/run/manifest.hpp>
#include <ntape/run/table.hpp>
#include <ntape/study/drift_outputs.hpp>
#include <ntape/study/drift_record.hpp>
#include <ntape/study/regime.hpp>
#include <span>

namespace ntape::study {
namespace {

using run::CsvTable;
using Cell = CsvTable::Cell;

Cell cell(double value) {
  return Cell(value);
}
Cell cell(Index value) {
  return Cell(std::uint64_t{value});
}
Cell cell(const std::optional<double>& value) {
  return value ? Cell(*value) : Cell();
}

std::string metrics_csv(const DriftPlan& plan, const DriftResult& result) {
  std::vector<std::string> columns = {"width",
                                      "seed",
                                      "step",
                                      "time",
                                      "loss",
                                      "kernel_change",
                                      "limit_distance",
                                      "kernel_distance",
                                      "trace_ratio",
                                      "lambda_max",
                                      "lambda_min",
                                      "alignment",
                                      "parameter_change",
                                      "output_gap",
                                      "limit_gap"};
  const bool test = plan.test.x.shape(0) > 0;
  if (test) columns.insert(columns.end(), {"test_loss", "test_output_gap", "test_limit_gap"});
  if (plan.certificate)
    columns.insert(columns.end(), {"step_size", "step_residual", "step_residual_max", "path_gap"});
  CsvTable table(columns);
  for (const DriftRun& run : result.runs)
    for (const DriftRow& r : run.rows) {
      std::vector<Cell> cells = {cell(run.width),
                                 Cell(run.seed),
                                 cell(r.step),
                                 cell(r.time),
                                 cell(r.loss),
                                 cell(r.kernel_change),
                                 cell(r.limit_distance),
                                 cell(r.kernel_distance),
                                 cell(r.trace_ratio),
                                 cell(r.lambda_max),
                                 cell(r.lambda_min),
                                 cell(r.alignment),
                                 cell(r.parameter_change),
                                 cell(r.output_gap),
                                 cell(r.limit_gap)};
      if (test)
        cells.insert(cells.end(), {cell(r.test_loss), cell(r.test_output_gap), cell(r.test_limit_gap)});
      if (plan.certificate)
        cells.insert(cells.end(),
                     {cell(r.step_size), cell(r.step_residual), cell(r.step_residual_max), cell(r.path_gap)});
      table.add(cells);
    }
  return table.text();
}

std::string layers_csv(const DriftResult& result) {
  CsvTable table({"width", "seed", "step", "time", "layer", "trace_share", "change", "weight_change"});
  for (const DriftRun& run : result.runs)
    for (const DriftRow& r : run.rows)
      for (Index l = 0; l < r.layers.size(); ++l)
        table.add({cell(run.width), Cell(run.seed), cell(r.step), cell(r.time), cell(l),
                   cell(r.layers[l].trace_share), cell(r.layers[l].change), cell(r.layers[l].weight_change)});
  return table.text();
}

// The hidden widths of each network, which `width` calls by one number.
std::vector<std::vector<Index>> hidden_widths(const DriftPlan& plan) {
  std::vector<std::vector<Index>> hidden;
  for (const Architecture& a : plan.architectures)
    hidden.emplace_back(a.widths.begin() + 1, a.widths.end() - 1);
  return hidden;
}

nlohmann::json optional_json(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json fit_json(const std::optional<ScalingFit>& fit) {
  if (!fit) return nullptr;
  return {{"exponent", fit->exponent},
          {"ci95", optional_json(fit->ci95)},
          {"seeds", fit->seeds},
          {"left_out", fit->left_out}};
}

// What the rate did to each network, with the figures that say so.
nlohmann::ordered_json regimes_json(const DriftResult& result) {
  auto list = nlohmann::ordered_json::array();
  for (const DriftRun& run : result.runs) {
    const std::optional<Regime> regime = regime_of(run, result);
    if (!regime) continue;
    nlohmann::ordered_json j;
    j["width"] = run.width;
    j["seed"] = run.seed;
    j["regime"] = to_string(*regime);
    j["rate_over_own_critical"] = run.rows.front().lambda_max / edge_of_stability(result);
    j["lambda_max_start"] = run.rows.front().lambda_max;
    j["lambda_max_peak"] = peak_lambda_max(run);
    const bool ended = *regime != Regime::diverged;
    j["lambda_max_end"] = ended ? nlohmann::json(run.rows.back().lambda_max) : nlohmann::json(nullptr);
    j["first_loss"] = run.rows.front().loss;
    j["peak_loss"] = run.peak_loss;
    j["peak_step"] = run.peak_step;
    j["last_loss"] = ended ? nlohmann::json(run.rows.back().loss) : nlohmann::json(nullptr);
    j["dead"] = ended && is_dead(run.rows.back());
    list.push_back(j);
  }
  return list;
}

std::string manifest_json(const DriftPlan& plan, const data::Dataset<double>& data, const DriftResult& result,
                          double wall_seconds) {
  const run::Environment environment = run::describe_environment();
  nlohmann::ordered_json j;
  j["version"] = environment.version;
  j["compiler"] = environment.compiler;
  j["build_type"] = environment.build_type;
  j["native"] = environment.native;
  j["blas"] = environment.blas;
  j["blas_kernel"] = environment.blas_kernel;
  j["threads"] = environment.threads;
  j["finished_utc"] = environment.now_utc;
  j["wall_seconds"] = wall_seconds;
  j["precision"] = plan.precision == Precision::f32 ? "f32" : "f64";
  std::vector<std::uint64_t> seeds;
  for (Index s = 0; s < plan.seeds; ++s) seeds.push_back(plan.first_seed + s);
  j["seeds"] = seeds;
  j["widths"] = plan.widths;
  j["hidden"] = hidden_widths(plan);
  j["rate"] = result.rate;
  j["steps"] = result.steps;
  j["data"] = {{"name", data.name},           {"description", data.description},
               {"examples", data.x.shape(0)}, {"inputs", data.x.shape(1)},
               {"outputs", data.y.shape(1)},  {"checksum", data::checksum(data)}};
  if (plan.test.x.shape(0) > 0)
    j["test"] = {{"name", plan.test.name},
                 {"examples", plan.test.x.shape(0)},
                 {"targets", plan.test.y.size() > 0},
                 {"checksum", data::checksum(plan.test)}};
  return j.dump(2) + "\n";
}

// (N, N, C, C) in files.
std::vector<Index> full_shape(const Kernel<double>& k) {
  return {k.rows(), k.cols(), k.outputs, k.outputs};
}
std::vector<double> by_examples(const Kernel<double>& k) {
  std::vector<double> values;
  values.reserve(k.values.size());
  for (Index n = 0; n < k.rows(); ++n)
    for (Index m = 0; m < k.cols(); ++m)
      for (Index c = 0; c < k.outputs; ++c)
        for (Index d = 0; d < k.outputs; ++d)
          values.push_back(k.values(n * k.outputs + c, m * k.outputs + d));
  return values;
}

void write_kernels(const run::RunDirectory& directory, const DriftPlan& plan, const DriftResult& result) {
  io::NpzWriter file(directory.file("kernels.npz"));
  bool empty = true;
  // What was computed in floats is no better as doubles, and who reads it ought to know.
  const auto add_array = [&](const std::string& name, const std::vector<Index>& shape,
                             std::span<const double> values) {
    empty = false;
    if (plan.precision != Precision::f32) return file.add<double>(name, shape, values);
    std::vector<float> floats(values.size());
    std::transform(values.begin(), values.end(), floats.begin(),
                   [](double v) { return static_cast<float>(v); });
    file.add<float>(name, shape, floats);
  };
  const auto add = [&](const std::string& name, const Matrix<double>& values) {
    add_array(name, {values.shape(0), values.shape(1)}, {values.data(), values.size()});
  };
  for (const DriftRun& run : result.runs) {
    if (run.seed != plan.first_seed) continue;
    const std::string width = "_width_" + std::to_string(run.width);
    if (run.start) {
      add("theta_0" + width, run.start->values);
      add("outputs_0" + width, run.start_outputs);
    }
    if (run.end) {
      add("theta_end" + width, run.end->values);
      add("outputs_end" + width, run.end_outputs);
    }
    for (const KeptKernel& kept : run.kernels) {
      const std::string step = std::to_string(kept.step);
      const std::string name = "theta_" + step + "_all" + width;
      if (kept.kernel.form == KernelForm::full)
        add_array(name, full_shape(kept.kernel), by_examples(kept.kernel));
      else
        add(name, kept.kernel.values);
      add("outputs_" + step + "_all" + width, kept.outputs);
    }
  }
  if (result.limit) {
    file.add("theta_inf", result.limit->values);
    empty = false;
  }
  if (!empty) file.close();
}

}  // namespace

std::vector<WidthSummary> summarize(const DriftPlan& plan, const DriftResult& result) {
  std::vector<WidthSummary> table;
  for (Index a = 0; a < plan.widths.size(); ++a) {
    WidthSummary row;
    row.width = plan.widths[a];
    double distance = 0, first_loss = 0, change = 0, last_loss = 0;
    for (Index s = 0; s < plan.seeds; ++s) {
      const DriftRun& run = result.runs[a * plan.seeds + s];
      if (run.rows.empty()) continue;
      ++row.started;
      distance += run.rows.front().limit_distance.value_or(0);
      first_loss += run.rows.front().loss;
      if (run.stopped) continue;
      ++row.seeds;
      change += run.rows.back().kernel_change;
      last_loss += run.rows.back().loss;
    }
    const auto mean = [](double sum, Index count) {
      return count > 0 ? std::optional<double>(sum / static_cast<double>(count)) : std::nullopt;
    };
    if (result.limit) row.limit_distance = mean(distance, row.started);
    row.first_loss = mean(first_loss, row.started);
    row.kernel_change = mean(change, row.seeds);
    row.last_loss = mean(last_loss, row.seeds);
    table.push_back(row);
  }
  return table;
}

std::string summary_json(const DriftPlan& plan, const data::Dataset<double>& data,
                         const DriftResult& result) {
  nlohmann::ordered_json j;
  j["data"] = data.name;
  j["rate"] = result.rate;
  j["critical_rate"] = result.critical_rate;
  j["critical_rate_of"] = result.critical_source;
  j["balanced_rate"] = result.balanced_rate;
  j["momentum"] = result.momentum;
  j["edge"] = edge_of_stability(result);
  j["steps"] = result.steps;
  j["time"] = result.rate * static_cast<double>(result.steps);
  j["seeds"] = plan.seeds;
  j["first_seed"] = plan.first_seed;
  j["widths"] = nlohmann::ordered_json::array();
  const auto hidden = hidden_widths(plan);
  for (const WidthSummary& row : summarize(plan, result)) {
    nlohmann::ordered_json w;
    w["width"] = row.width;
    w["hidden"] = hidden[j["widths"].size()];
    w["started"] = row.started;
    w["seeds"] = row.seeds;
    w["limit_distance"] = optional_json(row.limit_distance);
    w["kernel_change"] = optional_json(row.kernel_change);
    w["first_loss"] = optional_json(row.first_loss);
    w["last_loss"] = optional_json(row.last_loss);
    j["widths"].push_back(w);
  }
  j["fits"]["kernel_change"] = fit_json(result.kernel_change_fit);
  j["fits"]["limit_distance"] = fit_json(result.limit_distance_fit);
  j["limit_bound"] = result.limit_bound;
  j["regimes"] = regimes_json(result);
  j["stopped"] = nlohmann::ordered_json::array();
  for (const DriftRun& run : result.runs)
    if (run.stopped)
      j["stopped"].push_back({{"width", run.width}, {"seed", run.seed}, {"message", run.message}});
  return j.dump(2) + "\n";
}

void write_drift_record(const run::RunDirectory& directory, const DriftPlan& plan,
                        const data::Dataset<double>& data, const DriftResult& result,
                        const std::string& config, double wall_seconds) {
  directory.write_text("config.toml", config);
  directory.write_text("manifest.json", manifest_json(plan, data, result, wall_seconds));
  directory.write_text("metrics.csv", metrics_csv(plan, result));
  directory.write_text("layers.csv", layers_csv(result));
  directory.write_text("summary.json", summary_json(plan, data, result));
  write_kernels(directory, plan, result);
  if (plan.keep_outputs) write_drift_outputs(directory, plan, data.y, result);
}

}  // namespace ntape::study
