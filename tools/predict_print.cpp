#include "predict_print.hpp"

#include <cmath>
#include <ntape/io/npz.hpp>
#include <ntape/run/table.hpp>

#include "interrupt.hpp"
#include "number.hpp"

namespace ntape::tools {
namespace {

using run::significant;

// Over examples and outputs.
double root_mean_square(const Matrix<double>& m) {
  double sum = 0;
  for (const double v : m) sum += v * v;
  return std::sqrt(sum / static_cast<double>(m.size()));
}

std::string loss_cell(const std::optional<Predicted>& p) {
  return p && p->loss ? number(*p->loss) : "";
}
std::string sd_cell(const std::optional<Predicted>& p) {
  return p && p->sd ? number(root_mean_square(*p->sd)) : "";
}

struct Columns {
  bool steps, losses_there, sd, sd_there;
};

std::vector<std::string> cells(const Columns& c, const std::string& steps, const std::string& time,
                               const std::optional<Predicted>& train, const std::optional<Predicted>& test) {
  std::vector<std::string> row;
  if (c.steps) row.push_back(steps);
  row.push_back(time);
  row.push_back(loss_cell(train));
  if (c.losses_there) row.push_back(loss_cell(test));
  if (c.sd) row.push_back(sd_cell(train));
  if (c.sd_there) row.push_back(sd_cell(test));
  return row;
}

std::string table(const PredictProblem& p, const PredictResult& r) {
  const bool sd = (!r.moments.empty() && r.moments.front().train.sd) || r.nngp;
  const Columns c{r.rate.has_value(), p.there && p.there->y, sd, sd && p.there};
  std::vector<std::string> headings;
  if (c.steps) headings.push_back("steps");
  headings.insert(headings.end(), {"time", "train loss"});
  if (c.losses_there) headings.push_back("test loss");
  if (c.sd) headings.push_back("train sd");
  if (c.sd_there) headings.push_back("test sd");
  std::vector<std::vector<std::string>> rows;
  for (const PredictedMoment& m : r.moments)
    rows.push_back(cells(c, m.steps ? std::to_string(*m.steps) : "", number(m.time), m.train, m.test));
  if (r.ridge) rows.push_back(cells(c, "", "ridge", r.ridge->train, r.ridge->test));
  if (r.nngp) rows.push_back(cells(c, "", "NNGP", r.nngp->train, r.nngp->test));
  return run::format_table(headings, rows);
}

std::string condition_of(const SolveReport& r) {
  return "condition " + significant(r.condition, 3) + " (of all modes " + significant(r.full_condition, 3) +
         "), effective rank " + significant(r.effective_rank, 3) + " of " + std::to_string(r.size);
}

void print_report(const std::string& what, const SolveReport& r, std::ostream& out) {
  out << what << ": " << condition_of(r) << ", ";
  if (r.regularizer > 0)
    out << "ridge " << number(r.regularizer) << " (lambda_max " << number(r.lambda_max) << ")";
  else
    out << "no ridge";
  out << ", backward error " << significant(r.backward_error, 2);
  if (r.leaves_out())
    out << "; " << r.null_modes << " eigenvalues up to " << significant(r.null_level, 2) << " count as zero";
  out << '\n';
}

// Whose loss is least at the time to stop.
std::string loss_in_words(const PredictOptions& o) {
  return o.ensemble ? "expected test loss of a network" : "test loss";
}

nlohmann::json facts_of(const SolveReport& r) {
  // What belongs to a solve, when there was one.
  const auto if_solved = [&](const auto& v) {
    return r.solved ? nlohmann::json(v) : nlohmann::json(nullptr);
  };
  const auto finite = [](double v) { return std::isfinite(v) ? nlohmann::json(v) : nlohmann::json(nullptr); };
  return {{"size", r.size},
          {"lambda_max", r.lambda_max},
          {"lambda_min", r.lambda_min},
          {"precision", r.precision},
          {"null_level", r.null_level},
          {"null_modes", r.null_modes},
          {"negative_modes", r.negative_modes},
          {"ridge", if_solved(r.regularizer)},
          {"condition", finite(r.condition)},
          {"full_condition", finite(r.full_condition)},
          {"effective_rank", r.effective_rank},
          {"backward_error", if_solved(r.backward_error)},
          {"unreachable", if_solved(r.unreachable)}};
}

void add_facts(nlohmann::json& to, const std::string& where, const std::optional<Predicted>& p) {
  if (!p) return;
  if (p->loss) to[where + "_loss"] = *p->loss;
  if (p->sd) to[where + "_sd"] = root_mean_square(*p->sd);
}

nlohmann::json time_fact(double time) {
  return std::isinf(time) ? nlohmann::json("inf") : nlohmann::json(time);
}

nlohmann::json facts_of(const PredictedRegression& r) {
  nlohmann::json facts = {{"solve", facts_of(r.report)}};
  add_facts(facts, "train", r.train);
  add_facts(facts, "test", r.test);
  return facts;
}

// One array (moments, examples, outputs).
template <class Get>
void add_stack(io::NpzWriter& file, const std::string& name, const PredictResult& r, const Get& get) {
  std::vector<double> all;
  Shape shape;
  for (const PredictedMoment& m : r.moments) {
    const Matrix<double>* const values = get(m);
    if (values == nullptr) return;
    shape = shape_of(*values);
    if (all.empty()) all.reserve(r.moments.size() * values->size());  // no more memory than is announced
    all.insert(all.end(), values->begin(), values->end());
  }
  file.add<double>(name, {r.moments.size(), shape.rows, shape.cols}, all);
}

void add_regression(io::NpzWriter& file, const std::string& name, const PredictedRegression& r) {
  file.add(name + "_train", r.train.outputs);
  if (r.train.sd) file.add(name + "_train_sd", *r.train.sd);
  if (r.train.covariance) file.add(name + "_train_covariance", *r.train.covariance);
  if (!r.test) return;
  file.add(name + "_test", r.test->outputs);
  if (r.test->sd) file.add(name + "_test_sd", *r.test->sd);
  if (r.test->covariance) file.add(name + "_test_covariance", *r.test->covariance);
}

}  // namespace

void print_prediction(const PredictOptions& o, const PredictProblem& p, const PredictResult& r,
                      std::ostream& out) {
  out << p.data << "\nkernel: " << p.kernel << '\n';
  if (p.one_hot) out << "targets: the classes' probabilities, 1 and 0\n";
  if (r.rate)
    out << "descent: rate " << number(*r.rate) << " (critical: " << number(*r.critical_rate) << ")"
        << (o.momentum > 0 ? ", momentum " + run::shortest(o.momentum) : "") << '\n';
  out << '\n' << table(p, r);
  if (r.moments.front().train.sd)
    out << "(losses are those of the mean; sd is over initializations, rms over examples)\n";
  else if (r.nngp)
    out << "(the NNGP's loss is that of the mean; its sd is the posterior's, rms over examples)\n";
  out << '\n';
  if (r.report && !r.solver_steps) print_report("training to the end", *r.report, out);
  if (r.report && r.solver_steps) out << "the kernel: " << condition_of(*r.report) << '\n';
  if (r.solver_steps)
    out << "solver: " << *r.solver_steps << " steps of Dormand-Prince 5(4), tolerance " << number(o.tolerance)
        << '\n';
  if (r.ridge) print_report("kernel regression", r.ridge->report, out);
  if (r.nngp) print_report("NNGP posterior", r.nngp->report, out);
  if (r.stopping)
    out << "early stopping: " << loss_in_words(o) << ' ' << number(r.stopping->loss) << " at time "
        << number(r.stopping->time) << ", " << number(r.stopping->loss_at_start) << " at the start, "
        << number(r.stopping->loss_at_end) << " at the end\n";
  if (r.components.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (Index k = 0; k < r.components.size(); ++k) {
    const LazyComponent& c = r.components[k];
    rows.push_back(
        {std::to_string(k + 1), number(c.rate), number(c.time), number(c.start), significant(c.share, 3)});
  }
  out << "\nprincipal components of Theta/N:\n"
      << run::format_table({"k", "rate", "time constant", "|residual|", "share"}, rows);
}

nlohmann::json prediction_facts(const PredictOptions& o, const PredictProblem& p, const PredictResult& r) {
  nlohmann::json facts = {{"data", p.data}, {"kernel", p.kernel}, {"objective", o.objective}};
  if (!o.out.empty()) facts["out"] = o.out;
  if (r.rate) {
    facts["rate"] = *r.rate;
    facts["critical_rate"] = time_fact(*r.critical_rate);
    facts["momentum"] = o.momentum;
  }
  facts["moments"] = nlohmann::json::array();
  for (const PredictedMoment& m : r.moments) {
    nlohmann::json now = {{"time", time_fact(m.time)}};
    if (m.steps) now["steps"] = *m.steps;
    add_facts(now, "train", m.train);
    add_facts(now, "test", m.test);
    facts["moments"].push_back(now);
  }
  if (r.report) facts["solve"] = facts_of(*r.report);
  if (r.solver_steps) facts["solver_steps"] = *r.solver_steps;
  if (r.ridge) facts["ridge"] = facts_of(*r.ridge);
  if (r.nngp) facts["nngp"] = facts_of(*r.nngp);
  if (r.stopping)
    facts["early_stopping"] = {{"time", time_fact(r.stopping->time)},
                               {"loss_is", loss_in_words(o)},
                               {"test_loss", r.stopping->loss},
                               {"at_start", r.stopping->loss_at_start},
                               {"at_end", r.stopping->loss_at_end}};
  for (const LazyComponent& c : r.components)
    facts["components"].push_back(
        {{"rate", c.rate}, {"time", time_fact(c.time)}, {"residual", c.start}, {"share", c.share}});
  facts["warnings"] = r.warnings;
  return facts;
}

void write_prediction(const PredictOptions& o, const PredictResult& r) {
  const SignalsHeld held;
  io::NpzWriter file(o.out);
  const auto add_column = [&](const std::string& name, const auto& get) {
    std::vector<double> values;
    for (const PredictedMoment& m : r.moments)
      if (const std::optional<double> value = get(m)) values.push_back(*value);
    if (!values.empty()) file.add<double>(name, {values.size()}, values);
  };
  add_column("times", [](const auto& m) { return std::optional(m.time); });
  add_column("steps", [](const auto& m) {
    return m.steps ? std::optional(static_cast<double>(*m.steps)) : std::nullopt;
  });
  add_column("train_loss", [](const auto& m) { return m.train.loss; });
  add_column("test_loss", [](const auto& m) { return m.test ? m.test->loss : std::nullopt; });
  add_stack(file, "train", r, [](const auto& m) { return &m.train.outputs; });
  add_stack(file, "test", r, [](const auto& m) { return m.test ? &m.test->outputs : nullptr; });
  add_stack(file, "train_sd", r, [](const auto& m) { return m.train.sd ? &*m.train.sd : nullptr; });
  add_stack(file, "test_sd", r, [](const auto& m) { return m.test && m.test->sd ? &*m.test->sd : nullptr; });
  const auto covariance = [](const auto& p) { return p.covariance ? &*p.covariance : nullptr; };
  add_stack(file, "train_covariance", r, [&](const auto& m) { return covariance(m.train); });
  add_stack(file, "test_covariance", r,
            [&](const auto& m) { return m.test ? covariance(*m.test) : nullptr; });
  if (r.ridge) add_regression(file, "ridge", *r.ridge);
  if (r.nngp) add_regression(file, "nngp", *r.nngp);
  if (!r.components.empty()) {
    std::vector<double> rates;
    for (const LazyComponent& c : r.components) rates.push_back(c.rate);
    file.add<double>("component_rates", {rates.size()}, rates);
    file.add("component_residuals", r.component_residuals);
  }
  file.close();
}

}  // namespace ntape::tools
