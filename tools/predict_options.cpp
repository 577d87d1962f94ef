#include "predict_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/ops/objective.hpp>

#include "rate_option.hpp"

namespace ntape::tools {
namespace {

// A finite number of at least 0, or inf.
std::optional<double> time_in(const std::string& text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

CLI::Validator time() {
  return CLI::Validator(
      [](std::string& text) {
        return time_in(text) ? std::string()
                             : "'" + text + "' is given, and a number of at least 0, or inf, is needed";
      },
      "", "");
}

void add_which_data(CLI::App& app, PredictOptions& o) {
  add_data(app, o.source, o.data_seed);
  auto* test = app.add_option("--test", o.test, "hold out the last M examples to test on")
                   ->transform(whole_number(1))
                   ->type_name("M")
                   ->group("Data");
  auto* against = app.add_option("--against,--test-inputs", o.against, "other inputs, M x n_0, to predict at")
                      ->type_name("Z.npy")
                      ->group("Data")
                      ->excludes(test);
  app.add_option("--against-targets,--test-targets", o.against_targets,
                 "theirs, M or M x n_L, for a loss there")
      ->type_name("T.npy")
      ->group("Data")
      ->needs(against);
}

void add_which_kernel(CLI::App& app, PredictOptions& o) {
  app.add_option("--kernel", o.kernel,
                 "limit: of infinite width. start: of a network, with its\n"
                 "outputs. FILE.npy, FILE.npz: of all examples, recorded")
      ->type_name("KERNEL")
      ->group("Kernel")
      ->capture_default_str();
  app.add_option("--array", o.array, "of FILE.npz; default: ntk, or the only one")
      ->type_name("NAME")
      ->group("Kernel");
  app.add_option("--start-outputs", o.start_outputs,
                 "f_0 for a kernel from a file, N or N x n_L; default: beside\nntk the array outputs, beside "
                 "theta_... outputs_..., or zero")
      ->type_name("F.npy")
      ->group("Kernel");
  app.add_option("--form", o.form, "start, several outputs: full, or trace (averaged over them)")
      ->check(CLI::IsMember({"full", "trace"}).description(""))
      ->type_name("FORM")
      ->group("Kernel")
      ->capture_default_str();
  auto* depth = add_depth(app, o.model);
  auto* width = app.add_option("--width", o.model.widths, "start: of every hidden layer")
                    ->transform(whole_number(1))
                    ->expected(1)
                    ->type_name("N")
                    ->group("Model")
                    ->default_str("512");
  app.add_option("--hidden", o.model.hidden, "start: one explicit shape instead of --depth and --width")
      ->transform(whole_number(1))
      ->delimiter(',')
      ->type_name("N,M,...")
      ->group("Model")
      ->excludes(width)
      ->excludes(depth);
  app.add_option("--seed", o.seed, "start: of the initialization")
      ->transform(whole_number())
      ->type_name("S")
      ->group("Model")
      ->capture_default_str();
  add_layers(app, o.model);
}

void add_training(CLI::App& app, PredictOptions& o) {
  auto* times = app.add_option("--times", o.times,
                               "of gradient flow; default: 0,1,10,100,1000 and, on the\nmean square, inf")
                    ->transform(time())
                    ->delimiter(',')
                    ->type_name("T,...");
  auto* steps = app.add_option("--steps", o.steps, "of gradient descent instead of gradient flow")
                    ->transform(whole_number())
                    ->delimiter(',')
                    ->type_name("K,...")
                    ->excludes(times);
  app.add_option("--rate", o.rate,
                 "eta, or 0.5x: a multiple of the critical rate of the kernel;\ndefault: 0.25x")
      ->check(rate_number())
      ->type_name("X")
      ->needs(steps);
  app.add_option("--momentum", o.momentum,
                 "m in theta_{k+1} = theta_k - eta grad\n+ m (theta_k - theta_{k-1})")
      ->check(finite_number())
      ->type_name("M")
      ->needs(steps);
  std::string known;
  for (const std::string& name : known_objectives()) known += (known.empty() ? "" : ", ") + name;
  app.add_option("--objective", o.objective, known)->type_name("NAME")->capture_default_str();
  app.add_option("--tolerance", o.tolerance, "of the solver for other objectives than the mean square")
      ->check(finite_number())
      ->type_name("X")
      ->capture_default_str();
  app.add_option("--solver-steps", o.solver_steps, "at most, likewise")
      ->transform(whole_number(1))
      ->type_name("K")
      ->capture_default_str();
  for (const char* name :
       {"--times", "--steps", "--rate", "--momentum", "--objective", "--tolerance", "--solver-steps"})
    app.get_option(name)->group("Training");
}

void add_questions(CLI::App& app, PredictOptions& o) {
  app.add_flag("--ensemble", o.ensemble, "all initializations at once: mean and standard deviation");
  app.add_flag("--nngp", o.nngp, "also the posterior of the NNGP, of noise --ridge");
  app.add_flag("--covariance", o.covariance,
               "of --ensemble and --nngp: covariances between examples, too,\nwritten to --out");
  app.add_option("--ridge", o.ridge, "also kernel regression with r on the diagonal, absolute")
      ->check(finite_number())
      ->type_name("R");
  app.add_flag("--early-stopping", o.early_stopping,
               "when the predicted test loss is least; with --ensemble\n"
               "that which a network has in expectation");
  app.add_option("--components", o.components, "the K leading ones: rates, times, shares")
      ->transform(whole_number(1))
      ->type_name("K");
  for (const char* name :
       {"--ensemble", "--nngp", "--covariance", "--ridge", "--early-stopping", "--components"})
    app.get_option(name)->group("Questions");
}

}  // namespace

void add_predict_options(CLI::App& app, PredictOptions& o) {
  add_which_data(app, o);
  add_which_kernel(app, o);
  add_training(app, o);
  add_questions(app, o);
  add_threads(app, o.machine);
  app.add_option("--out", o.out, "a new file: outputs and losses at each time, see README")
      ->type_name("P.npz")
      ->group("Output");
  add_talk(app, o.talk);
  app.footer(
      "examples:\n"
      "  ntape predict --test 32 --early-stopping\n"
      "  ntape predict --data fashion-mnist --classes 0,1 --examples 600 --test 100 --ensemble --nngp\n"
      "  ntape predict --kernel start --width 1024 --steps 0,10,100 --rate 1 --momentum 0.9\n"
      "  ntape predict --kernel runs/a/kernels.npz --array theta_0_width_64 --times 0,10,inf --out P.npz");
}

namespace {

// Options that this kernel or objective has no use for: they would seem to do something.
void require_no_idle_options(const CLI::App& app, const PredictOptions& o) {
  std::vector<std::string> idle;
  const auto add = [&](std::initializer_list<const char*> names) {
    idle.insert(idle.end(), names.begin(), names.end());
  };
  std::string why = "--kernel is " + o.kernel;
  if (o.kernel != "start") add({"--width", "--hidden", "--seed", "--form"});
  if (o.reads_kernel())
    add({"--depth", "--activation", "--weight-scale", "--bias-scale", "--residual", "--layer-norm"});
  if (o.on_mean_square() && (app.count("--tolerance") > 0 || app.count("--solver-steps") > 0)) {
    idle = {"--tolerance", "--solver-steps"};
    why = "the mean square needs no solver";
  }
  for (const std::string& name : idle)
    if (app.get_option_no_throw(name) != nullptr && app.count(name) > 0)
      throw UserError(name + " has no effect here: " + why + " (see ntape predict --help)");
}

void require_npz(const std::string& path) {
  if (!path.ends_with(".npz"))
    throw UserError("--out is '" + path + "', and a name that ends in .npz is needed: it will hold arrays");
}

}  // namespace

void require_predictable(const CLI::App& app, const PredictOptions& o) {
  const auto refuse = [](const std::string& what) { throw UserError(what + " (see ntape predict --help)"); };
  (void)objective<double>(o.objective);
  require_no_idle_options(app, o);
  if (o.kernel != "limit" && (o.ensemble || o.nngp))
    refuse(std::string(o.ensemble ? "--ensemble" : "--nngp") +
           " is about all networks of infinite width and needs --kernel limit");
  if (o.covariance && !(o.ensemble || o.nngp))
    refuse("--covariance has no effect here: it belongs to --ensemble and --nngp");
  if (o.covariance && o.out.empty())
    refuse("--covariance has no effect here: covariances are written to --out, and it is not given");
  if (!o.reads_kernel() && !(o.array.empty() && o.start_outputs.empty()))
    refuse(std::string(o.array.empty() ? "--start-outputs" : "--array") +
           " belongs to a kernel from a file, and --kernel is " + o.kernel);
  if (o.reads_kernel() && !o.against.empty())
    refuse("--against needs kernels at other inputs, and '" + o.kernel +
           "' is one of the examples; record it with them among the examples and use --test");
  if (o.early_stopping && o.test == 0 && o.against_targets.empty())
    refuse("--early-stopping needs a test loss: --test, or --against with --against-targets");
  if (o.early_stopping && !o.steps.empty())
    refuse("--early-stopping is about gradient flow, and --steps about descent; leave out one of them");
  if (!o.on_mean_square()) {
    for (const auto& [given, name] :
         {std::pair{!o.steps.empty(), "--steps"}, std::pair{o.ensemble, "--ensemble"},
          std::pair{o.early_stopping, "--early-stopping"}, std::pair{o.components > 0, "--components"},
          std::pair{o.ridge.has_value(), "--ridge"}, std::pair{o.nngp, "--nngp"}})
      if (given) refuse(std::string(name) + " needs the mean square, and --objective is " + o.objective);
  }
  if (!(o.momentum >= 0 && o.momentum < 1)) refuse("--momentum must be at least 0 and less than 1");
  const Rate rate = rate_of(o.rate);
  if (!(rate.number.value_or(1) > 0 && rate.multiple.value_or(1) > 0)) refuse("--rate must be above 0");
  if (o.ridge && !(*o.ridge >= 0)) refuse("--ridge must be at least 0");
  if (o.out.empty()) return;
  require_npz(o.out);
  require_new_file(o.out, "--out");
}

std::vector<double> times_of(const PredictOptions& o) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> times;
  for (const std::string& text : o.times) times.push_back(*time_in(text));
  if (times.empty()) times = {0, 1, 10, 100, 1000};
  if (o.times.empty() && o.on_mean_square()) times.push_back(kInfinity);
  std::sort(times.begin(), times.end());
  if (!o.on_mean_square() && times.back() == kInfinity)
    throw UserError("--times has inf, where " + o.objective + " may go on growing; finite times are needed");
  return times;
}

Index moments_of(const PredictOptions& o) {
  return o.steps.empty() ? times_of(o).size() : o.steps.size();
}

}  // namespace ntape::tools
