#include "predict_problem.hpp"

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/classes.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/run/memory.hpp>

#include "limit_questions.hpp"
#include "overflow.hpp"
#include "predict_files.hpp"

namespace ntape::tools {
namespace {

Matrix<double> rows(const Matrix<double>& m, Index from, Index count) {
  auto part = make_matrix<double>(count, m.shape(1));
  std::copy_n(m.data() + from * m.shape(1), part.size(), part.data());
  return part;
}

Matrix<double> block(const Matrix<double>& m, Index from, Index count, Index col, Index cols) {
  auto part = make_matrix<double>(count, cols);
  for (Index i = 0; i < count; ++i) std::copy_n(row(m, from + i) + col, cols, row(part, i));
  return part;
}

// Inputs and targets, those held out or given apart among them.
struct Examples {
  data::Dataset<double> train;
  std::optional<Matrix<double>> z, y_there;
  DataChecksums checksums;  // where a kernel was recorded
};

bool is_recorded(const PredictOptions& o) {
  return o.kernel != "limit" && o.kernel != "start";
}

Examples examples_of(const PredictOptions& o) {
  data::SourceOptions source = o.source;
  source.seed = Seed{o.data_seed};
  Examples e{data::load(source), {}, {}, {}};
  data::validate(e.train);
  const Index all = e.train.x.shape(0);
  if (is_recorded(o)) e.checksums.all = data::checksum(e.train);
  if (o.test > 0) {
    if (o.test >= all)
      throw UserError("--test holds out " + std::to_string(o.test) + " of " + std::to_string(all) +
                      " examples, and at least one is needed to train on");
    e.z = rows(e.train.x, all - o.test, o.test);
    e.y_there = rows(e.train.y, all - o.test, o.test);
    e.train.x = rows(e.train.x, 0, all - o.test);
    e.train.y = rows(e.train.y, 0, all - o.test);
    if (is_recorded(o)) {
      e.checksums.train = data::checksum(e.train);
      e.checksums.test = data::checksum(data::Dataset<double>{*e.z, *e.y_there, {}, {}});
    }
  }
  if (o.against.empty()) return e;
  e.z = read_inputs(o.against);
  require_columns(shape_of(*e.z), o.against, e.train.x.shape(1), "data '" + e.train.name + "'");
  if (o.against_targets.empty()) return e;
  e.y_there = read_outputs(o.against_targets);
  const Shape needed{e.z->shape(0), e.train.y.shape(1)};
  if (shape_of(*e.y_there) != needed)
    throw UserError("'" + o.against_targets + "' is " + to_string(shape_of(*e.y_there)) + ", and " +
                    to_string(needed) + " are needed: as many rows as '" + o.against +
                    "' has, and the columns of the targets of '" + e.train.name + "'");
  return e;
}

// 1 - 1/C for the class and -1/C elsewhere stand for probabilities 1 and 0.
void to_one_hot(Matrix<double>& y) {
  for (double& v : y) v = v < 0 ? 0 : 1;
}

void require_finite(const Matrix<double>& m, const std::string& what) {
  if (!all_finite(m)) throw overflow(what);
}

// The decomposition, its workspace and what is made of it: some eight matrices of n x n, four of M x n. Of
// covariances, those of all moments (and of the posterior) twice, the archive's copies among them, and as one
// array those of the training set or of the others.
void require_predict_memory(const PredictOptions& o, Index n, Index there) {
  const double rows = static_cast<double>(n), others = static_cast<double>(there);
  double numbers = 8 * rows * rows + 4 * others * rows + 4 * others * others;
  if (o.covariance) {
    const double moments = static_cast<double>(o.ensemble ? moments_of(o) : 0),
                 kept = moments + (o.nngp ? 1 : 0);
    numbers += 2 * kept * (rows * rows + others * others) + moments * std::max(rows * rows, others * others);
  }
  run::require_memory(sizeof(double) * numbers, "predictions with a kernel of " + to_string(Shape{n, n}) +
                                                    (o.covariance ? " and their covariances" : ""));
}

void from_limit(const PredictOptions& o, const Examples& e, PredictProblem& p) {
  const Architecture a = equal_architecture(o.model, e.train.x.shape(1), 1, 1);
  warn_of_depth(a);
  const bool both = o.ensemble || o.nngp;
  require_predict_memory(o, p.y.shape(0), e.z ? e.z->shape(0) : 0);
  LimitKernels train = limit_kernels(a, e.train.x);
  p.ntk = std::move(train.ntk.values);
  require_finite(p.ntk, "limit NTK");
  if (both) p.nngp = std::move(train.nngp.values);
  p.f0 = zeros<double>(p.y.shape(0), p.y.shape(1));
  p.kernel = "the limit NTK, depth " + std::to_string(o.model.depth) + ", " + layers_in_words(a) +
             (o.ensemble ? ", all initializations" : ", f_0 = 0");
  if (!e.z) return;
  p.there.emplace();
  LimitKernels across = limit_kernels(a, *e.z, e.train.x);
  p.there->ntk = std::move(across.ntk.values);
  require_finite(p.there->ntk, "limit NTK");
  p.there->f0 = zeros<double>(e.z->shape(0), p.y.shape(1));
  if (!both) return;
  p.there->nngp = std::move(across.nngp.values);
  p.there->nngp_there = limit_kernels(a, *e.z).nngp.values;
}

void from_network(const PredictOptions& o, const Examples& e, PredictProblem& p) {
  const Index outputs = p.y.shape(1), inputs = e.train.x.shape(1);
  const Mlp<double> model(o.model.hidden.empty()
                              ? equal_architecture(o.model, inputs, o.model.widths.front(), outputs)
                              : explicit_architecture(o.model, inputs, outputs));
  const bool full = o.form == "full" && outputs > 1;
  const Index per = full ? outputs : 1;
  require_predict_memory(o, p.y.shape(0) * per, e.z ? e.z->shape(0) * per : 0);
  const auto theta = model.initialize(Seed{o.seed});
  const KernelForm form = full ? KernelForm::full : KernelForm::trace;
  auto train = empirical_kernels(model, theta, e.train.x, form);
  require_finite(train.ntk.values, "NTK");
  require_finite(train.outputs, "outputs");
  p.ntk = std::move(train.ntk.values);
  p.f0 = std::move(train.outputs);
  std::string widths;
  for (const Index w : model.architecture().widths) widths += (widths.empty() ? "" : "-") + std::to_string(w);
  p.kernel = "the NTK of a network " + widths + ", seed " + std::to_string(o.seed) + ", at its start";
  if (!e.z) return;
  p.there.emplace();
  auto across = empirical_kernels(model, theta, *e.z, e.train.x, form);
  require_finite(across.ntk.values, "NTK");
  p.there->ntk = std::move(across.ntk.values);
  p.there->f0 = std::move(across.outputs);
}

void from_file(const PredictOptions& o, Index all, Index there, PredictProblem& p) {
  RecordedKernel recorded = read_kernel(o, all, p.y.shape(1));
  const Index train = all - there, per = recorded.values.shape(0) / all, n = train * per;
  require_predict_memory(o, n, there * per);
  p.kernel = recorded.description;
  p.precision = recorded.precision;
  if (recorded.without_outputs)
    p.warnings.push_back("f_0 is taken as zero, because '" + o.kernel +
                         "' has no outputs beside this kernel; a network starts elsewhere: give its outputs "
                         "by --start-outputs");
  if (per == 1 && p.y.shape(1) > 1 && !recorded.of_limit)
    p.warnings.push_back(
        "the kernel in '" + o.kernel + "' is applied to each of the " + std::to_string(p.y.shape(1)) +
        " outputs alike; a network's own couples them, and theta_0 and theta_end of drift are its mean "
        "over outputs, which predicts something else: a full one, as drift --save-kernels and "
        "kernel --kernel full record, has shape (N, N, C, C)");
  p.ntk = there == 0 ? std::move(recorded.values) : block(recorded.values, 0, n, 0, n);
  p.f0 = rows(recorded.outputs, 0, train);
  if (there == 0) return;
  p.there.emplace();
  p.there->ntk = block(recorded.values, n, there * per, 0, n);
  p.there->f0 = rows(recorded.outputs, train, there);
}

void warn_of_other_data(const PredictOptions& o, const Examples& e, PredictProblem& p) {
  if (const auto other = recorded_on_other_data(o.kernel, e.checksums))
    p.warnings.push_back("the kernel in '" + o.kernel + "' was recorded on other data than " + p.data +
                         ": inputs or targets differ from those with checksum " + *other +
                         " that the manifest.json beside it names");
}

}  // namespace

PredictProblem predict_problem(const PredictOptions& o) {
  Examples e = examples_of(o);
  PredictProblem p;
  if (o.objective == "softmax_cross_entropy" && data::is_centred_one_hot(e.train.y) &&
      (!e.y_there || data::is_centred_one_hot(*e.y_there))) {
    p.one_hot = true;
    to_one_hot(e.train.y);
    if (e.y_there) to_one_hot(*e.y_there);
  }
  p.y = e.train.y;
  p.data = e.train.name + ": " + std::to_string(p.y.shape(0)) + " examples" +
           (e.z ? ", " + std::to_string(e.z->shape(0)) + " to test on" : "");
  if (o.kernel == "limit")
    from_limit(o, e, p);
  else if (o.kernel == "start")
    from_network(o, e, p);
  else
    from_file(o, p.y.shape(0) + o.test, o.test, p);
  if (is_recorded(o)) warn_of_other_data(o, e, p);
  if (p.there) p.there->y = e.y_there;
  return p;
}

}  // namespace ntape::tools
