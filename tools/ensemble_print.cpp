#include "ensemble_print.hpp"

#include <cmath>
#include <ntape/io/npz.hpp>
#include <ntape/run/table.hpp>

#include "interrupt.hpp"
#include "number.hpp"

namespace ntape::tools {
namespace {

using run::significant;
using study::EnsembleComparison;
using study::Measured;

std::string with_error(const Measured& m) {
  constexpr int kDigits = 4;
  if (std::isnan(m.value)) return "";
  const std::string value = significant(m.value, kDigits);
  return std::isfinite(m.error) ? value + " +- " + significant(m.error, 2) : value;
}

std::vector<std::string> cells(const study::EnsembleStudy& s, Index t, const char* where,
                               const EnsembleComparison& c, bool losses) {
  std::vector<std::string> row = {std::to_string(s.steps[t]),
                                  number(s.rate * static_cast<double>(s.steps[t])), where};
  if (losses) {
    row.push_back(c.loss ? with_error(*c.loss) : "");
    row.push_back(c.law_loss ? number(*c.law_loss) : "");
  }
  const bool any = c.compared > 0;
  row.push_back(any ? with_error(c.variance_ratio) : "");
  row.push_back(any ? with_error(c.coverage) : "");
  row.push_back(any ? significant(c.z_mean, 3) : "");
  row.push_back(any ? significant(c.z_variance, 3) : "");
  return row;
}

std::string shape_in_words(const Architecture& a) {
  std::string widths;
  for (const Index w : a.widths) widths += (widths.empty() ? "" : "-") + std::to_string(w);
  return widths + ", " + layers_in_words(a);
}

nlohmann::json fact(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}
nlohmann::json fact(const Measured& m) {
  return {{"value", fact(m.value)}, {"standard_error", fact(m.error)}};
}

nlohmann::json facts_of(const EnsembleComparison& c) {
  nlohmann::json facts = {{"compared", c.compared}};
  if (c.loss) {
    facts["loss"] = fact(*c.loss);
    facts["loss_of_mean"] = *c.loss_of_mean;
    facts["limit_loss"] = *c.law_loss;
  }
  if (c.compared == 0) return facts;
  facts["variance_over_limit"] = fact(c.variance_ratio);
  facts["between_p10_and_p90"] = fact(c.coverage);
  facts["largest_z"] = {{"mean", fact(c.z_mean)}, {"variance", fact(c.z_variance)}};
  facts["exceeded_by_chance_in_5_percent"] = {{"mean", c.by_chance.mean}, {"variance", c.by_chance.variance}};
  return facts;
}

// Columns [from, to) of [R x K] as (lead..., inputs, C).
class Part {
 public:
  Part(io::NpzWriter& file, std::string name, Index from, Shape at)
      : file_(file), name_(std::move(name)), from_(from), at_(at) {}

  void add(const std::string& what, const Matrix<double>& values) {
    add(what, {values.shape(0)}, values.data(), values.shape(1));
  }
  void add(const std::string& what, const Stack<double>& values) {
    add(what, {values.shape(0), values.shape(1)}, values.data(), values.shape(2));
  }

 private:
  void add(const std::string& what, std::vector<Index> shape, const double* values, Index columns) {
    Index rows = 1;
    for (const Index n : shape) rows *= n;
    std::vector<double> part;
    part.reserve(rows * at_.size());
    for (Index r = 0; r < rows; ++r)
      part.insert(part.end(), values + r * columns + from_, values + r * columns + from_ + at_.size());
    shape.insert(shape.end(), {at_.rows, at_.cols});
    file_.add<double>(name_ + "_" + what, shape, part);
  }

  io::NpzWriter& file_;
  std::string name_;
  Index from_;
  Shape at_;
};

}  // namespace

void print_ensemble(const study::EnsembleStudyPlan& plan, const study::EnsembleStudy& s, std::ostream& out) {
  const study::EnsemblePlan& e = plan.ensemble;
  out << plan.data.description << ": " << plan.data.x.shape(0)
      << (plan.data.x.shape(0) == 1 ? " example" : " examples");
  if (plan.test.x.shape(0) > 0) out << ", " << plan.test.x.shape(0) << " to test on";
  out << '\n'
      << s.outputs.seeds.size() << " networks " << shape_in_words(e.architecture) << ", seeds "
      << e.first_seed << " to " << e.first_seed + e.networks - 1 << "\nrate " << number(s.rate) << " = "
      << significant(s.rate / s.critical_rate, 4) << " x the critical rate of the limit kernel";
  if (e.descent.momentum > 0) out << ", momentum " << run::shortest(e.descent.momentum);
  out << "\n\n";
  std::vector<std::vector<std::string>> rows;
  for (Index t = 0; t < s.steps.size(); ++t) {
    rows.push_back(cells(s, t, "train", s.train[t], true));
    if (!s.test.empty()) rows.push_back(cells(s, t, "test", s.test[t], true));
  }
  out << run::format_table({"steps", "time", "on", "loss", "limit's", "variance / limit's", "in P10..P90",
                            "|z| mean", "|z| variance"},
                           rows)
      << "(+- standard errors over networks; limit's: of infinite width under the same descent, whose P10 to "
         "P90 hold 80%;\n|z|: the largest over outputs";
  const EnsembleComparison& c = s.train.front();
  if (c.compared > 0)
    out << ", above " << significant(c.by_chance.mean, 3) << " and " << significant(c.by_chance.variance, 3)
        << " by chance in at most 5% of ensembles, with " << c.compared << " of them";
  out << ")\n";
}

nlohmann::json ensemble_facts(const study::EnsembleStudyPlan& plan, const study::EnsembleStudy& s) {
  nlohmann::json facts = {{"networks", s.outputs.seeds.size()},
                          {"stopped", s.outputs.stopped},
                          {"first_seed", plan.ensemble.first_seed},
                          {"widths", plan.ensemble.architecture.widths},
                          {"rate", s.rate},
                          {"critical_rate", s.critical_rate},
                          {"momentum", plan.ensemble.descent.momentum}};
  facts["moments"] = nlohmann::json::array();
  for (Index t = 0; t < s.steps.size(); ++t) {
    nlohmann::json now = {{"steps", s.steps[t]},
                          {"time", s.rate * static_cast<double>(s.steps[t])},
                          {"train", facts_of(s.train[t])}};
    if (!s.test.empty()) now["test"] = facts_of(s.test[t]);
    facts["moments"].push_back(std::move(now));
  }
  return facts;
}

void write_ensemble(const EnsembleOptions& o, const study::EnsembleStudyPlan& plan,
                    const study::EnsembleStudy& s) {
  const SignalsHeld held;
  io::NpzWriter file(o.out);
  const Index count = s.steps.size();
  std::vector<double> times;
  for (const Index k : s.steps) times.push_back(s.rate * static_cast<double>(k));
  file.add<double>("steps", {count}, std::vector<double>(s.steps.begin(), s.steps.end()));
  file.add<double>("times", {count}, times);
  file.add<double>("seeds", {s.outputs.seeds.size()},
                   std::vector<double>(s.outputs.seeds.begin(), s.outputs.seeds.end()));
  file.add("losses", s.outputs.losses);
  file.add<double>("levels", {plan.quantiles.size()}, plan.quantiles);
  const Index outputs = plan.data.y.shape(1), n = plan.data.x.shape(0), m = plan.test.x.shape(0);
  const auto add = [&](Part part) {
    part.add("mean", s.measured.mean);
    part.add("mean_error", s.measured.mean_error);
    part.add("variance", s.measured.variance);
    part.add("variance_error", s.measured.variance_error);
    part.add("quantiles", s.quantiles);
    part.add("quantile_errors", s.quantile_errors);
    part.add("limit_mean", s.law.mean);
    part.add("limit_variance", s.law.variance);
    part.add("z_mean", s.z.mean);
    part.add("z_variance", s.z.variance);
    if (o.save_outputs) part.add("outputs", s.outputs.values);
  };
  add(Part(file, "train", 0, {n, outputs}));
  if (m > 0) add(Part(file, "test", n * outputs, {m, outputs}));
  file.close();
}

}  // namespace ntape::tools
