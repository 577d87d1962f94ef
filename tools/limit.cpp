#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/plan.hpp>
#include <ntape/limit/dual.hpp>
#include <ntape/limit/windows.hpp>
#include <ntape/run/table.hpp>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "interrupt.hpp"
#include "limit_curve.hpp"
#include "limit_options.hpp"
#include "limit_questions.hpp"
#include "limit_stream.hpp"
#include "overflow.hpp"

namespace ntape::tools {
namespace {

// No network of this width is made, so that no width is too large.
Architecture limit_architecture(const LimitCommandOptions& o, Index columns) {
  Architecture a = equal_architecture(o.model, columns, 1, 1);
  if (o.width > 0) std::fill(a.widths.begin() + 1, a.widths.end() - 1, o.width);
  return a;
}

double largest(const Matrix<double>& m) {
  double most = 0;
  for (const double v : m) most = std::max(most, std::abs(v));
  return most;
}

// The largest bound of the NTK over its largest entry; infinity where an entry has none.
double relative_bound(const LimitKernels& limit) {
  const double entry = largest(limit.ntk.values);
  double bound = 0;
  for (const double b : limit.ntk_bound) bound = std::isfinite(b) ? std::max(bound, b) : HUGE_VAL;
  return entry > 0 ? bound / entry : 0;
}

void add_layers(io::NpzWriter& file, const std::vector<Matrix<double>>& layers) {
  std::vector<double> all;
  for (const Matrix<double>& m : layers) all.insert(all.end(), m.begin(), m.end());
  file.add<double>("ntk_layers", {layers.size(), layers.front().shape(0), layers.front().shape(1)}, all);
}

std::optional<Matrix<double>> read_against(const LimitCommandOptions& o, const Matrix<double>& x) {
  if (o.against.empty()) return {};
  Matrix<double> z = read_inputs(o.against);
  require_columns(shape_of(z), o.against, x.shape(1), "inputs of '" + o.inputs + "'");
  return z;
}

// All at once, and what goes into the archive, which is more than eigenvalues take.
void require_fit(const LimitCommandOptions& o, const Architecture& architecture, const Matrix<double>& x,
                 const Matrix<double>& x2) {
  const double n1 = static_cast<double>(x.shape(0)), n2 = static_cast<double>(x2.shape(0));
  const double layers = o.limit.layers ? 2 * static_cast<double>(o.model.depth) : 0;
  const double needed = (10 + layers) * sizeof(double) * n1 * n2 +
                        sizeof(double) * (n1 + n2) * static_cast<double>(x.shape(1)) + program_bytes() +
                        kLimitTables + limit_bytes(architecture, x, x2, o.limit).examples;
  const double budget = budget_of(o.memory);
  if (needed > budget)
    throw UserError("limit kernels of " + run::significant(n1, 9) + " x " + run::significant(n2, 9) +
                    " examples do not fit in " + in_bytes(budget) +
                    " of memory; the smallest budget that would do is " + budget_text(needed) +
                    ", or less with --out T.npy, which holds no kernel in memory");
}

void say(const LimitCommandOptions& o, Shape shape, double bound, const char* what, std::ostream& out,
         nlohmann::json& facts) {
  facts["shape"] = {shape.rows, shape.cols};
  facts["bound"] = std::isfinite(bound) ? nlohmann::json(bound) : nlohmann::json(nullptr);
  out << o.out << ": " << what << ", " << to_string(shape) << ", ";
  if (std::isfinite(bound))
    out << "within " << run::significant(bound, 2) << " of the largest entry\n";
  else
    out << "some entries without a bound of their error\n";
}

// Of results that are worth little.
void warn(double bound, bool vanished) {
  constexpr double kMuch = 1e-3;
  if (vanished)
    std::cerr << "ntape: warning: every entry of the limit NTK is 0: these inputs and scales leave nothing, "
                 "or less than a double holds\n";
  else if (!(bound <= kMuch))
    std::cerr << "ntape: warning: errors of the limit NTK may be " << run::significant(bound, 2)
              << " of its largest entry, which leaves few digits or none; a smaller --depth gives more\n";
}

LimitKernels kernels_of(const LimitCommandOptions& o, const Architecture& architecture,
                        const Matrix<double>& x, std::ostream& out, nlohmann::json& facts) {
  const std::optional<Matrix<double>> z = read_against(o, x);
  require_fit(o, architecture, x, z ? *z : x);
  LimitKernels limit =
      z ? limit_kernels(architecture, x, *z, o.limit) : limit_kernels(architecture, x, o.limit);
  if (!all_finite(limit.ntk.values) || !all_finite(limit.nngp.values)) throw overflow("limit kernel");
  warn(relative_bound(limit), largest(limit.ntk.values) == 0);
  say(o, shape_of(limit.ntk.values), relative_bound(limit), "limit NTK and NNGP", out, facts);
  return limit;
}

void stream(const LimitCommandOptions& o, const Architecture& architecture, const Matrix<double>& x,
            Interrupts& interrupts, std::ostream& out, nlohmann::json& facts) {
  const std::optional<Matrix<double>> z = read_against(o, x);
  const Matrix<double>& x2 = z ? *z : x;
  const StreamedLimit done = stream_limit({o.out, budget_of(o.memory), !o.talk.quiet && !o.talk.json},
                                          architecture, x, x2, o.limit, interrupts);
  facts["window"] = done.window;
  warn(done.bound, done.vanished);
  say(o, {x.shape(0), x2.shape(0)}, done.bound, "limit NTK", out, facts);
}

void write(const LimitCommandOptions& o, const std::optional<LimitKernels>& limit,
           const std::optional<SphereSpectrum>& spectrum, const std::optional<Curve>& curve) {
  const SignalsHeld held;
  io::NpzWriter file(o.out);
  if (limit) {
    file.add("ntk", limit->ntk.values);
    file.add("nngp", limit->nngp.values);
    file.add("ntk_bound", limit->ntk_bound);
    file.add("nngp_bound", limit->nngp_bound);
    if (o.limit.layers) add_layers(file, limit->layers);
  }
  if (spectrum) {
    const std::vector<Index> shape = {spectrum->value.size()};
    file.add<double>("mu", shape, spectrum->value);
    file.add<double>("mu_bound", shape, spectrum->bound);
    file.add<double>("multiplicity", shape, spectrum->multiplicity);
  }
  if (curve) add_curve(file, *curve);
  file.close();
}

}  // namespace

int limit_command(const std::vector<std::string>& arguments) {
  LimitCommandOptions o;
  Command app("The infinite-width NTK and NNGP kernels.", "ntape limit");
  add_limit_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  require_enough(o);
  apply_threads(o.machine);
  std::optional<Interrupts> interrupts;
  if (streams(o)) interrupts.emplace();
  (void)budget_of(o.memory);
  if (!o.out.empty()) require_new_file(o.out, "--out");
  if (!o.figure.empty()) require_figure(o.figure);

  std::optional<Matrix<double>> x;
  if (!o.inputs.empty()) x = read_inputs(o.inputs);
  const Index columns = x ? x->shape(1) : std::max<Index>(o.sphere, 2);
  const Architecture architecture = limit_architecture(o, columns);
  std::ostringstream out;
  nlohmann::json facts;
  if (!o.out.empty()) facts["out"] = o.out;

  // Warnings come before any work.
  if (o.phase) answer_phase(architecture, out, facts);
  if (x || o.sphere > 0 || o.angles > 0 || !o.figure.empty()) warn_of_depth(architecture);
  if (!o.talk.json && !o.talk.quiet) std::cout << out.str() << std::flush;
  out.str("");
  std::optional<LimitKernels> limit;
  if (x && streams(o))
    stream(o, architecture, *x, *interrupts, out, facts);
  else if (x)
    limit = kernels_of(o, architecture, *x, out, facts);
  if (limit && o.check_positive && o.against.empty())
    answer_inputs(limit->ntk.values, limit->ntk_bound, out, facts);
  std::optional<SphereSpectrum> spectrum;
  if (streams(o) && o.check_positive && o.against.empty())
    out << "the NTK of the inputs is in '" << o.out << "', and its eigenvalues are not computed\n";
  if (!o.against.empty() && o.check_positive)
    out << "the NTK of '" << o.inputs << "' against '" << o.against
        << "' is not symmetric; without --against its eigenvalues on the inputs are given\n";
  const Index dimension = o.sphere == 0 && o.check_positive ? std::max<Index>(columns, 2) : o.sphere;
  if (dimension > 0)
    spectrum = answer_sphere(architecture, dimension, o.degrees, o.square, o.check_positive, out, facts);
  std::optional<Curve> curve;
  // A figure of so many points looks smooth.
  const Index angles = o.angles == 0 && !o.figure.empty() ? 361 : o.angles;
  if (angles > 0)
    curve = answer_curve(architecture, o.square, angles, std::min<Index>(o.degrees, 1000), out, facts);
  if (!o.figure.empty()) draw_curve(*curve, architecture, o.square, o.figure);
  if (!o.out.empty() && !streams(o)) write(o, limit, spectrum, curve);
  if (o.talk.json)
    std::cout << facts.dump(2) << '\n';
  else if (!o.talk.quiet)
    std::cout << out.str();
  return 0;
}

}  // namespace ntape::tools
